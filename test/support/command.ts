/** A guest for the functions of the command `guestfs`, and what they write. */
import { Readable, Writable } from 'node:stream';
import type { Guestfs } from '../../lib';
import { walk } from '../../lib/bulk/walk';
import { checkWalkOptions, type WalkOptions } from '../../lib/bulk/walk-options';
import { Results } from '../../lib/cli/results';
import type { Guest } from '../../lib/cli/session';
import { Job } from '../../lib/progress/job';
import { type FakeFolder, FakeGuest } from './fake-guest';

/** stdout as a file, or with columns as a terminal. */
export class Stdout extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  #chunks: Buffer[] = [];

  constructor(columns?: number) {
    super();
    this.columns = columns;
    this.isTTY = columns !== undefined;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the object holds
  get records(): any[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

/** What a command works with. */
export interface CommandGuest extends Guest {
  readonly stdout: Stdout;
  /** What failed, with its path. */
  readonly failures: [message: string, path: string | undefined][];
  readonly notes: string[];
}

/** Around a handle that is up, with nothing or all of it mounted. */
export function commandGuest(
  g: Guestfs,
  { columns, env = {} }: { columns?: number | undefined; env?: NodeJS.ProcessEnv } = {},
): CommandGuest {
  const stdout = new Stdout(columns);
  const { signal } = new AbortController();
  const failures: CommandGuest['failures'] = [];
  const notes: string[] = [];
  return {
    g,
    images: [],
    keys: [],
    results: new Results({ stream: stdout, env, signal }),
    job: new Job('test'),
    signal,
    at: async (path) => path,
    failed: (error, path) => failures.push([(error as Error).message, path]),
    note: (text) => notes.push(text),
    stdout,
    failures,
    notes,
  };
}

/** A handle whose guest is an object. */
export function fakeHandle(tree: FakeFolder): Guestfs {
  const fake = new FakeGuest(tree);
  const handle = Object.assign(fake, {
    walk: (directory: string, options: WalkOptions) =>
      walk(fake, directory, checkWalkOptions('walk', options)),
    isDir: async (path: string) => {
      const stat = await fake.lstatns(path).catch(() => undefined);
      return stat !== undefined && (stat.stMode & 0o170000n) === 0o040000n;
    },
    isFile: async (path: string) => {
      const stat = await fake.lstatns(path).catch(() => undefined);
      return stat !== undefined && (stat.stMode & 0o170000n) === 0o100000n;
    },
    // Links of folders on the way are not made up.
    realpath: async (path: string) => path,
    createReadStream: (path: string, { start = 0 }: { start?: number } = {}) =>
      Readable.from(
        (async function* () {
          yield await fake.pread(path, 2 ** 20, start);
        })(),
      ),
  });
  return handle as unknown as Guestfs;
}
