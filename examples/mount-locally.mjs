// Shows a guest's files as a folder of the host, until Ctrl-C. Needs FUSE (`apt install fuse3`).
//   node examples/mount-locally.mjs disk.qcow2 /dev/sda1 folder
import { execFileSync } from 'node:child_process';
import { Guestfs } from 'guestfs';

const [image, device, folder] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();
  await g.mountRo(device, '/');
  await g.mountLocal(folder, { readonly: true });

  // The handle is busy until somebody unmounts the folder.
  process.once('SIGINT', () => execFileSync('fusermount', ['-u', folder]));
  console.log(`${folder} shows ${device} of ${image}`);
  await g.mountLocalRun();
} finally {
  await g.close();
}
