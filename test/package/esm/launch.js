// A real appliance: makes a filesystem on a new disk, and reads back what it wrote.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guestfs } from 'guestfs';

const folder = mkdtempSync(join(tmpdir(), 'guestfs-package-'));
const disk = join(folder, 'disk.img');
const g = new Guestfs();
try {
  await g.diskCreate(disk, 'raw', 64n * 1024n * 1024n);
  await g.addDrive(disk, { format: 'raw' });
  await g.launch({ timeout: 300_000 });
  await g.partDisk('/dev/sda', 'mbr');
  await g.mkfs('ext4', '/dev/sda1');
  await g.mount('/dev/sda1', '/');
  await g.write('/greeting', 'hello');
  assert.equal(await g.cat('/greeting'), 'hello');
  await g.shutdown();
} finally {
  await g.close();
  rmSync(folder, { recursive: true });
}
