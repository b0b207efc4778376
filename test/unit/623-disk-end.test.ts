/** Disks that end before what their partition tables say is on them. */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OpenGuest } from '../../lib/guests/open';
import { leastSizeOfDisk } from '../../lib/sources/disk-end';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';

const MiB = 2 ** 20;
const size = 64 * MiB;

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

/** An MBR with these partitions: type, first sector, sectors. */
function mbr(...partitions: [type: number, start: number, count: number][]): Buffer {
  const sector = Buffer.alloc(512);
  sector.writeUInt16LE(0xaa55, 510);
  for (const [index, [type, start, count]] of partitions.entries()) {
    sector.writeUInt8(type, 446 + index * 16 + 4);
    sector.writeUInt32LE(start, 446 + index * 16 + 8);
    sector.writeUInt32LE(count, 446 + index * 16 + 12);
  }
  return sector;
}

/** The beginning of a disk with a GPT, with sectors of this size. */
function gpt(sector: number): Buffer {
  const head = Buffer.alloc(8192);
  mbr([0xee, 1, 0xffffffff]).copy(head);
  head.write('EFI PART', sector, 'latin1');
  head.writeUInt32LE(92, sector + 12);
  head.writeBigUInt64LE(1n, sector + 24);
  head.writeBigUInt64LE(BigInt(size / sector - 1), sector + 32);
  return head;
}

async function notesOf(path: string): Promise<unknown> {
  const guest = await OpenGuest.prepare([{ path }], { operation: 'inspect' });
  await guest.close();
  return guest.images[0]?.notes.map(({ code, problem }) => [code, problem]);
}

describe.each<[string, Buffer]>([
  ['an MBR', mbr([0x83, 2048, size / 512 - 2048])],
  ['an MBR with an extended partition', mbr([0x83, 2048, 2048], [0x0f, 4096, size / 512 - 4096])],
  ['a GPT', gpt(512)],
  ['a GPT of 4096 bytes a sector', gpt(4096)],
])('a disk with %s', (_, head) => {
  const cut = [['ERR_GUESTFS_IMAGE_CUT', expect.stringContaining('is cut: it is a disk of 33554432 bytes')]];

  test.each(['raw', 'qcow2'])('as %s is told where it is cut, and not where it is whole', async (format) => {
    const raw = folder.file('disk.img');
    const image = format === 'raw' ? raw : folder.file('disk.qcow2');
    const convert = () => {
      if (image !== raw) execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
    };
    writeFileSync(raw, head);
    truncateSync(raw, size);
    convert();
    expect(await notesOf(image)).toEqual([]);
    truncateSync(raw, size / 2);
    convert();
    expect(await notesOf(image)).toEqual(cut);
  });
});

test('what looks like a table and is none says nothing', () => {
  const boot = mbr([0x83, 2048, 0xffffffff]);
  boot.writeUInt8(0x6e, 446); // a word of a filesystem's boot program
  expect(leastSizeOfDisk(boot, undefined)).toBeUndefined();
  expect(leastSizeOfDisk(Buffer.alloc(512), undefined)).toBeUndefined();
  expect(leastSizeOfDisk(mbr([0x83, 0, 100]), undefined)).toBeUndefined();
  expect(leastSizeOfDisk(mbr([0xee, 1, 0xffffffff]), undefined)).toBeUndefined();
});

test('what old tools rounded up to is no cut', async () => {
  const image = folder.file('rounded.img');
  writeFileSync(image, mbr([0x83, 63, size / 512 + 16_000]));
  truncateSync(image, size);
  expect(await notesOf(image)).toEqual([]);
});
