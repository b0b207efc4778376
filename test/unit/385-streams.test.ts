// What needs no appliance: a transfer that libguestfs refuses, and one that waits in the queue.
import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type FileSource, Guestfs, GuestfsError } from '../../lib';
import { enough } from '../../lib/options/abort-signals';
import { type DeviceReader, DeviceReadStream } from '../../lib/streams/device';
import { type FileWriter, GuestWriteStream } from '../../lib/streams/files';
import { checkReadOptions, checkWriteOptions, type ReadStreamOptions } from '../../lib/streams/options';
import { closeGate } from '../support/gate';
import { failureOf } from '../support/internal';
import { resultOf } from '../support/script';

const g = new Guestfs();
afterAll(() => g.close());

const notLaunched = { code: 'ERR_GUESTFS_NOT_LAUNCHED' };
const silent = () => new Readable({ read: () => undefined });

describe('a transfer that fails', () => {
  test('destroys its Readable, also one that is silent', async () => {
    const source = silent();
    expect(await failureOf(g.upload(source, '/file'))).toMatchObject(notLaunched);
    expect(source.destroyed).toBe(true);
  });

  test('destroys its Writable with its error', async () => {
    const target = new Writable({ write: (_chunk, _encoding, done) => done() });
    const error = await failureOf(g.download('/file', target));
    expect(error).toMatchObject(notLaunched);
    expect(target.errored).toBe(error);
  });

  describe('cancels its web stream', () => {
    const silentWeb = () => {
      const stream = { isCancelled: false };
      const cancel = () => {
        stream.isCancelled = true;
      };
      return Object.assign(stream, { web: new ReadableStream<Uint8Array>({ pull: forever, cancel }) });
    };
    const forever = () => new Promise<void>(() => undefined);

    test('while it is silent', async () => {
      const source = silentWeb();
      expect(await failureOf(g.upload(source.web, '/file'))).toMatchObject(notLaunched);
      await setTimeout(0);
      expect(source.isCancelled).toBe(true);
    });

    test('which may be of another library', async () => {
      const source = silentWeb();
      const other = { getReader: () => source.web.getReader() };
      expect(await failureOf(g.upload(other, '/file'))).toMatchObject(notLaunched);
      await setTimeout(0);
      expect(source.isCancelled).toBe(true);
    });

    test.each<[string, (web: ReadableStream) => unknown, boolean]>([
      ['before it has begun', () => undefined, true],
      ['before it has begun, unless somebody else reads it', (web) => web.getReader(), false],
    ])('%s', async (_, prepare, isCancelled) => {
      await using gate = await closeGate(g);
      const source = silentWeb();
      prepare(source.web);
      const controller = new AbortController();
      const call = failureOf(g.upload(source.web, '/file', { signal: controller.signal }));
      controller.abort();
      expect(await call).toMatchObject({ code: 'ABORT_ERR' });
      await setTimeout(0);
      expect(source.isCancelled).toBe(isCancelled);
      await gate.open();
    });
  });

  test.each<[string, () => FileSource]>([
    ['bytes', () => Buffer.from('text')],
    ['a web stream', () => new Blob(['text']).stream()],
    ['what only has a reader', () => ({ getReader: () => new Blob(['text']).stream().getReader() })],
  ])('may be of %s', async (_, source) => {
    expect(await failureOf(g.upload(source(), '/file'))).toMatchObject(notLaunched);
  });

  test('makes no uncaught exception of the error with which its waiting stream is destroyed', async () => {
    const codes = await resultOf<string[]>(`
      const { execFileSync } = require('child_process');
      const { mkdtempSync, openSync, constants } = require('fs');
      const { Writable } = require('stream');
      const fifo = mkdtempSync(require('os').tmpdir() + '/guestfs-unit-') + '/fifo';
      execFileSync('mkfifo', [fifo]);
      const g = new Guestfs();
      const gate = g[invoke]('internalTestSetOutput', [fifo]);
      const target = new Writable({ write: (chunk, encoding, done) => done() });
      const codes = [];
      const aborted = g.download('/file', target, { signal: AbortSignal.timeout(50) });
      await aborted.catch((error) => codes.push(error.code));
      await new Promise((resolve) => setTimeout(resolve, 50));
      openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      await gate;
      await g.close();
      console.log(JSON.stringify([...codes, target.errored.code]));
    `);
    expect(codes).toEqual(['ABORT_ERR', 'ABORT_ERR']);
  });
});

test('a refused call leaves its web stream alone', async () => {
  const target = new WritableStream();
  const call = g.download(5 as unknown as string, target);
  expect(await failureOf(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  expect(target.locked).toBe(false);
});

test('a stream that throws when it is listened to is still one call that settles', async () => {
  const hostile = Object.assign(silent(), {
    on: () => {
      throw new Error('no listeners here');
    },
  });
  expect(await failureOf(g.upload(hostile, '/file'))).toBeInstanceOf(Error);
  expect(await g.getMemsize()).toBeGreaterThan(0);
});

describe('createWriteStream', () => {
  test('leaves the file alone when it is destroyed before its turn', async () => {
    await using gate = await closeGate(g);
    const calls: string[] = [];
    const writer: FileWriter = {
      exists: (...args) => g.exists(...args),
      filesize: (...args) => g.filesize(...args),
      chmod: (...args) => g.chmod(...args),
      pwrite: (...args) => g.pwrite(...args),
      write: async () => void calls.push('write'),
    };
    const stream = new GuestWriteStream(
      '/file',
      checkWriteOptions('createWriteStream', { flags: 'a' }),
      writer,
    );
    stream.on('error', () => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    stream.destroy();
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await closed; // though the gate is shut
    await gate.open();
    expect(calls).toEqual([]);
  });

  test('does not begin when its signal is aborted', async () => {
    const stream = g.createWriteStream('/file', { signal: AbortSignal.abort() });
    const error = await new Promise((resolve) => stream.once('error', resolve));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  });
});

describe('readDeviceStream', () => {
  /** As a device of an appliance: one call at a time, and other calls that wait for the handle. */
  class FakeDevice implements DeviceReader {
    readonly downloads: number[] = [];
    others = 0;
    /** Where downloads break off, and what is told of the piece there. */
    broken: { readonly at: number; readonly error?: Error } | undefined;
    #running = 0;

    constructor(readonly content: Buffer) {}

    async size(): Promise<bigint> {
      return BigInt(this.content.length);
    }

    pendingCalls(): number {
      return this.#running + this.others;
    }

    async download(target: Writable, offset: number, size: number, signal: AbortSignal): Promise<void> {
      if (offset > this.content.length) throw new Error('lseek: Invalid argument');
      this.downloads.push(offset);
      this.#running++;
      const { at = Number.POSITIVE_INFINITY } = this.broken ?? {};
      const isBroken = offset <= at && offset + size > at;
      const rest = this.content.subarray(offset, isBroken ? at : offset + size);
      const chunks = Array.from({ length: Math.ceil(rest.length / 65536) }, (_, i) =>
        rest.subarray(i * 65536, (i + 1) * 65536),
      );
      try {
        await pipeline(chunks, target, { signal });
        if (isBroken)
          throw new GuestfsError('cancelled by daemon', { code: 'ERR_GUESTFS', operation: 'download' });
      } catch (error) {
        if (signal.reason !== enough) throw error;
      } finally {
        this.#running--;
      }
    }

    async piece(offset: number, size: number): Promise<Buffer> {
      if (this.broken?.error) throw this.broken.error;
      this.broken = undefined;
      return this.content.subarray(offset, offset + size);
    }

    stream(options?: ReadStreamOptions): DeviceReadStream {
      return new DeviceReadStream('/dev/sda', checkReadOptions('readDeviceStream', options), this);
    }
  }

  test.each([1, 2, 3, 4, 5])(
    'loses nothing, whoever wants the handle and however it is read (%i)',
    async (seed) => {
      const device = new FakeDevice(randomBytes(12 * 2 ** 20 + 12345));
      let state = seed;
      const random = (n: number) => {
        state = (state * 48271) % 0x7fffffff;
        return state % n;
      };
      const chunks: Buffer[] = [];
      for await (const chunk of device.stream({ highWaterMark: 2 ** (16 + random(5)) })) {
        chunks.push(chunk as Buffer);
        device.others = random(3) === 0 ? 1 : 0;
        const pause = random(60);
        if (pause === 0) await setTimeout(120);
        else if (pause < 20) await setTimeout(0);
      }
      expect(Buffer.concat(chunks).equals(device.content)).toBe(true);
      expect(device.downloads.length).toBeGreaterThan(1);
    },
  );

  test('begins anew for no less than it reads ahead', async () => {
    const device = new FakeDevice(randomBytes(8 * 2 ** 20));
    device.others = 1;
    let length = 0;
    const slow = new Writable({
      write: (chunk, _, done) => {
        length += chunk.length;
        void setTimeout(2).then(() => done());
      },
    });
    await pipeline(device.stream(), slow);
    expect(length).toBe(device.content.length);
    expect(device.downloads.length).toBeLessThan(12);
  });

  test('fails with the reason, though a download that breaks off has none', async () => {
    const device = new FakeDevice(randomBytes(2 ** 20));
    const error = new GuestfsError('Input/output error', { code: 'EIO', operation: 'preadDevice' });
    device.broken = { at: 300_000, error };
    const stream = device.stream();
    await expect(stream.toArray()).rejects.toBe(error);
    expect(stream.bytesRead).toBe(300_000);
  });

  test('goes on where a download breaks off for no reason', async () => {
    const device = new FakeDevice(randomBytes(4 * 2 ** 20));
    device.broken = { at: 300_000 };
    const content = Buffer.concat(await device.stream().toArray());
    expect(content.equals(device.content)).toBe(true);
  });

  test('is empty behind the end of the device', async () => {
    const device = new FakeDevice(Buffer.alloc(1000));
    for (const range of [{ start: 1000 }, { start: 1001 }, { start: 1001, end: 2000 }]) {
      expect(await device.stream(range).toArray()).toEqual([]);
    }
    expect(Buffer.concat(await device.stream({ start: 990, end: 2000 }).toArray())).toHaveLength(10);
  });

  test('ends its call when it is destroyed', async () => {
    const device = new FakeDevice(randomBytes(8 * 2 ** 20));
    for await (const _ of device.stream()) break;
    await setTimeout(0);
    expect(device.pendingCalls()).toBe(0);
  });
});

test.each<[() => unknown]>([
  [() => g.createReadStream('/file', { signal: { aborted: false } as AbortSignal })],
  [() => g.createWriteStream('/file', { signal: 5 as unknown as AbortSignal })],
  [() => g.tarOutStream('/', { signal: 'now' as unknown as AbortSignal })],
  [() => g.tarInStream('/', null as unknown as object)],
])('options of the wrong type are refused: %s', (call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});
