import { expect, test } from '@jest/globals';
import { GuestfsError } from '../../lib';
import { mounting } from '../../lib/guests/unmountable';

// What the kernel says of a mount that it refuses, on messages as the drivers write them.

const guess =
  'mount_ro: mount exited with status 32: mount: /sysroot: wrong fs type, bad option, bad superblock on /dev/sda1, missing codepage or helper program, or other error.';
const libraryError = (message: string) =>
  new GuestfsError(message, { code: 'ERR_GUESTFS', operation: 'mountRo' });

/** The error of a mount that fails with `message` while the kernel says `said`. */
async function errorOf(message: string, said: readonly string[], earlier: readonly string[] = []) {
  const messages = [...earlier];
  const g = { dmesg: async () => `${messages.join('\n')}\n`, vfsType: async () => 'ext4' };
  const mount = async () => {
    messages.push(...said);
    throw libraryError(message);
  };
  return (await mounting(g, '/dev/sda1', mount).catch((error: unknown) => error)) as GuestfsError;
}

test.each([
  [
    '[    3.1] EXT4-fs (sda1): bad geometry: block count 2 exceeds size of device (1 blocks)',
    'bad geometry: block',
  ],
  [
    '[    3.1] EXT4-fs error (device sda1): ext4_fill_super:5256: inode #8: comm mount: iget: checksum invalid',
    'iget: checksum',
  ],
  ['[   13.12] XFS (dm-0): SB validate failed with error -117.', 'SB validate failed'],
  ['[   13.12] BTRFS error (device sda1: state E): failed to read chunk tree: -5', 'chunk tree'],
  ['F2FS-fs (sda1): Magic Mismatch, valid(0xf2f52010) - read(0x0)', 'Magic Mismatch'],
])('%s', async (line, words) => {
  const error = await errorOf(guess, ['[    3.0] sda: sda1', line, line]);
  expect(error).toMatchObject({
    code: 'ERR_GUESTFS_UNMOUNTABLE',
    operation: 'mountRo',
    hint: expect.any(String),
  });
  expect(error.message).toContain(`the kernel says: `);
  expect(error.message).toContain(words);
});

test('what it had said of others before is not its reason, nor what says nothing', async () => {
  const others = ['[    1.0] EXT4-fs (sdb1): no journal found'];
  const idle = [
    '[    2.0] BTRFS info (device sda1): using crc32c',
    '[    2.0] BTRFS error (device sda1): open_ctree failed',
  ];
  const error = await errorOf(guess, idle, others);
  expect(error.message).toContain('the kernel does not say why');
});

test.each([
  "mount_ro: mount exited with status 32: mount: /sysroot: unknown filesystem type 'zfs_member'.",
  'mount_ro: /sysroot: wrong fs type, bad option, bad superblock on',
  'mount_ro: mount exited with status 32: mount: /sysroot: special device /dev/x does not exist.',
])('another failure stays what it is: %s', async (message) => {
  expect(await errorOf(message, [])).toMatchObject({ code: 'ERR_GUESTFS', message });
});

test('a mount that can be made when it is tried again is made', async () => {
  let tries = 0;
  const g = { dmesg: async () => '', vfsType: async () => 'ext4' };
  await mounting(g, '/dev/sda1', async () => {
    if (tries++ === 0) throw libraryError(guess);
  });
  expect(tries).toBe(2);
});
