/** Templates that are damaged, and makers that end: never a wrong result, nothing left, and the launch goes on. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Guestfs, type GuestfsOptions } from '../../lib';
import { MiB, sleep } from '../support/appliance';
import { testUnless } from '../support/conditions';
import { descendants, startProgram } from '../support/processes';
import { Random } from '../support/random';

let cachedir: string;
let options: GuestfsOptions;

beforeAll(async () => {
  cachedir = await mkdtemp('/var/tmp/guestfs-445-');
  options = { cachedir, template: 'auto' };
  // The appliance itself need not be built again.
  const built = join('/var/tmp', `.guestfs-${process.geteuid?.()}`);
  await Guestfs.warm({ template: 'never' });
  await mkdir(join(cachedir, `.guestfs-${process.geteuid?.()}`), { mode: 0o755 });
  execFileSync('cp', [
    '-a',
    '--sparse=always',
    join(built, 'appliance.d'),
    join(cachedir, `.guestfs-${process.geteuid?.()}`),
  ]);
});
afterAll(() => rm(cachedir, { recursive: true, force: true }));

const store = () => join(cachedir, `.guestfs-node-${process.geteuid?.()}`);

async function templates(): Promise<string[]> {
  const names = await readdir(store()).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map((name) => join(store(), name));
}

const leftOvers = async () => [
  ...(await readdir(store()).catch(() => [])).filter(
    (name) => name.includes('.') && !name.endsWith('.failed.json'),
  ),
  ...(await readdir(join(store(), 'roots')).catch(() => [])).filter((name) => name.includes('.')),
  ...(await readdir(tmpdir())).filter((name) => name.startsWith('guestfs-node.') && !isOfOthers(name)),
];

/** Whether the private folder of a launch belongs to a process that runs, but not to this one: another test run. */
function isOfOthers(name: string): boolean {
  const pid = name.split('-').at(-4);
  return pid !== String(process.pid) && existsSync(`/proc/${pid}`);
}

/** Launches, and looks whether the appliance works. */
async function launched(extra: GuestfsOptions = {}) {
  await using g = new Guestfs({ ...options, ...extra });
  await g.addDriveScratch(64 * MiB);
  await g.launch();
  await g.partDisk('/dev/sda', 'mbr');
  await g.mkfs('ext4', '/dev/sda1');
  await g.mount('/dev/sda1', '/');
  await g.write('/file', 'content');
  expect(await g.cat('/file')).toBe('content');
  return g.launchWay;
}

async function forgetFailures(): Promise<void> {
  for (const name of await readdir(store()).catch(() => [])) {
    if (name.endsWith('.failed.json')) await rm(join(store(), name));
  }
}

async function templateOrMake(): Promise<string> {
  if ((await templates()).length === 0) await launched();
  const [template] = await templates();
  if (template === undefined) throw new Error('no template was made');
  return template;
}

/** Damages a file so that its size and time do not show it. */
async function unnoticed(file: string, damage: (file: string) => Promise<unknown>): Promise<void> {
  const { atime, mtime } = await stat(file, { bigint: true }).then(({ atimeNs, mtimeNs }) => ({
    atime: String(atimeNs),
    mtime: String(mtimeNs),
  }));
  await chmod(file, 0o644);
  await damage(file);
  await chmod(file, 0o444);
  const seconds = (ns: string) => `@${ns.slice(0, -9)}.${ns.slice(-9)}`;
  execFileSync('touch', ['-a', '-d', seconds(atime), file]);
  execFileSync('touch', ['-m', '-d', seconds(mtime), file]);
}

async function zero(file: string): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, 'r+');
  await handle.write(
    Buffer.alloc(Math.min(Math.floor(size / 2), 8 * MiB)),
    0,
    undefined,
    Math.floor(size / 4),
  );
  await handle.write(Buffer.alloc(4096), 0, undefined, 0);
  await handle.close();
}

describe('a template', () => {
  beforeEach(async () => {
    await forgetFailures();
    await templateOrMake();
  });

  test('works again and again', async () => {
    expect(await launched()).toMatchObject({ from: 'template', made: false });
    expect(await leftOvers()).toEqual([]);
  });

  test.each<[string, (folder: string) => Promise<unknown>]>([
    ['whose state is shorter', (folder) => truncate(join(folder, 'state'), 1000)],
    ['that everybody may write to', (folder) => chmod(folder, 0o777)],
  ])('%s is made anew', async (_, damage) => {
    const folder = await templateOrMake();
    await damage(folder);
    expect(await launched()).toMatchObject({ from: 'template', made: true });
    expect(await launched()).toMatchObject({ from: 'template', made: false });
    expect(await leftOvers()).toEqual([]);
  });

  test.each(['state', 'overlay.qcow2'])(
    'of which %s is damaged unnoticed costs a boot, and goes',
    async (name) => {
      const folder = await templateOrMake();
      await unnoticed(join(folder, name), zero);
      expect(await launched()).toMatchObject({ from: 'boot', reason: 'restoring' });
      expect(await templates()).toEqual([]);
      expect(await leftOvers()).toEqual([]);
    },
  );

  test('that is taken away in the moment of its use costs a boot', async () => {
    const folder = await templateOrMake();
    const g = new Guestfs(options);
    try {
      await g.addDriveScratch(64 * MiB);
      const launch = g.launch({
        onProgress: ({ phase }) => {
          if (phase === 'restore') execFileSync('mv', [folder, `${folder}.away`]);
        },
      });
      await launch;
      expect(await g.listDevices()).toEqual(['/dev/sda']);
    } finally {
      await g.close();
      await rm(`${folder}.away`, { recursive: true, force: true });
    }
    expect(await leftOvers()).toEqual([]);
  });

  test('of an appliance that has been built anew is not used for it', async () => {
    await templateOrMake();
    const root = join(cachedir, `.guestfs-${process.geteuid?.()}`, 'appliance.d/root');
    execFileSync('tune2fs', ['-L', 'another', root], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    expect(await launched()).toMatchObject({ from: 'template', made: true });
    expect(await templates()).toHaveLength(2);
  });
});

/** Does something while the folder of the templates is another one. */
async function withoutStore(work: () => Promise<void>): Promise<void> {
  await mkdir(store(), { recursive: true, mode: 0o755 });
  await rename(store(), `${store()}.away`);
  try {
    await work();
  } finally {
    await rm(store(), { recursive: true });
    await rename(`${store()}.away`, store());
  }
}

test('where nothing may be written, the appliance boots', () =>
  withoutStore(async () => {
    await writeFile(store(), 'in the way');
    expect(await launched()).toMatchObject({ from: 'boot', reason: 'cache' });
  }));

testUnless(process.geteuid?.() === 0 ? undefined : 'only root can mount')(
  'a disk that is full before a template is whole costs a boot, and keeps nothing of it',
  () =>
    withoutStore(async () => {
      await mkdir(store(), { mode: 0o755 });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4g,mode=755', 'tmpfs', store()]);
      try {
        await using g = new Guestfs(options);
        await g.addDriveScratch(64 * MiB);
        const other = join(store(), 'other');
        const fill = () => spawnSync('sh', ['-c', 'exec cat /dev/zero >"$1"', 'sh', other]);
        await g.launch({ onProgress: ({ phase }) => phase === 'template' && fill() });
        expect(g.launchWay).toMatchObject({ from: 'boot', reason: 'making' });
        await g.mkfs('ext4', '/dev/sda');
        expect(await templates()).toEqual([]);
        await rm(other);
        expect(await leftOvers()).toEqual([]);
      } finally {
        execFileSync('umount', [store()]);
      }
    }),
);

testUnless(process.geteuid?.() === 0 ? undefined : 'only root can mount')(
  'a clone that has no room for what its appliance writes goes on, and tells of it',
  async () => {
    await templateOrMake();
    const small = await mkdtemp(join(tmpdir(), 'guestfs-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=60m', 'tmpfs', small]);
    try {
      const { stdout } = await startProgram(
        `
        const { Guestfs } = require('guestfs');
        (async () => {
          const g = new Guestfs({ cachedir: ${JSON.stringify(cachedir)} });
          await g.addDriveScratch(${64 * MiB});
          await g.launch({ template: 'only' });
          const write = g.debug('sh', ['dd', 'if=/dev/zero', 'of=/big', 'bs=1M', 'count=150', 'conv=fsync']);
          const { code } = await write.catch((error) => error);
          console.log(JSON.stringify([code, await g.listDevices()]));
          await g.close();
        })();`,
        { TMPDIR: small, LIBGUESTFS_TMPDIR: tmpdir() },
      ).ended;
      expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^ERR_GUESTFS_DISK_/), ['/dev/sda']]);
    } finally {
      execFileSync('umount', ['--lazy', small]);
      await rm(small, { recursive: true });
    }
  },
);

const program = (folder: string) => `
  const { Guestfs } = require('guestfs');
  (async () => {
    const g = new Guestfs({ cachedir: ${JSON.stringify(folder)}, template: 'auto' });
    await g.addDriveScratch(${64 * MiB});
    await g.launch();
    await g.mkfs('ext4', '/dev/sda');
    console.log(JSON.stringify({ way: g.launchWay, uuid: await g.vfsUuid('/dev/sda') }));
    await g.close();
  })();
`;

test('of several makers at once one makes it, and the others wait for it', async () => {
  await rm(store(), { recursive: true, force: true });
  const programs = Array.from({ length: 4 }, () => startProgram(program(cachedir)));
  const outcomes = await Promise.all(programs.map(({ ended }) => ended));
  const results = outcomes.map(
    ({ stdout }) => JSON.parse(stdout) as { way: { from: string; made: boolean }; uuid: string },
  );
  expect(results.map(({ way }) => way.from)).toEqual(['template', 'template', 'template', 'template']);
  expect(results.filter(({ way }) => way.made)).toHaveLength(1);
  expect(new Set(results.map(({ uuid }) => uuid)).size).toBe(4);
  expect(await leftOvers()).toEqual([]);
});

test("where qemu's stand-in cannot ask, a launch says so, or boots", async () => {
  const bin = await mkdtemp(join(tmpdir(), 'guestfs-bin-'));
  try {
    const programs = (process.env.PATH ?? '').split(':').filter((each) => existsSync(each));
    const script = 'for each in "$@"; do ln -sf "$each"/* .; done; rm mkfifo';
    execFileSync('sh', ['-c', script, 'sh', ...programs.reverse()], { cwd: bin });
    const source = (template: string) => `
      const { Guestfs } = require('guestfs');
      const g = new Guestfs({ cachedir: ${JSON.stringify(cachedir)} });
      g.addDriveScratch(1 << 20).then(() => g.launch({ template: '${template}' })).then(
        () => console.log(JSON.stringify(g.launchWay)),
        ({ code, shortMessage }) => console.log(JSON.stringify({ code, shortMessage })),
      ).finally(() => g.close());`;
    const said = async (template: string) =>
      JSON.parse((await startProgram(source(template), { PATH: bin }).ended).stdout);
    expect(await said('only')).toEqual({
      code: 'ERR_GUESTFS_TEMPLATE',
      shortMessage: expect.stringMatching(/no mkfifo or mv on the PATH$/),
    });
    expect(await said('auto')).toMatchObject({ from: 'boot', reason: 'missing' });
  } finally {
    await rm(bin, { recursive: true });
  }
});

/** Programs that are killed; the nightly run has more. */
const kills = Number(process.env.GUESTFS_TEST_KILLS ?? 4);

const random = new Random(445);

test(
  'makers and clones that are killed at any moment leave nothing that the next launch does not clear away',
  async () => {
    for (let round = 0; round < kills; round++) {
      const isMaker = round % 2 === 0;
      if (isMaker) await rm(store(), { recursive: true, force: true });
      else await templateOrMake();
      const started = startProgram(program(cachedir));
      // From the program's start until it has made or taken the template, and a little longer.
      await sleep(random.below(isMaker ? 25_000 : 4000));
      process.kill(started.pid, 'SIGKILL');
      await started.ended;
      for (let looks = 0; looks < 60 && started.left().length > 0; looks++) await sleep(100);
      expect({ round, left: started.left() }).toEqual({ round, left: [] });
    }
    expect(await launched()).toMatchObject({ from: 'template' });
    expect(await leftOvers()).toEqual([]);
    expect(descendants()).toEqual([]);
  },
  kills * 75_000,
);
