// What the kernel of the appliance says on the console.
//
// It quotes names and labels of a guest, programs of the appliance write to the console too, and the text comes in
// pieces. So words count only right behind a time stamp, which the kernel writes itself. It does so for each line of a
// name with line breaks too, and all of these have one time.
import { diskError, diskFull, type Fault } from './faults';

const stamp = /\[ *(\d+\.\d{1,6})\](?:\[ *[TC]\d+\])? /;

/** Longer than what is looked for, with what stands before it. */
const longestLine = 512;

interface KernelLine {
  /** Line with its time stamp. */
  readonly line: string;
  readonly text: string;
}

/** Reads the kernel's lines off a console. */
class KernelLines {
  #last = Number.NEGATIVE_INFINITY;
  #rest = '';

  /** The kernel's lines in the next piece of the console; one that is not whole comes again. */
  *read(piece: string): Generator<KernelLine> {
    const lines = (this.#rest + piece).split(/[\r\n]+/);
    for (const [index, line] of lines.entries()) {
      const isWhole = index < lines.length - 1;
      // The kernel breaks in on lines of programs.
      const [found, seconds] = stamp.exec(line) ?? [];
      if (found === undefined) continue;
      const words = line.slice(line.indexOf(found));
      const text = words.slice(found.length);
      const time = Number(seconds);
      if (text.startsWith('Linux version ')) this.#last = Number.NEGATIVE_INFINITY; // another appliance
      if (time > this.#last) yield { line: words, text };
      if (isWhole) this.#last = Math.max(this.#last, time);
    }
    const rest = lines.at(-1) ?? '';
    this.#rest = stamp.exec(rest)?.index === 0 ? rest.slice(0, longestLine) : rest.slice(-longestLine);
  }
}

/**
 * Fault of a write that the host has refused, as the kernel says it. It does not tell whose disk: one is the
 * appliance's own.
 */
function refusedBy(text: string): Fault | undefined {
  if (/^critical space allocation error, dev \w/.test(text)) return diskFull;
  // The second in kernels before 5.
  const refused =
    /^(?:blk_update_request: )?I\/O error, dev \w+, sector \d+ op 0x\w+:\(WRITE\)|^Buffer I\/O error on dev \w+, logical block \d+, lost/;
  return refused.test(text) ? diskError : undefined;
}

/** Number of refusals that are remembered; a disk that is full tells of thousands. */
const mostRefusals = 64;

/** The writes that the host has refused, read off the console. */
export class RefusedWrites {
  readonly #lines = new KernelLines();
  readonly #found = new Map<string, Fault>();

  read(piece: string): void {
    for (const { line, text } of this.#lines.read(piece)) {
      const fault = refusedBy(text);
      if (fault && this.#found.size < mostRefusals) this.#found.set(line, fault);
    }
  }

  /** Fault of the first refused write that is left. */
  get fault(): Fault | undefined {
    return this.#found.values().next().value;
  }

  /** The daemon writes its errors to the console too, and they quote names: what stands in one is not the kernel's. */
  disown(error: string): void {
    if (this.#found.size === 0) return;
    for (const line of this.#found.keys()) if (error.includes(line)) this.#found.delete(line);
  }

  forget(): void {
    this.#found.clear();
  }
}

/** Why the appliance has died, by its console; undefined when the console tells nothing of it. */
export function causeOfDeath(console: string): string | undefined {
  for (const { text } of new KernelLines().read(`${console}\n`)) {
    const starved = /^Out of memory: Killed process \d+ \((.*?)\)/.exec(text);
    if (starved) {
      return `it had not enough memory for ${starved[1]}. Give it more: the option 'memsize', LIBGUESTFS_MEMSIZE`;
    }
    const panic = /^Kernel panic - not syncing: (.*)/.exec(text);
    if (panic) return `its kernel panicked (${panic[1]})`;
  }
  return undefined;
}

/** What was said before the appliance's kernel began: whatever comes then may be a guest's. */
export function beforeKernel(console: string): string {
  const start = console.search(/^\[ *\d+\.\d{6}\]/m);
  return start < 0 ? console : console.slice(0, start);
}

/** Whether a line of a console is the kernel's. */
export const isOfKernel = (line: string): boolean => /^\[ *\d+\.\d{6}\]/.test(line);
