// Edits a file in place: its owner, mode and label stay, and a crash leaves either the old file or the new one.
//   node examples/edit-file.mjs disk.qcow2 /dev/sda1 /etc/hostname debian web-1
import { Guestfs } from 'guestfs';

const [image, device, path, from, to] = process.argv.slice(2);

/** A character for each byte: nothing that the file holds is lost. */
const bytes = (text) => Buffer.from(text).toString('latin1');

const g = new Guestfs();
try {
  await g.addDrive(image);
  await g.launch();
  await g.mount(device, '/');

  const before = (await g.readFile(path)).toString('latin1');
  const after = before.replaceAll(bytes(from), () => bytes(to)); // a function, for $ means something in a text
  const copy = `${path}.new`;
  await g.write(copy, Buffer.from(after, 'latin1'));
  await g.copyAttributes(path, copy, { all: true });
  await g.sync(); // the new content is on the disk before its name is
  await g.lnF(path, `${path}~`);
  await g.mv(copy, path); // in one step: at no time is there no such file

  await g.shutdown();
  console.log(`${path}: ${before.split(bytes(from)).length - 1} changes; the old file is ${path}~`);
} finally {
  await g.close();
}
