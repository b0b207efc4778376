// Launches for which this machine has not enough: space, memory, descriptors.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError, type GuestfsOptions } from '../../lib';
import { MiB, timed } from '../support/appliance';
import { temporaryFolder } from '../support/folder';
import { FaultyHypervisor } from '../support/hypervisor';
import { descendants } from '../support/processes';
import { resultOf } from '../support/script';
import { SmallFilesystem, testWithMounts } from '../support/small-filesystem';

afterEach(() => expect(descendants()).toEqual([]));

/** The error of a handle with a drive that is launched, wherever it comes from. */
async function failureWith(
  options: GuestfsOptions,
  use: (g: Guestfs) => Promise<unknown>,
): Promise<GuestfsError> {
  await using g = new Guestfs(options);
  const { error, ms } = await timed(use(g));
  expect(error).toBeInstanceOf(GuestfsError);
  expect(ms).toBeLessThan(60_000);
  return error as GuestfsError;
}

const launchScratch = async (g: Guestfs) => {
  await g.addDriveScratch(MiB);
  await g.launch({ accel: 'tcg' });
};

// Launches find room there: what they write is little, and what guests write comes later.
testWithMounts('a full folder for temporary files', async () => {
  using small = new SmallFilesystem('size=4k');
  using folder = temporaryFolder();
  writeFileSync(folder.file('image'), Buffer.alloc(MiB));
  const error = await failureWith({ tmpdir: small.path }, (g) =>
    g.addDrive(folder.file('image'), { format: 'raw', readonly: true }),
  );
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TMPDIR', errno: 28, operation: 'addDrive' });
  expect(error.message).toContain(`the folder ${small.path} cannot be used for temporary files`);
  expect(error.message).toMatch(/Free some space.*LIBGUESTFS_TMPDIR/);
});

testWithMounts('a read-only folder for temporary files', async () => {
  using small = new SmallFilesystem('ro');
  const error = await failureWith({ tmpdir: small.path }, launchScratch);
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TMPDIR', errno: 30, operation: 'addDriveScratch' });
  expect(error.message).toMatch(/can be written, or name another folder/);
});

testWithMounts('a full folder for the appliance', async () => {
  for (const size of ['4k', '24m']) {
    using small = new SmallFilesystem(`size=${size}`);
    const error = await failureWith({ cachedir: small.path }, launchScratch);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_CACHEDIR', operation: 'launch' });
    expect(error.message).toContain(`the folder ${small.path} cannot be used for the cached appliance`);
    expect(error.message).toMatch(/Free about 1 GiB there.*LIBGUESTFS_CACHEDIR/s);
  }
});

testWithMounts('a read-only folder for the appliance', async () => {
  using small = new SmallFilesystem('ro');
  const error = await failureWith({ cachedir: small.path }, launchScratch);
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_CACHEDIR', operation: 'launch' });
  expect(error.message).toMatch(/can be written, or name another folder/);
});

test('too little memory for the appliance', async () => {
  const hypervisor = await FaultyHypervisor.make('starved');
  try {
    const error = await failureWith({}, async (g) => {
      await g.setHv(hypervisor.path);
      await launchScratch(g);
    });
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_MEMORY', errno: 12, operation: 'launch' });
    expect(error.message).toMatch(/not enough memory.*memsize/);
  } finally {
    await hypervisor.remove();
  }
});

test('a launch with few descriptors left ends in an error or works, and the process lives on', async () => {
  const codes = await resultOf<string[]>(
    `
    const fs = require('node:fs');
    require('node:child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=128']);
    const codes = [];
    for (const left of [0, 4, 10, 16, 17, 18, 20]) {
      const g = new Guestfs();
      await g.addDriveScratch(1e6);
      const open = [];
      try { for (;;) open.push(fs.openSync('/dev/null')); } catch {}
      for (let i = 0; i < left; i++) fs.closeSync(open.pop());
      codes.push(await g.launch({ accel: 'tcg', timeout: 3000 }).then(() => 'up', ({ code }) => code));
      for (const fd of open) fs.closeSync(fd);
      await g.close();
    }
    console.log(JSON.stringify(codes));
  `,
    { env: { TMPDIR: tmpdir() } },
  );
  expect(codes.slice(0, 3)).toEqual(Array(3).fill('ERR_GUESTFS_LIMIT'));
  for (const code of codes.slice(3)) {
    expect(['up', 'ERR_GUESTFS_LIMIT', 'ERR_GUESTFS_TIMEOUT']).toContain(code);
  }
});

// After all of that.
test('the next handle works', async () => {
  await using g = new Guestfs();
  await launchScratch(g);
  expect(await g.listDevices()).toEqual(['/dev/sda']);
  await g.close();
});
