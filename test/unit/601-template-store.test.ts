/** Where templates lie, and what is done with what is left there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { OwnedFolder, ownedFolders } from '../../lib/templates/owned-folder';
import { files, holds, TemplateStore } from '../../lib/templates/store';

let cachedir: string;
let store: TemplateStore;

beforeEach(async () => {
  cachedir = await mkdtemp(join(tmpdir(), 'guestfs-601-'));
  store = new TemplateStore(cachedir);
});
afterEach(() => rm(cachedir, { recursive: true, force: true }));

/** A template with small files in the place of an appliance's. */
async function publish(key: string): Promise<void> {
  expect(await store.prepare()).toBeUndefined();
  const draft = await begun(key);
  for (const name of Object.values(files)) await writeFile(join(draft.path, name), `${name} of ${key}`);
  await store.publish(draft, { key, words: ['a word'], incoming: 'file', cycles: 2000 });
}

async function begun(key: string): Promise<OwnedFolder> {
  const draft = await store.begin(key);
  if (!draft) throw new Error('somebody makes it already');
  return draft;
}

const folderOf = (key: string) => join(store.folder, key);

describe('a template', () => {
  test('is found by its key once it is published, and no draft is left', async () => {
    expect(await store.find('one')).toBeUndefined();
    await publish('one');
    expect(await store.find('one')).toMatchObject({ key: 'one', shared: false, words: ['a word'] });
    expect(await store.find('two')).toBeUndefined();
    expect(await readdir(store.folder)).toEqual(['one']);
  });

  test('is not found while it is being made, which others can see', async () => {
    expect(await store.prepare()).toBeUndefined();
    const draft = await begun('one');
    expect(await store.isBeingMade('one')).toBe(true);
    expect(await store.isBeingMade('two')).toBe(false);
    expect(await store.find('one')).toBeUndefined();
    expect(await store.begin('one')).toBeUndefined();
    await draft.remove();
    expect(await store.isBeingMade('one')).toBe(false);
  });

  test.each<[string, (file: string) => Promise<unknown>]>([
    ['shorter', (file) => truncate(file, 3)],
    ['empty', (file) => truncate(file, 0)],
    [
      'another of the same size',
      async (file) => {
        const { size } = await stat(file);
        await rm(file);
        await writeFile(file, Buffer.alloc(size));
      },
    ],
    [
      'overwritten in place',
      async (file) => {
        const handle = await open(file, 'r+');
        await handle.write('X');
        await handle.close();
      },
    ],
    ['missing', (file) => rm(file)],
    [
      'a symbolic link',
      async (file) => {
        await rm(file);
        await symlink('/etc/passwd', file);
      },
    ],
    ['writable for others', (file) => chmod(file, 0o666)],
  ])('of which a file is %s is none', async (_, damage) => {
    for (const name of Object.values(files)) {
      await publish('one');
      expect(await store.find('one')).toBeDefined();
      await damage(join(folderOf('one'), name));
      expect(await store.find('one')).toBeUndefined();
    }
    await publish('one'); // takes the place of what is broken
    expect(await store.find('one')).toBeDefined();
  });

  test('is the same in a layer of a container image, where times have whole seconds', async () => {
    await publish('one');
    for (const name of Object.values(files)) {
      const file = join(folderOf('one'), name);
      const { mtimeMs } = await stat(file);
      await utimes(file, Math.floor(mtimeMs / 1000), Math.floor(mtimeMs / 1000));
    }
    expect(await store.find('one')).toBeDefined();
  });

  test('is begun by one of many', async () => {
    expect(await store.prepare()).toBeUndefined();
    const drafts = await Promise.all(
      Array.from({ length: 8 }, () => new TemplateStore(cachedir).begin('one')),
    );
    expect(drafts.filter(Boolean)).toHaveLength(1);
    await drafts.find(Boolean)?.remove();
  });

  test('that others may write to is not trusted, nor one in such a folder', async () => {
    await publish('one');
    await chmod(folderOf('one'), 0o777);
    expect(await store.find('one')).toBeUndefined();
    await chmod(folderOf('one'), 0o755);
    expect(await store.find('one')).toBeDefined();
    await chmod(store.folder, 0o777);
    expect(await store.find('one')).toBeUndefined();
    expect(await store.list()).toEqual([]);
    expect(await store.prepare()).toMatch(/no other may write to/);
  });

  test('that has failed goes, and is not made again soon if it has never worked', async () => {
    await publish('one');
    const template = await store.find('one');
    if (!template) throw new Error('there is none');
    await store.discard(template, 'it said nothing');
    expect(await store.find('one')).toBeUndefined();
    expect(await store.failureOf('one')).toBe('it said nothing');
    expect(await store.failureOf('one', Date.now() + holds.forSure)).toBeUndefined();
  });

  test('that has failed after it had worked may be made again', async () => {
    await publish('one');
    const fresh = await store.find('one');
    if (fresh) await store.use(fresh);
    const used = await store.find('one');
    if (!used) throw new Error('there is none');
    expect([fresh?.used, used.used]).toEqual([undefined, expect.anything()]);
    await store.discard(used, 'it said nothing');
    expect(await store.failureOf('one')).toBeUndefined();
  });
});

test('removing takes the templates that are named, or all', async () => {
  for (const key of ['one', 'two', 'three']) await publish(key);
  expect((await store.remove(['two', 'none'])).map(({ key }) => key)).toEqual(['two']);
  expect((await store.list()).map(({ key }) => key).sort()).toEqual(['one', 'three']);
  await store.remove();
  expect(await store.list()).toEqual([]);
});

test('a root goes when no template has a link to it any more', async () => {
  await publish('one');
  await mkdir(join(store.roots, 'base'), { recursive: true });
  await writeFile(join(store.roots, 'base', files.root), 'a root');
  await link(join(store.roots, 'base', files.root), join(folderOf('one'), 'link'));
  await publish('two');
  expect(await readdir(store.roots)).toEqual(['base']);
  await store.remove(['one']);
  expect(await readdir(store.roots)).toEqual([]);
});

test('a cache that may not be written is told', async () => {
  await writeFile(join(cachedir, 'file'), '');
  expect(await new TemplateStore(join(cachedir, 'file')).prepare()).toMatch(/cannot be made/);
});

describe('a folder of a process', () => {
  test('is removed by others once the process is dead, and not before', async () => {
    const sleeper = spawn('sleep', ['100']);
    const started = await startOf(sleeper.pid as number);
    const mine = await OwnedFolder.make(cachedir, 'mine', 0o700);
    const [namespace] = mine.path.replace(/^.*\.(?=\d)/, '').split('-');
    await mine.remove();
    const name = `one.${namespace}-${sleeper.pid}-${started}-000000000000-00000000`;
    await mkdir(join(cachedir, name));
    expect(await ownedFolders(cachedir, 'one')).toEqual([name]);
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
    expect(await ownedFolders(cachedir, 'one')).toEqual([]);
    expect(await readdir(cachedir)).toEqual([]);
  });

  test('that is a link to somewhere else is left alone, and so is what it leads to', async () => {
    await mkdir(join(cachedir, 'elsewhere'));
    await writeFile(join(cachedir, 'elsewhere', 'file'), '');
    await symlink(join(cachedir, 'elsewhere'), join(cachedir, 'one.1-1-1-000000000000-00000000'));
    await utimes(join(cachedir, 'elsewhere'), 1, 1);
    expect(await ownedFolders(cachedir)).toEqual([]);
    expect(await readdir(join(cachedir, 'elsewhere'))).toEqual(['file']);
    expect(await readdir(cachedir)).toHaveLength(2);
  });

  test('of which the process gives no sign of life is not waited for', async () => {
    const folder = await OwnedFolder.make(cachedir, 'one', 0o700);
    const before = new Date(Date.now() - 20_000);
    await utimes(folder.path, before, before);
    expect(await ownedFolders(cachedir, 'one')).toEqual([]);
    expect(await readdir(cachedir)).toHaveLength(1); // it lives
    await folder.remove();
  });

  test('of another container is dead after a long silence', async () => {
    const name = 'one.1-1-1-000000000000-00000000';
    await mkdir(join(cachedir, name));
    expect(await ownedFolders(cachedir)).toEqual([name]);
    const before = new Date(Date.now() - 120_000);
    await utimes(join(cachedir, name), before, before);
    expect(await ownedFolders(cachedir)).toEqual([]);
    expect(await readdir(cachedir)).toEqual([]);
  });

  test('goes with its process, however that ends by itself', async () => {
    const { execFileSync } = await import('node:child_process');
    const module = join(__dirname, '../../dist/templates/owned-folder.js');
    const script = `require(${JSON.stringify(module)}).OwnedFolder.make(${JSON.stringify(cachedir)}, 'one', 0o700).then(() => process.exit(0))`;
    execFileSync(process.execPath, ['-e', script]);
    expect(await readdir(cachedir)).toEqual([]);
  });
});

async function startOf(pid: number): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] as string;
}
