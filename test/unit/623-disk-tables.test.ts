/** What disks say of themselves in their partition tables: where they end, and how large their sectors are. */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OpenGuest } from '../../lib/guests/open';
import { leastSizeOfDisk } from '../../lib/sources/sector-size';
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
  for (const head of [boot, Buffer.alloc(512), mbr([0x83, 0, 100]), mbr([0xee, 1, 0xffffffff])])
    expect(leastSizeOfDisk(head)).toBe(0);
});

test('what old tools rounded up to is no cut', async () => {
  const image = folder.file('rounded.img');
  writeFileSync(image, mbr([0x83, 63, size / 512 + 16_000]));
  truncateSync(image, size);
  expect(await notesOf(image)).toEqual([]);
});

describe('the size of sectors of a disk with an MBR', () => {
  /** A disk whose partition begins, in sectors of this size, at the 256th, with an ext4 or, late in it, a btrfs. */
  function disk(sector: number, kind: 'ext4' | 'btrfs'): Buffer {
    const content = Buffer.alloc(size);
    mbr([0x83, 256, 8192 / (sector / 512)]).copy(content);
    if (kind === 'ext4') content.writeUInt16LE(0xef53, 256 * sector + 0x438);
    else content.write('_BHRfS_M', 256 * sector + 0x10040, 'latin1');
    return content;
  }
  const blocksizeOf = async (path: string, blocksize?: number) => {
    const guest = await OpenGuest.prepare([{ path, blocksize }], { operation: 'inspect' });
    await guest.close();
    return guest.images.map((image) => [image.blocksize, image.notes.map(({ code }) => code)]);
  };

  test.each([
    ['ext4', 'raw'],
    ['btrfs', 'raw'],
    ['ext4', 'qcow2'],
    ['btrfs', 'vmdk'],
  ] as const)(
    'with %s as %s is found out, and what is given does not pass in silence',
    async (kind, format) => {
      for (const sector of [512, 4096]) {
        const raw = folder.file('sectors.img');
        writeFileSync(raw, disk(sector, kind));
        const image = format === 'raw' ? raw : folder.file(`sectors.${format}`);
        if (image !== raw) execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, image]);
        const other = sector === 512 ? 4096 : 512;
        expect(await blocksizeOf(image)).toEqual([[sector === 512 ? undefined : 4096, []]]);
        expect(await blocksizeOf(image, sector)).toEqual([[sector, []]]);
        expect(await blocksizeOf(image, other)).toEqual([[other, ['ERR_GUESTFS_BLOCKSIZE']]]);
      }
    },
  );

  test('is the usual one where the partitions fill the disk, or hold nothing', async () => {
    const image = folder.file('sectors.img');
    writeFileSync(image, mbr([0x83, 2048, size / 512 - 2048]));
    truncateSync(image, size);
    expect(await blocksizeOf(image)).toEqual([[undefined, []]]);
    expect(await blocksizeOf(image, 4096)).toEqual([[4096, ['ERR_GUESTFS_BLOCKSIZE']]]);
    writeFileSync(image, mbr([0x83, 256, 256]));
    truncateSync(image, size);
    expect(await blocksizeOf(image)).toEqual([[undefined, []]]);
    expect(await blocksizeOf(image, 4096)).toEqual([[4096, []]]);
  });
});
