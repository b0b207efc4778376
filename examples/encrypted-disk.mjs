// Makes an encrypted disk, and reads it again as a stranger with the key.
//   PASSPHRASE=… node examples/encrypted-disk.mjs vault.img
import { Guestfs, inspect } from 'guestfs';

const [image = 'vault.img'] = process.argv.slice(2);
const passphrase = process.env.PASSPHRASE ?? 'correct horse battery staple';

const g = new Guestfs();
try {
  await g.diskCreate(image, 'raw', 128 * 1024 * 1024);
  await g.addDrive(image, { format: 'raw' });
  await g.launch();
  await g.luksFormat('/dev/sda', passphrase, 0);
  await g.cryptsetupOpen('/dev/sda', passphrase, 'vault');
  await g.mkfs('ext4', '/dev/mapper/vault');
  await g.mount('/dev/mapper/vault', '/');
  await g.write('/secret.txt', 'The treasure is below the oak.\n');
  await g.umountAll();
  await g.cryptsetupClose('/dev/mapper/vault');
  await g.shutdown();
} finally {
  await g.close();
}

const { encrypted, filesystems } = await inspect({ path: image, format: 'raw' }, { keys: [passphrase] });
for (const { device, type, mapping } of encrypted) console.log(`${device}: ${type}, opened as ${mapping}`);
for (const { device, type, used } of filesystems) console.log(`${device}: ${type}, ${used} bytes used`);
