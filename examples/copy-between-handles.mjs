// Copies a folder from one guest to another, through no file of the host. Each guest has an appliance of its own, so
// neither sees the other's disk.
//   node examples/copy-between-handles.mjs from.qcow2 /dev/sda1 /etc to.qcow2 /dev/sda1 /backup
import { pipeline } from 'node:stream/promises';
import { Guestfs } from 'guestfs';

const [from, fromDevice, fromFolder, to, toDevice, toFolder] = process.argv.slice(2);

const source = new Guestfs();
const target = new Guestfs();
try {
  await source.addDrive(from, { readonly: true });
  await target.addDrive(to);
  await Promise.all([source.launch(), target.launch()]);
  await source.mountRo(fromDevice, '/');
  await target.mount(toDevice, '/');

  await target.mkdirP(toFolder);
  await pipeline(source.tarOutStream(fromFolder), target.tarInStream(toFolder));

  await target.shutdown();
  console.log(`${fromFolder} of ${from} is now ${toFolder} of ${to}`);
} finally {
  await Promise.all([source.close(), target.close()]);
}
