/** The memory of a saved machine without its empty pages, on streams as QEMU writes them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leaveOutEmptyPages } from '../../lib/templates/saved-memory';

const MiB = 2 ** 20;
const [ZERO, SIZES, PAGE, END, SAME] = [0x02, 0x04, 0x08, 0x10, 0x20];

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: number) => Buffer.concat([u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32)]);
const name = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const content = (byte: number) => Buffer.alloc(4096, byte);

const header = Buffer.concat([Buffer.from('QEVM'), u32(3)]);
const machine = Buffer.concat([Buffer.from([0x07]), u32(14), Buffer.from('pc-i440fx-7.2!')]);
const begin = (text: string) => Buffer.concat([Buffer.from([0x01]), u32(2), name(text), u32(0), u32(4)]);
const section = (kind: number) => Buffer.concat([Buffer.from([kind]), u32(2)]);
const end = Buffer.concat([u64(END), Buffer.from([0x7e]), u32(2)]);
const sizes = Buffer.concat([
  ...[u64(64 * MiB + SIZES), name('pc.ram'), u64(63 * MiB), name('pc.bios'), u64(MiB)],
]);
/** In the block of the page before where `block` is left out. */
const page = (address: number, byte: number, block?: string) =>
  Buffer.concat([
    u64(address + (byte ? PAGE : ZERO) + (block ? 0 : SAME)),
    ...(block ? [name(block)] : []),
    byte ? content(byte) : Buffer.from([0]),
  ]);
/** That the machine stands still, from qemu 10 on. */
const command = Buffer.concat([Buffer.from([0x08, 0, 13, 0, 2]), Buffer.from('go')]);
const devices = Buffer.concat([section(0x04), Buffer.alloc(300_000, 0x5a)]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-606-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** As a socket gives them. */
async function* inPieces(stream: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < stream.length; at += 65_536) yield stream.subarray(at, at + 65_536);
}

async function without(stream: Buffer): Promise<Buffer> {
  const target = join(folder, 'target');
  await rm(target, { force: true });
  await leaveOutEmptyPages(inPieces(stream), target);
  return readFile(target);
}

test('empty pages of the main memory go, and nothing else', async () => {
  const before = [header, machine, begin('ram'), sizes, end];
  const stream = Buffer.concat([
    ...before,
    section(0x02),
    page(0, 0, 'pc.ram'), // the firmware's part stays as it is
    page(4096, 7),
    page(2 * MiB, 0),
    page(0, 0, 'pc.bios'),
    page(2 * MiB, 0),
    end,
    command,
    section(0x03),
    page(3 * MiB, 0, 'pc.ram'),
    page(4 * MiB, 8),
    page(5 * 2 ** 32, 9),
    page(5 * MiB, 0),
    ...[end, devices],
  ]);
  const expected = Buffer.concat([
    ...before,
    section(0x02),
    page(0, 0, 'pc.ram'),
    page(4096, 7),
    page(0, 0, 'pc.bios'),
    page(2 * MiB, 0), // of the firmware, by the page before it
    end,
    command,
    section(0x03),
    page(4 * MiB, 8, 'pc.ram'), // the page that named the block is gone
    page(5 * 2 ** 32, 9),
    ...[end, devices],
  ]);
  const found = await without(stream);
  expect(found.equals(expected)).toBe(true);
  expect((await without(found)).equals(found)).toBe(true);
});

test('a memory longer than what is read at once', async () => {
  const pages = (keep: boolean) =>
    Array.from({ length: 20_000 }, (_, i) => (i % 3 ? page((i + 256) * 4096, (i % 254) + 1) : [])).flatMap(
      (full, i) => (keep && i % 3 === 0 ? [page((i + 256) * 4096, 0), ...[full].flat()] : [full].flat()),
    );
  const around = (inside: Buffer[]) =>
    Buffer.concat([
      ...[header, machine, begin('ram'), sizes, end, section(0x03), page(0, 1, 'pc.ram')],
      ...inside,
      ...[end, devices],
    ]);
  expect((await without(around(pages(true)))).equals(around(pages(false)))).toBe(true);
});

describe('a stream that is not as known is refused', () => {
  const start = [header, machine, begin('ram'), sizes, end, section(0x03), page(0, 1, 'pc.ram')];
  const whole = Buffer.concat([...start, page(2 * MiB, 0), end]);
  test.each(Array.from({ length: 40 }, (_, i) => Math.floor((whole.length * i) / 40)))(
    'as one that ends after %i bytes',
    async (length) => {
      await expect(without(whole.subarray(0, length))).rejects.toThrow();
    },
  );

  test.each<[string, Buffer]>([
    ['no stream', Buffer.alloc(100_000, 1)],
    ['another version', Buffer.concat([Buffer.from('QEVM'), u32(2), whole.subarray(8)])],
    ['a section of something else', Buffer.concat([header, machine, begin('block'), whole])],
    ['a section of a kind of its own', Buffer.concat([header, Buffer.from([0x09]), whole])],
    ['a page in pieces', Buffer.concat([...start, u64(4096 + SAME + 0x40), content(1), end, devices])],
    ['a page that is all things', Buffer.concat([...start, u64(4096 + SAME + ZERO + PAGE), content(1), end])],
    ['no footer', Buffer.concat([...start, u64(END), devices])],
  ])('as one with %s', async (_, stream) => {
    await expect(without(stream)).rejects.toThrow();
  });
});
