/** What makes two launches the same, and what makes them different. */
import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { CommandLine } from '../../lib/templates/command-line';
import { identify, isMachineProgram, pathOfProgram } from '../../lib/templates/identity';

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-603-'));
  for (const name of ['kernel', 'initrd', 'root', 'qemu'])
    await writeFile(at(name), `${name} ${'x'.repeat(100)}`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function keyWith(more: Partial<CommandLine> = {}): Promise<string> {
  const line: CommandLine = {
    ...{ words: ['-m 1280'], kernel: at('kernel'), initrd: at('initrd'), root: at('root') },
    ...{ disks: 1, accelerated: false, clone: [], maker: [], ...more },
  };
  return identify(line, at('qemu')).then(({ key }) => key);
}

test('launches differ neither by their disks nor by the times of the appliance, which libguestfs touches', async () => {
  const key = await keyWith();
  for (const name of ['kernel', 'initrd', 'root']) await utimes(at(name), 1, 1);
  expect(await keyWith({ disks: 5, clone: ['-drive', 'another'] })).toBe(key);
});

test.each(['kernel', 'initrd', 'root', 'qemu'])('another %s is another machine', async (name) => {
  const key = await keyWith();
  await appendFile(at(name), 'more');
  expect(await keyWith()).not.toBe(key);
});

test('a qemu of the same size and another time is another, and so is another argument', async () => {
  const key = await keyWith();
  expect(await keyWith({ words: ['-m 2048'] })).not.toBe(key);
  await utimes(at('qemu'), 1, 1);
  expect(await keyWith()).not.toBe(key);
});

test('a file that cannot be read has no key', async () => {
  await rm(at('initrd'));
  await expect(keyWith()).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a program of the machine is told from a script, a folder and nothing', async () => {
  expect(await isMachineProgram(process.execPath)).toBe(true);
  for (const path of [__filename, folder, at('none')]) expect(await isMachineProgram(path)).toBe(false);
});

test('a program without a path is the one that the system would find, a relative one lies here', async () => {
  expect(await pathOfProgram('sh')).toMatch(/^\/.*\/sh$/);
  expect(await pathOfProgram('bin/qemu')).toBe(join(process.cwd(), 'bin/qemu'));
  expect(await pathOfProgram('no-such-program')).toBe('no-such-program');
});
