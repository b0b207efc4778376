// What the terminal, or a program, sees of images while they are inspected.
import { basename } from 'node:path';
import type { Guestfs } from '../guestfs';
import type { InspectAllProgress } from '../inspect';
import type { ProgressReporter } from '../progress';
import { Job } from '../progress/job';
import { Notes } from './notes';

/**
 * Reports the inspection of images: of one, every operation; of several, the whole and, as bars, one for each image or,
 * as lines, the operations of each with its label.
 */
export class ImagesReporter {
  readonly #reporter: ProgressReporter;
  readonly #labels: readonly string[];
  readonly #whole = new Job('inspectAll');
  /** The bars of the images that are being inspected. */
  readonly #bars = new Map<number, Job>();
  readonly #notes: Notes;
  #begun = false;

  constructor(paths: readonly string[], reporter: ProgressReporter) {
    this.#reporter = reporter;
    this.#notes = new Notes(reporter);
    // Programs want what they have given.
    this.#labels = reporter.format === 'json' ? paths : labelsOf(paths);
    if (this.#several) reporter.attach(this.#whole);
  }

  get #several(): boolean {
    return this.#labels.length > 1;
  }

  readonly handle = (g: Guestfs, _: unknown, index: number): void => {
    g.on('warning', (text) => this.#notes.tellOnce(text));
    const bar = this.#bars.get(index);
    if (bar) bar.follow(g);
    else this.#reporter.attach(g, { label: this.#labels[index] });
  };

  readonly progress = (event: InspectAllProgress): void => {
    if (!this.#several) return;
    if (!this.#begun) this.#tellWhole(0); // so that it stands above the images
    if (this.#reporter.format === 'bar') this.#drawBar(event);
    if (event.type === 'end') this.#tellWhole(event.done);
  };

  #tellWhole(done: number): void {
    const total = this.#labels.length;
    if (!this.#begun) this.#whole.start();
    this.#begun = true;
    this.#whole.progress(done, total);
    if (done === total) this.#whole.end(undefined);
  }

  /** Makes way for what the program itself writes to the terminal. */
  clear(): void {
    this.#reporter.clear();
  }

  close(): void {
    this.#reporter.close();
  }

  #drawBar({ type, index, error }: InspectAllProgress): void {
    if (type === 'start') {
      const bar = new Job('inspect');
      this.#bars.set(index, bar);
      this.#reporter.attach(bar, { label: this.#labels[index] });
      bar.start();
    } else if (type === 'end') {
      const bar = this.#bars.get(index);
      this.#bars.delete(index);
      bar?.end(error);
      if (bar) this.#reporter.detach(bar);
    }
  }
}

/** The names of the files, unless two are the same. */
function labelsOf(paths: readonly string[]): readonly string[] {
  const names = paths.map((path) => basename(path));
  return new Set(names).size === names.length ? names : paths;
}
