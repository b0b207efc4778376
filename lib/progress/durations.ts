// What operations took before on this machine, in a small file of the user's cache folder.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { cacheFile, writeWhole } from '../host/cache-file';

/** Variables by which the folder is found, and by which estimates are switched. */
export const estimateVariables = ['GUESTFS_ESTIMATES', 'XDG_CACHE_HOME', 'HOME'] as const;

const version = 1;
/** Operations that are remembered, the latest, and how often each. */
const mostKeys = 64;
const mostDurations = 9;
/** Fewer say nothing of the next. */
const fewest = 2;
/** Times that the upper quarter may take of what the lower one takes; beyond, it depends on something else. */
const widest = 3;
const mostBytes = 64 * 1024;
const longestMs = 24 * 3_600_000;

/** The file, as the variables say; undefined where there is none, or where nothing is to be remembered. */
export function durationsFile(env: NodeJS.ProcessEnv): string | undefined {
  if (env.GUESTFS_ESTIMATES === '0') return undefined;
  return cacheFile('durations.json', env);
}

/** Durations of earlier operations, by a name of what was left when. Whatever the file holds, or where there is none, it works. */
export class Durations {
  readonly #file: string;
  #known: Map<string, readonly number[]> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Milliseconds that it will probably take; undefined where that is not known. */
  expected(key: string): number | undefined {
    this.#known ??= read(this.#file);
    const sorted = [...(this.#known.get(key) ?? [])].sort((a, b) => a - b);
    if (sorted.length < fewest) return undefined;
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] as number;
    return at(0.75) <= at(0.25) * widest ? at(0.5) : undefined;
  }

  /** Whether something of the kind has been seen before. */
  knows(key: string): boolean {
    this.#known ??= read(this.#file);
    return this.#known.has(key);
  }

  /** Remembers what it took, in milliseconds. */
  learn(durations: ReadonlyMap<string, number>): void {
    // Other processes have learnt meanwhile.
    const known = read(this.#file);
    for (const [key, duration] of durations) {
      const before = known.get(key) ?? [];
      known.delete(key);
      known.set(key, [...before, Math.round(duration)].slice(-mostDurations));
    }
    this.#known = new Map([...known].slice(-mostKeys));
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeWhole(this.#file, JSON.stringify({ version, durations: Object.fromEntries(this.#known) }));
    } catch {
      // This process alone.
    }
  }
}

function read(file: string): Map<string, readonly number[]> {
  try {
    if (statSync(file).size > mostBytes) return new Map();
    const found = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown; durations?: object };
    if (found.version !== version) return new Map();
    const entries = Object.entries(found.durations ?? {}).filter(
      (entry): entry is [string, number[]] => Array.isArray(entry[1]) && entry[1].every(isDuration),
    );
    return new Map(entries.map(([key, durations]) => [key, durations.slice(-mostDurations)]));
  } catch {
    return new Map();
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= longestMs;
}
