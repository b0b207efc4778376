// Edits a file in place: its owner, mode and label stay, and a crash leaves either the old file or the new one.
//   node examples/edit-file.mjs disk.qcow2 /dev/sda1 /etc/hostname debian web-1
import { Guestfs } from 'guestfs';

const [image, device, path, from, to] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.addDrive(image);
  await g.launch();
  await g.mount(device, '/');

  const before = (await g.readFile(path)).toString('latin1'); // a character for each byte: nothing is lost
  const after = before.replaceAll(from, to);
  const copy = `${path}.new`;
  await g.write(copy, Buffer.from(after, 'latin1'));
  await g.copyAttributes(path, copy, { all: true });
  await g.mv(path, `${path}~`);
  await g.mv(copy, path);

  await g.shutdown();
  console.log(`${path}: ${before.split(from).length - 1} changes; the old file is ${path}~`);
} finally {
  await g.close();
}
