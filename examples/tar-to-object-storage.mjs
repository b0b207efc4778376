// Sends a folder of a guest to object storage, as a compressed tar archive: from the appliance to the network, through
// no file of the host and little memory.
//   node examples/tar-to-object-storage.mjs disk.qcow2 /dev/sda1 /home https://storage.example/backup/home.tar.gz
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { Guestfs } from 'guestfs';

const [image, device, folder, url] = process.argv.slice(2);

const g = new Guestfs();
let packed;
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();
  await g.mountRo(device, '/');

  packed = pipeline(g.tarOutStream(folder), createGzip(), () => {}); // fetch tells when it fails
  const response = await fetch(url, { method: 'PUT', body: packed, duplex: 'half' });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  console.log(`${folder}: ${await response.text()}`);
} finally {
  packed?.destroy(); // who refuses it has not read it: close() would wait for its end
  await g.close();
}
