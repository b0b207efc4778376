import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { AbortError, Guestfs, type InspectAllProgress, inspectAll } from '../../lib';
import { concurrencyFor } from '../../lib/guests/concurrency';
import { Pool, type PoolWork } from '../../lib/guests/pool';
import { availableMemory } from '../../lib/host/memory';
import { temporaryFolder } from '../support/folder';

const GiB = 2 ** 30;

describe('the memory that is available', () => {
  /** What the kernel would say: `files` are those of the control groups. */
  function memory(ownGroups: string, files: Record<string, string>, free = 64 * GiB): number {
    using folder = temporaryFolder();
    const write = (name: string, text: string) => {
      mkdirSync(dirname(folder.file(name)), { recursive: true });
      writeFileSync(folder.file(name), text);
    };
    write('own', ownGroups);
    for (const [name, text] of Object.entries(files)) write(`groups/${name}`, text);
    return availableMemory({
      free: () => free,
      ownGroups: folder.file('own'),
      groups: folder.file('groups'),
    });
  }

  test('is that of the machine where there are no limits', () => {
    expect(memory('', {})).toBe(64 * GiB);
    expect(memory('0::/user.slice\n', { 'user.slice/memory.max': 'max\n' })).toBe(64 * GiB);
    const own = memory('0::/a\n', { 'a/memory.max': 'max\n', 'a/memory.current': '1\n' });
    expect(own).toBe(64 * GiB);
  });

  test('is what the group has left; files in its cache that nobody needs count as free', () => {
    const files = {
      'app/memory.max': `${4 * GiB}\n`,
      'app/memory.current': `${3 * GiB}\n`,
      'app/memory.stat': `anon 5\ninactive_file ${GiB}\nactive_file 7\n`,
    };
    expect(memory('0::/app\n', files)).toBe(2 * GiB);
    expect(memory('0::/app\n', files, GiB)).toBe(GiB);
  });

  test('is limited by the groups around that of the process', () => {
    const files = {
      'memory.max': 'max\n',
      'outer/memory.max': `${8 * GiB}\n`,
      'outer/memory.current': `${7 * GiB}\n`,
      'outer/inner/memory.max': `${6 * GiB}\n`,
      'outer/inner/memory.current': `${GiB}\n`,
    };
    expect(memory('0::/outer/inner\n', files)).toBe(GiB);
  });

  test('is found in version 1, by a path that only the host knows', () => {
    const files = {
      'memory/memory.limit_in_bytes': `${4 * GiB}\n`,
      'memory/memory.usage_in_bytes': `${2 * GiB}\n`,
      'memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${GiB}\n`,
    };
    expect(memory('5:cpu,cpuacct:/a\n4:memory:/docker/abc\n1:name=systemd:/\n0::/\n', files)).toBe(3 * GiB);
  });

  test('is nothing where more than the limit is used', () => {
    expect(memory('0::/\n', { 'memory.max': '10\n', 'memory.current': '20\n' })).toBe(0);
  });

  test('on this machine is a part of its memory', () => {
    expect(availableMemory()).toBeGreaterThan(0);
  });
});

describe('how many appliances run side by side', () => {
  test.each([
    ['as many as there are cores', { cores: 8, memory: 64 * GiB }, 8],
    ['fewer, where memory is short', { cores: 8, memory: 4 * GiB }, 2],
    ['one, where not even that fits', { cores: 8, memory: 0 }, 1],
    ['one, on one core', { cores: 1, memory: 64 * GiB }, 1],
  ])('%s', (_, machine, expected) => {
    expect(concurrencyFor({ memsize: 1280, smp: 1 }, machine)).toBe(expected);
  });

  test('fewer, where each has several processors', () => {
    expect(concurrencyFor({ memsize: 1280, smp: 2 }, { cores: 8, memory: 64 * GiB })).toBe(4);
    expect(concurrencyFor({ memsize: 1280, smp: 16 }, { cores: 8, memory: 64 * GiB })).toBe(1);
  });
});

/** Work that ends when the test says so. */
class Bench {
  readonly begun: string[] = [];
  readonly aborted: string[] = [];
  readonly #ends = new Map<string, { resolve(): void; reject(error: Error): void }>();

  work(concurrency: number, signal?: AbortSignal): PoolWork<string, string> {
    return {
      concurrency: () => concurrency,
      signal,
      aborted: (reason) => new AbortError('test', reason),
      run: (item, index, given) =>
        new Promise((resolve, reject) => {
          this.begun.push(item);
          this.#ends.set(item, { resolve: () => resolve(`${index} ${item}`), reject });
          given.addEventListener('abort', () => {
            this.aborted.push(item);
            setTimeout(() => reject(new Error('aborted')), 20);
          });
        }),
    };
  }

  async end(...items: string[]): Promise<void> {
    for (const item of items) {
      this.#ends.get(item)?.resolve();
      await turn();
    }
  }

  async fail(item: string, error: Error): Promise<void> {
    this.#ends.get(item)?.reject(error);
    await turn();
  }
}

/** The letters, with a note of what was taken and whether the source was closed. */
function letters(count = 26) {
  const seen = { taken: 0, closed: false };
  async function* source() {
    try {
      while (seen.taken < count) yield 'abcdefghijklmnopqrstuvwxyz'.charAt(seen.taken++);
    } finally {
      seen.closed = true;
    }
  }
  return { source: source(), seen };
}

describe('a pool', () => {
  test('begins nothing before it is asked', async () => {
    const bench = new Bench();
    const { source, seen } = letters();
    new Pool(source, bench.work(2));
    await turn();
    expect(seen.taken).toBe(0);
  });

  test('gives results as they come, and no more run than may', async () => {
    const bench = new Bench();
    const pool = new Pool(letters(3).source, bench.work(2));
    const first = pool.next();
    await turn();
    expect(bench.begun).toEqual(['a', 'b']);
    await bench.end('b');
    expect(await first).toEqual({ done: false, value: '1 b' });
    expect(bench.begun).toEqual(['a', 'b', 'c']);
    await bench.end('c', 'a');
    expect([await pool.next(), await pool.next()].map(({ value }) => value)).toEqual(['2 c', '0 a']);
    expect(await pool.next()).toEqual({ done: true, value: undefined });
    expect(await pool.next()).toEqual({ done: true, value: undefined });
  });

  test('takes arrays and sets, and tells how many there were', async () => {
    for (const source of [['a', 'b'], new Set(['a', 'b'])]) {
      const exhausted = jest.fn();
      const work: PoolWork<string, string> = {
        concurrency: async () => 1,
        aborted: () => new Error('aborted'),
        run: async (item, index) => `${index} ${item}`,
        exhausted,
      };
      const results: string[] = [];
      for await (const result of new Pool(source, work)) results.push(result);
      expect(results).toEqual(['0 a', '1 b']);
      expect(exhausted.mock.calls).toEqual([[2]]);
    }
  });

  test('waits for a slow consumer: as many results wait as may run, and then nothing more is taken', async () => {
    const bench = new Bench();
    const { source, seen } = letters();
    const pool = new Pool(source, bench.work(2));
    const first = pool.next();
    await turn();
    await bench.end('a');
    await first;
    await bench.end('b', 'c', 'd', 'e');
    expect(bench.begun.join('')).toBe('abcde');
    expect(seen.taken).toBe(5);
    await bench.end('f');
    await pool.next();
    await turn();
    expect(bench.begun.join('')).toBe('abcdef');
    await pool.return();
  });

  test('answers several questions at once', async () => {
    const bench = new Bench();
    const pool = new Pool(letters(2).source, bench.work(5));
    const answers = Promise.all([pool.next(), pool.next(), pool.next()]);
    await turn();
    await bench.end('a', 'b');
    expect((await answers).map(({ value, done }) => value ?? done)).toEqual(['0 a', '1 b', true]);
  });

  test('that is left gives up what runs, waits for its end and closes its source', async () => {
    const bench = new Bench();
    const { source, seen } = letters();
    const pool = new Pool(source, bench.work(2));
    const started = performance.now();
    void turn().then(() => bench.end('a'));
    for await (const result of pool) {
      expect(result).toBe('0 a');
      break;
    }
    expect(performance.now() - started).toBeGreaterThan(15);
    expect(bench.aborted).toContain('b');
    expect(bench.aborted).toEqual(bench.begun.slice(1));
    expect(seen.closed).toBe(true);
    expect(await pool.next()).toEqual({ done: true, value: undefined });
  });

  test('that is left answers those who wait, though its source is silent', async () => {
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const pool = new Pool<string, string>(silent, new Bench().work(1));
    const waiting = pool.next();
    await turn();
    expect(await pool.return()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('that is aborted gives up what runs at once, and rejects when that has ended', async () => {
    const bench = new Bench();
    const controller = new AbortController();
    const { source, seen } = letters();
    const pool = new Pool(source, bench.work(2, controller.signal));
    const waiting = pool.next();
    await turn();
    let settled = false;
    waiting.catch(() => undefined).finally(() => (settled = true));
    controller.abort('enough');
    expect(bench.aborted).toEqual(['a', 'b']);
    await turn();
    expect(settled).toBe(false);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(seen.closed).toBe(true);
    expect(await pool.next()).toEqual({ done: true, value: undefined });
  });

  test('that is aborted while nobody waits rejects the next question, and forgets what had come', async () => {
    const bench = new Bench();
    const controller = new AbortController();
    const pool = new Pool(['a', 'b', 'c'], bench.work(2, controller.signal));
    const first = pool.next();
    await turn();
    await bench.end('a');
    await first;
    await bench.end('b');
    controller.abort();
    await expect(pool.next()).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(bench.aborted).toEqual(['c']);
  });

  test('that was aborted before it began takes nothing', async () => {
    const { source, seen } = letters();
    const pool = new Pool(source, new Bench().work(2, AbortSignal.abort()));
    await expect(pool.next()).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(seen.taken).toBe(0);
  });

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const removed = jest.spyOn(signal, 'removeEventListener');
    const work = { ...new Bench().work(2, signal), run: async (item: string) => item };
    for await (const item of new Pool(['a', 'b'], work)) expect(item).toMatch(/[ab]/);
    expect(removed).toHaveBeenCalled();
  });

  test('gives what had begun when its source fails, then the error', async () => {
    const bench = new Bench();
    async function* source() {
      yield 'a';
      throw new Error('no more');
    }
    const pool = new Pool(source(), bench.work(2));
    const first = pool.next();
    await turn();
    await bench.end('a');
    expect((await first).value).toBe('0 a');
    await expect(pool.next()).rejects.toThrow('no more');
    expect((await pool.next()).done).toBe(true);
  });

  test('ends with the error of work that rejects', async () => {
    const bench = new Bench();
    const pool = new Pool(letters().source, bench.work(2));
    const first = pool.next();
    await turn();
    await bench.fail('a', new Error('all is wrong'));
    await expect(first).rejects.toThrow('all is wrong');
    expect(bench.aborted).toEqual(['b']);
  });

  test('ends with the error of a concurrency that cannot be told, and of a source that is none', async () => {
    const work = new Bench().work(1);
    const concurrency = () => Promise.reject(new Error('how many?'));
    await expect(new Pool(['a'], { ...work, concurrency }).next()).rejects.toThrow('how many?');
    const none = { [Symbol.iterator]: () => null } as never;
    await expect(new Pool(none, work).next()).rejects.toBeInstanceOf(Error);
  });
});

describe('inspectAll', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test.each([
    ['a path', 'disk.img', 'ERR_INVALID_ARG_TYPE'],
    ['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
    ['one image', { path: 'disk.img' }, 'ERR_INVALID_ARG_TYPE'],
    ['what only seems to be iterable', { [Symbol.iterator]: 5 }, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s in the place of images', (_, images, code) => {
    expect(() => inspectAll(images as never)).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    [{ concurrency: '2' }, 'ERR_INVALID_ARG_TYPE'],
    [{ concurrency: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ concurrency: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ concurrency: Number.POSITIVE_INFINITY }, 'ERR_OUT_OF_RANGE'],
    [{ concurency: 2 }, 'ERR_INVALID_ARG_VALUE'],
    [{ onProgress: 'draw' }, 'ERR_INVALID_ARG_TYPE'],
    [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ timeout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ keys: [5] }, 'ERR_INVALID_ARG_TYPE'],
  ])('refuses the options %j', (options, code) => {
    expect(() => inspectAll([], options as never)).toThrow(expect.objectContaining({ code }));
  });

  test('gives nothing for no images', async () => {
    expect(await inspectAll([]).next()).toEqual({ done: true, value: undefined });
  });

  test('gives an error for each image that is none, whatever it is, and tells of it', async () => {
    using folder = temporaryFolder();
    const images = [folder.file('missing.img'), [folder.path], 5, null] as never[];
    const events: string[] = [];
    const onProgress = (p: InspectAllProgress) =>
      events.push([p.type, p.index, p.running, p.done, p.failed, p.total, p.error !== undefined].join(' '));
    const codes: unknown[] = [];
    for await (const { image, index, error } of inspectAll(images, { concurrency: 1, onProgress })) {
      expect(image).toBe(images[index]);
      codes[index] = (error as { code?: string } | undefined)?.code;
    }
    expect(codes).toEqual(['ENOENT', 'EISDIR', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_TYPE']);
    expect(events.slice(0, 4)).toEqual([
      'start 0 1 0 0 4 false',
      'end 0 0 1 1 4 true',
      'start 1 1 1 1 4 false',
      'end 1 0 2 2 4 true',
    ]);
    expect(events).toHaveLength(8);
  });

  test('knows how many there are when an iterable has told', async () => {
    const totals: (number | undefined)[] = [];
    const images = (function* () {
      yield '/nonexistent/a.img';
      yield '/nonexistent/b.img';
    })();
    const results = inspectAll(images, { concurrency: 5, onProgress: ({ total }) => totals.push(total) });
    expect((await results.next()).value?.error).toMatchObject({ code: 'ENOENT' });
    await results.next();
    expect(totals.at(0)).toBeUndefined();
    expect(totals.at(-1)).toBe(2);
  });

  test('rejects for options of the handle that are wrong, for they are wrong with all images', async () => {
    const results = inspectAll(['a.img'], { concurrency: 1, handleOptions: { memsize: 'all' } as never });
    await expect(results.next()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('rejects when it is aborted', async () => {
    const results = inspectAll(['a.img'], { signal: AbortSignal.abort('no') });
    await expect(results.next()).rejects.toMatchObject({
      name: 'AbortError',
      operation: 'inspectAll',
      cause: 'no',
    });
  });
});

describe('warm', () => {
  test.each([
    [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ cachedir: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ cachdir: '/' }, 'ERR_INVALID_ARG_VALUE'],
    [{ cachedir: '/nonexistent' }, 'ERR_GUESTFS_CACHEDIR'],
    [{ signal: AbortSignal.abort() }, 'ABORT_ERR'],
    ['/var/tmp', 'ERR_INVALID_ARG_TYPE'],
  ])('refuses the options %j', async (options, code) => {
    await expect(Guestfs.warm(options as never)).rejects.toMatchObject({ code });
  });
});
