// The ten largest files of a filesystem, in one walk.
//   node examples/find-large-files.mjs disk.qcow2 /dev/sda1
import { inspect } from 'node:util';
import { Guestfs } from 'guestfs';

const [image, device] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();
  await g.mountRo(device, '/');

  let largest = [];
  for await (const { path, type, size } of g.walk('/')) {
    if (type !== 'file') continue;
    largest.push({ path, size });
    if (largest.length > 1000) largest = top(largest);
  }
  for (const { path, size } of top(largest)) console.log(String(size).padStart(12), inspect(path));
} finally {
  await g.close();
}

function top(files) {
  return files.sort((a, b) => Number(b.size) - Number(a.size)).slice(0, 10);
}
