/** What a template understands of libguestfs's own command lines of qemu. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type GuestfsOptions } from '../../lib';
import {
  type CommandLine,
  controlLength,
  controlWord,
  parseCommandLine,
} from '../../lib/templates/command-line';
import { isRefusal, type Refusal } from '../../lib/templates/refusal';
import { recordedStart } from '../support/recorded-start';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-600-'));
  await writeFile(join(folder, 'a,b.img'), Buffer.alloc(4096));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const addDisk = (g: Guestfs): Promise<unknown> => g.addDriveScratch(1024 * 1024);

async function startOf(
  prepare: (g: Guestfs) => Promise<unknown> = addDisk,
  options: GuestfsOptions = {},
): Promise<string[]> {
  await using g = new Guestfs({ backend: 'direct', ...options });
  await prepare(g);
  return await recordedStart(g, folder);
}

function understood(args: readonly string[]): CommandLine {
  const line = parseCommandLine(args);
  if (isRefusal(line)) throw new Error(line.why);
  return line;
}

function refused(args: readonly string[]): Refusal {
  const line = parseCommandLine(args);
  if (!isRefusal(line)) throw new Error('it was understood');
  return line;
}

describe("libguestfs's own command line", () => {
  let args: string[];
  let line: CommandLine;
  beforeAll(async () => {
    args = await startOf(async (g) => {
      await g.addDrive(join(folder, 'a,b.img'), { readonly: true, format: 'raw', label: 'first' });
      await addDisk(g);
    });
    line = understood(args);
  });

  test('is understood: its files, its disks, its accelerator', () => {
    expect(line).toMatchObject({ disks: 2, accelerated: false });
    expect(line.kernel).toMatch(/kernel$/);
    expect(line.initrd).toMatch(/initrd$/);
    expect(line.root).toMatch(/root$/);
  });

  test('keeps the disks for a clone, and gives a maker none, nor the connection', () => {
    expect(line.clone.filter((arg) => arg.startsWith('scsi-hd,'))).toHaveLength(2);
    expect(line.clone.join(' ')).toContain('guestfsd.sock');
    expect(line.maker.join(' ')).not.toMatch(/scsi-hd,|guestfsd\.sock|a,,b\.img/);
    expect([...line.clone, ...line.maker].join(' ')).not.toContain('id=appliance');
  });

  test('tells the guest that it is a template, in both', () => {
    for (const each of [line.clone, line.maker]) {
      expect(each[each.indexOf('-append') + 1]).toMatch(/ guestfs_node_template=1$/);
    }
  });

  test('names no path and no private word in what must be equal', () => {
    expect(line.words.join('\n')).not.toMatch(/\.sock|\.img|TERM=|lpj=|kernel$/m);
  });
});

test.each<[string, GuestfsOptions, (g: Guestfs) => Promise<unknown>]>([
  ['an identifier', { identifier: 'somebody' }, addDisk],
  [
    'more disks',
    {},
    async (g) => {
      for (let i = 0; i < 5; i++) await addDisk(g);
    },
  ],
])('the machine is the same with %s', async (_, options, prepare) => {
  const [usual, other] = [await startOf(), await startOf(prepare, options)].map(understood);
  expect(other?.words).toEqual(usual?.words);
});

test.each<[string, GuestfsOptions, (g: Guestfs) => Promise<unknown>]>([
  ['more memory', { memsize: 1500 }, addDisk],
  ['more processors', { smp: 2 }, addDisk],
  [
    'a network',
    {},
    async (g) => {
      await g.setNetwork(true);
      await addDisk(g);
    },
  ],
  [
    'a word for its kernel',
    {},
    async (g) => {
      await g.setAppend('quiet_please=1');
      await addDisk(g);
    },
  ],
  [
    'a parameter of qemu',
    {},
    async (g) => {
      await g.config('-global', 'scsi-hd.rerror=report');
      await addDisk(g);
    },
  ],
])('the machine is another with %s', async (_, options, prepare) => {
  const [usual, other] = [await startOf(), await startOf(prepare, options)].map(understood);
  expect(other?.words).not.toEqual(usual?.words);
});

test.each<[string, (g: Guestfs) => Promise<unknown>, RegExp]>([
  ['a device of its own', (g) => g.config('-device', 'usb-ehci').then(() => addDisk(g)), /usb-ehci/],
  ['a flag that is not known', (g) => g.config('-S', null).then(() => addDisk(g)), /-S/],
  [
    'a disk on another bus',
    (g) => g.addDrive(join(folder, 'a,b.img'), { readonly: true, format: 'raw', iface: 'ide' }),
    /ide/,
  ],
])('%s is refused', async (_, prepare, why) => {
  expect(refused(await startOf(prepare))).toMatchObject({
    refused: 'command-line',
    why: expect.stringMatching(why),
  });
});

test('a command line without its kernel is refused', () => {
  expect(refused(['-nodefaults'])).toMatchObject({ refused: 'command-line' });
});

test('the word that a guest waits for always has the same length', () => {
  const words = [['wait'], ['go', 255, '1764499199.123', 'f'.repeat(128), 'inspection', '']].map(controlWord);
  expect(words.map((word) => Buffer.byteLength(word))).toEqual([controlLength, controlLength]);
});
