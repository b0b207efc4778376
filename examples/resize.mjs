// Makes a disk larger, and with it its last partition and the ext4 filesystem in there.
//   node examples/resize.mjs disk.img 2
import { stat, truncate } from 'node:fs/promises';
import { Guestfs } from 'guestfs';

const [image, gibibytes] = process.argv.slice(2);

const wanted = Number(gibibytes) * 2 ** 30;
const { size } = await stat(image);
if (!(wanted > size))
  throw new Error(`${image} has ${size} bytes: with fewer it would lose what is at its end`);
await truncate(image, wanted); // a raw image; `qemu-img resize` is for all formats

const g = new Guestfs();
try {
  await g.addDrive(image, { format: 'raw' });
  await g.launch();
  const last = (await g.partList('/dev/sda')).at(-1);
  if (!last) throw new Error(`${image} has no partition`);
  const { partNum, partStart } = last;
  if ((await g.partGetParttype('/dev/sda')) === 'gpt') await g.partExpandGpt('/dev/sda');

  const sectorSize = BigInt(await g.blockdevGetss('/dev/sda'));
  const lastSector = (await g.blockdevGetsize64('/dev/sda')) / sectorSize - 1n;
  await g.partResize('/dev/sda', partNum, lastSector - 34n); // the end of a GPT belongs to its copy
  console.log(`partition ${partNum} begins at ${partStart} and ends with the disk`);

  const device = `/dev/sda${partNum}`;
  await g.e2fsck(device, { correct: true });
  await g.resize2fs(device);
  await g.mountRo(device, '/');
  const { blocks, bsize } = await g.statvfs('/');
  await g.shutdown(); // fails when something could not be written
  console.log(`${device}: ${blocks * bsize} bytes`);
} finally {
  await g.close();
}
