// Makes a disk image with a partition and a filesystem, and puts files in it.
//   node examples/create-disk.mjs disk.qcow2
import { Guestfs } from 'guestfs';

const [image = 'disk.qcow2'] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.diskCreate(image, 'qcow2', 512 * 1024 * 1024); // bytes
  await g.addDrive(image, { format: 'qcow2' });
  await g.launch();

  await g.partDisk('/dev/sda', 'gpt'); // one partition over the whole disk
  await g.mkfs('ext4', '/dev/sda1', { label: 'data' });
  await g.mount('/dev/sda1', '/');

  await g.mkdirP('/etc/app');
  await g.write('/etc/app/settings.json', JSON.stringify({ port: 8080 }));
  await g.chmod(0o600, '/etc/app/settings.json');

  await g.shutdown(); // writes everything to the image, and fails when that fails
  console.log(`${image}: one ext4 filesystem on /dev/sda1`);
} finally {
  await g.close();
}
