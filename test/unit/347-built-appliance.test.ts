// Fixed appliances that are damaged, and a damaged cache: libguestfs 1.48 crashes where it finds no filesystem in a root.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { faultOfAppliance } from '../../lib/host/built-appliance';
import { fixedAppliance } from '../support/fixed-appliance';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { makeFifo } from '../support/gate';
import { failureOf } from '../support/internal';
import { runProgram } from '../support/processes';

let folder: TemporaryFolder;
let appliance: string;

beforeEach(() => {
  folder = temporaryFolder();
  appliance = fixedAppliance(folder.path);
});

afterEach(() => folder[Symbol.dispose]());

const file = (name: string) => join(appliance, name);
const garbage = Buffer.alloc(2 * 1024 * 1024, 'garbage');

function look(path = appliance, signal = new AbortController().signal) {
  return faultOfAppliance({ path, cachedir: folder.path, tmpdir: folder.path }, signal);
}

/** In another format than the one in which libguestfs would read it by itself. */
function convertRoot(): void {
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', file('root'), file('converted')]);
  execFileSync('mv', [file('converted'), file('root')]);
}

describe('a fixed appliance', () => {
  test('that is whole has no fault, in whatever format its root is', async () => {
    expect(await look()).toBeUndefined();
    convertRoot();
    expect(await look()).toBeUndefined();
  });

  test.each<[string, () => void, RegExp]>([
    ['a root of text', () => writeFileSync(file('root'), 'x'), /root holds no ext2, ext3 or ext4 filesystem/],
    ['a root of garbage', () => writeFileSync(file('root'), garbage), /root holds no ext2/],
    ['a root that has been cut', () => truncateSync(file('root'), 1024), /root holds no ext2/],
    ['an empty root', () => truncateSync(file('root'), 0), /root is empty/],
    [
      'a root in another format, of garbage',
      () => {
        writeFileSync(file('root'), garbage);
        convertRoot();
      },
      /root holds no ext2/,
    ],
    [
      'a root that is a folder',
      () => {
        rmSync(file('root'));
        mkdirSync(file('root'));
      },
      /root is no file/,
    ],
    [
      'a root that is a FIFO',
      () => {
        rmSync(file('root'));
        makeFifo(file('root'));
      },
      /root is no file/,
    ],
    ['an empty kernel', () => truncateSync(file('kernel'), 0), /kernel is empty/],
    ['an empty initrd', () => truncateSync(file('initrd'), 0), /initrd is empty/],
    ['no kernel', () => rmSync(file('kernel')), /there is no kernel/],
    ['no root', () => rmSync(file('root')), /there is no root/],
  ])('with %s makes launch() reject, and says so', async (_, damage, words) => {
    damage();
    await using g = new Guestfs({ path: appliance, backend: 'direct' });
    await g.addDrive('/dev/null', { format: 'raw' });
    const error = await failureOf(g.launch());
    expect(error).toMatchObject({
      name: 'GuestfsError',
      code: 'ERR_GUESTFS_APPLIANCE_INVALID',
      operation: 'launch',
    });
    expect(error.message).toMatch(words);
    expect(error.message).toContain(appliance);
    expect(await g.isConfig()).toBe(true);
  });

  test('that may not be read makes launch() reject', async () => {
    execFileSync('chmod', ['0600', file('root')]);
    execFileSync('chmod', ['0755', folder.path]);
    // As a user who is not the owner, whoever runs the tests.
    const asNobody = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : '';
    if (!asNobody) execFileSync('chmod', ['0', file('root')]);
    const { stdout, stderr } = await runProgram(
      `const { Guestfs } = require('guestfs');
       ${asNobody}
       (async () => {
         const g = new Guestfs({ path: ${JSON.stringify(appliance)}, backend: 'direct' });
         await g.addDrive('/dev/null', { format: 'raw' });
         const { code, message } = await g.launch().catch((error) => error);
         console.log(code, message);
         await g.close();
       })();`,
      { TMPDIR: '/tmp', XDG_RUNTIME_DIR: undefined },
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ERR_GUESTFS_APPLIANCE_INVALID .*root may not be read by this user/);
  });

  test('is looked for as libguestfs does: the first folder that has all files counts', async () => {
    const broken = fixedAppliance(folder.path, 'broken');
    writeFileSync(join(broken, 'root'), 'x');
    const other = folder.file('nothing');
    mkdirSync(other);
    expect(await look(`${other}:${appliance}:${broken}`)).toBeUndefined();
    expect(await look(`${broken}:${appliance}`)).toMatchObject({ code: 'ERR_GUESTFS_APPLIANCE_INVALID' });
    rmSync(join(broken, 'initrd'));
    expect(await look(`${broken}:${appliance}`)).toBeUndefined();
    expect(await look(other)).toBeUndefined(); // libguestfs says that by itself
  });

  test('is not called damaged where nobody can look into its root', async () => {
    convertRoot();
    const signal = new AbortController().signal;
    const settings = { path: appliance, cachedir: folder.path, tmpdir: folder.file('nothing') };
    expect(await faultOfAppliance(settings, signal)).toBeUndefined();
    writeFileSync(file('root'), garbage);
    const path = process.env.PATH;
    try {
      process.env.PATH = folder.path; // without qemu-img
      expect(await look()).toBeUndefined();
    } finally {
      process.env.PATH = path;
    }
    expect(await look()).toMatchObject({ code: 'ERR_GUESTFS_APPLIANCE_INVALID' });
  });

  test('need not be looked at any more when the launch is given up', async () => {
    const reason = new Error('enough');
    await expect(look(appliance, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test('a damaged cache makes launch() reject, where libguestfs would build nothing', async () => {
  const cache = folder.file(`.guestfs-${process.geteuid?.()}/appliance.d`);
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'root'), garbage);
  const source = folder.file('source');
  mkdirSync(join(source, 'supermin.d'), { recursive: true });
  for (const name of ['base.tar.gz', 'packages']) writeFileSync(join(source, 'supermin.d', name), '');
  await using g = new Guestfs({ path: source, cachedir: folder.path, backend: 'direct' });
  await g.addDrive('/dev/null', { format: 'raw' });
  const error = await failureOf(g.launch());
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_CACHEDIR', operation: 'launch' });
  expect(error.message).toContain(`${cache} is damaged: root holds no ext2`);
});
