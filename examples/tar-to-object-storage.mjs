// Sends a folder of a guest to object storage, as a compressed tar archive: from the appliance to the network, through
// no file of the host and little memory.
//   node examples/tar-to-object-storage.mjs disk.qcow2 /dev/sda1 /home https://storage.example/backup/home.tar.gz
import { createGzip } from 'node:zlib';
import { Guestfs } from 'guestfs';

const [image, device, folder, url] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();
  await g.mountRo(device, '/');

  const archive = g.tarOutStream(folder);
  const packed = archive.pipe(createGzip());
  archive.once('error', (error) => packed.destroy(error));
  const response = await fetch(url, { method: 'PUT', body: packed, duplex: 'half' });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  console.log(`${folder}: ${await response.text()}`);
} finally {
  await g.close();
}
