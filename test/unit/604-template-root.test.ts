/** The root of a template: an appliance's, with the pause in it, however the appliance lays out its programs. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { scripts } from '../../lib/templates/generated/scripts';
import { inspectionLenses } from '../../lib/templates/lenses';
import { provideRoot } from '../../lib/templates/root';
import { TemplateStore } from '../../lib/templates/store';

let folder: string;
let store: TemplateStore;
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs 604 '));
  store = new TemplateStore(folder);
  expect(await store.prepare()).toBeUndefined();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tools = {
  env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  encoding: 'utf8',
} as const;
const inside = (image: string, command: string) =>
  execFileSync('debugfs', ['-R', command, image], { ...tools, stdio: ['ignore', 'pipe', 'ignore'] });

/** A small appliance; `merged`: what Fedora does since 42. */
async function appliance(layout: 'apart' | 'merged' | 'strange'): Promise<string> {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  await mkdir(join(tree, 'usr/lib'));
  await mkdir(join(tree, 'usr/share/augeas/lenses/dist'), { recursive: true });
  for (const lens of inspectionLenses)
    await writeFile(join(tree, `usr/share/augeas/lenses/dist/${lens}.aug`), lens);
  if (layout === 'apart') await mkdir(join(tree, 'usr/sbin'));
  else await symlink('bin', join(tree, 'usr/sbin'));
  if (layout === 'strange') await symlink('coreutils', join(tree, 'usr/bin/ls'));
  else await writeFile(join(tree, 'usr/bin/ls'), 'the real one', { mode: 0o755 });
  const image = join(folder, 'root.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext2', '-d', tree, image, '8M'], tools);
  return image;
}

const provide = async (source: string) => {
  const target = join(folder, 'target');
  await provideRoot(store, { name: 'root-1', source, target }, signal);
  return target;
};

test('has the pause before the `ls` that the daemon would find, and the lenses of inspection', async () => {
  const image = await appliance('apart');
  const root = await provide(image);
  expect(inside(root, 'cat /usr/sbin/ls')).toBe(scripts.pause);
  expect(inside(root, 'stat /usr/sbin/ls')).toMatch(/Type: regular +Mode: +0755/);
  expect(inside(root, 'cat /usr/bin/ls')).toBe('the real one');
  for (const lens of inspectionLenses) {
    expect(inside(root, `cat /usr/lib/guestfs-node/lenses/${lens}.aug`)).toBe(lens);
  }
  expect(inside(image, 'stat /usr/sbin/ls')).toBe(''); // the appliance itself is as it was
});

test('where there is one folder for programs, the real one makes room', async () => {
  const root = await provide(await appliance('merged'));
  expect(inside(root, 'cat /usr/bin/ls')).toBe(scripts.pause);
  expect(inside(root, 'cat /usr/lib/guestfs-node/ls')).toBe('the real one');
  expect(inside(root, 'stat /usr/lib/guestfs-node/ls')).toMatch(/Mode: +0755/);
});

test('is refused where the appliance is not as known, and nothing is left', async () => {
  await expect(provide(await appliance('strange'))).rejects.toThrow('at a place that is not known');
  expect(await readdir(store.roots)).toEqual([]);
});

test('is made once for all templates of an appliance', async () => {
  const image = await appliance('apart');
  const root = await provide(image);
  await rm(image);
  await provideRoot(store, { name: 'root-1', source: image, target: join(folder, 'another') }, signal);
  expect((await stat(root)).ino).toBe((await stat(join(folder, 'another'))).ino);
});
