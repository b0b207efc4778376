// The folder of this machine in which a handle shows its guest by FUSE, when the handle's appliance ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';
import type { Guestfs } from '../../lib';
import { launchedHandle, MiB, timed } from '../support/appliance';
import { compileWithHeader } from '../support/c-library';
import { testUnless } from '../support/conditions';
import { eventually } from '../support/eventually';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { runProgram } from '../support/processes';

const testWithFuse = testUnless(whyNot());

function whyNot(): string | undefined {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return '/dev/fuse cannot be used here';
  }
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestfs 455-'));
});

afterEach(() => {
  expect(isMounted()).toBe(false);
  rmdirSync(folder);
});

const isMounted = () =>
  readFileSync('/proc/self/mountinfo', 'utf8').includes(folder.replaceAll(' ', '\\040'));

/** Makes the guest of a launched handle visible there; \`served\` is the failure to come. */
async function serve(g: Guestfs, signal?: AbortSignal) {
  await g.mkfs('ext2', '/dev/sda');
  await g.mount('/dev/sda', '/');
  await g.mountLocal(folder);
  const served = failureOf(g.mountLocalRun({ signal }));
  expect(await readdir(folder)).toEqual(['lost+found']); // from now on requests are waited for
  expect(isMounted()).toBe(true);
  return { served };
}

testWithFuse('kill() while it is served unmounts it, and close() what is not served', async () => {
  const g = await launchedHandle(64 * MiB);
  const { served } = await serve(g);
  const kill = await timed(g.kill());
  expect(kill.error).toBeUndefined();
  expect(kill.ms).toBeLessThan(3000);
  expect(isMounted()).toBe(false);
  expect(await served).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });

  await g.launch();
  await g.mkfs('ext2', '/dev/sda');
  await g.mount('/dev/sda', '/');
  await g.mountLocal(folder);
  expect(isMounted()).toBe(true);
  await g.close();
});

testWithFuse('kill() while somebody of this machine is in it', async () => {
  const g = await launchedHandle(64 * MiB);
  const { served } = await serve(g);
  const somebody = spawn('sleep', ['1000'], { cwd: folder });
  await once(somebody, 'spawn');
  try {
    expect(await timed(g.kill())).toMatchObject({ value: undefined });
    expect(isMounted()).toBe(false);
    expect(await served).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    const launch = await timed(g.launch({ timeout: 1000 }));
    expect(launch.error).toMatchObject({ code: expect.stringMatching(/^ERR_GUESTFS_(STUCK|TIMEOUT)$/) });
    const close = await timed(g.close());
    expect(close.error).toBeUndefined();
    expect(Math.max(launch.ms, close.ms)).toBeLessThan(10_000);
  } finally {
    somebody.kill();
    await once(somebody, 'exit');
  }
});

// As for a user who may not unmount: there is fusermount.
testWithFuse('an abort unmounts it, and so does the end of the process', async () => {
  using files = temporaryFolder();
  const code = `
    #include <errno.h>
    int umount2(const char *target, int flags) { errno = EPERM; return -1; }
  `;
  const program = `
    const { once } = require('node:events');
    const fs = require('node:fs');
    const { Guestfs } = require('guestfs');
    delete process.env.LD_PRELOAD; // for fusermount
    const isMounted = () => fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(process.env.NAME);
    (async () => {
      const g = new Guestfs();
      await g.addDriveScratch(64 << 20);
      await g.launch();
      await g.mkfs('ext2', '/dev/sda');
      await g.mount('/dev/sda', '/');
      await g.write('/file', 'content');
      const controller = new AbortController();
      await g.mountLocal(process.env.MOUNT);
      const run = g.mountLocalRun({ signal: controller.signal }).catch(({ code }) => code);
      console.log(await fs.promises.readFile(process.env.MOUNT + '/file', 'utf8'));
      controller.abort();
      console.log(await run);
      while (isMounted()) await new Promise((resolve) => setTimeout(resolve, 20));
      console.log(await g.cat('/file'));
      await g.mountLocal(process.env.MOUNT);
      g.mountLocalRun().catch(() => undefined);
      await fs.promises.readFile(process.env.MOUNT + '/file');
      process.exit(isMounted() ? 3 : 4);
    })();
  `;
  const outcome = await runProgram(program, {
    LD_PRELOAD: compileWithHeader(code, files),
    MOUNT: folder,
    NAME: folder.replaceAll(' ', '\\040'),
  });
  expect(outcome).toMatchObject({ code: 3, stdout: 'content\nABORT_ERR\ncontent\n', stderr: '' });
  expect(await eventually(() => !isMounted())).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});
