// What the terminal, or a program, sees of several images while they are worked on.
import { basename } from 'node:path';
import type { Guestfs } from '../guestfs';
import type { InspectAllProgress } from '../inspect';
import type { ProgressEvent } from '../options/types';
import type { AttachOptions, ProgressOutcome, ProgressReporter } from '../progress';
import { Job } from '../progress/job';
import { Notes } from './notes';
import { unpackingView } from './unpacking';
import type { GuestView } from './view';

/** Names of the whole, and of the work on each image. */
const names = {
  inspect: { whole: 'inspectAll', each: 'inspect' },
  df: { whole: 'df', each: 'df' },
  check: { whole: 'check', each: 'check' },
} as const;

/** Bar of an image, which follows a handle or a job until `unfollow` is called. */
interface Bar {
  readonly job: Job;
  unfollow: () => void;
}

/**
 * Reports the work on images: of one, every operation; of several, the whole and, as bars, one for each image or, as
 * lines, the operations of each with its label.
 */
export class ImagesReporter {
  readonly #reporter: ProgressReporter;
  readonly #paths: readonly string[];
  readonly #labels: readonly string[];
  readonly #work: string;
  readonly #whole: Job;
  /** Bars of the images that are being worked on. */
  readonly #bars = new Map<number, Bar>();
  readonly #unpacking = new Map<number, (event: ProgressEvent) => void>();
  /** The work on each image, where calls are told as parts of it. */
  readonly #images = new Map<number, Job>();
  readonly #notes: Notes;
  /** When the work on each image began, by `performance.now()`. */
  readonly #begins = new Map<number, number>();
  readonly #outcomes = new Map<number, ProgressOutcome>();
  #begun = false;
  #done = 0;

  constructor(paths: readonly string[], reporter: ProgressReporter, command: keyof typeof names) {
    this.#reporter = reporter;
    this.#paths = paths;
    this.#work = names[command].each;
    this.#whole = new Job(names[command].whole);
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
    if (this.#reporter.format === 'json') this.#beginImage(index);
    if (bar) bar.unfollow = bar.job.follow(g);
    else this.#reporter.attach(g, this.#about(index));
  };

  readonly progress = ({ type, index, error, event }: InspectAllProgress): void => {
    if (type === 'start') this.begin(index);
    else if (event) this.#unpackingOf(index)(event);
    else if (type === 'end') this.end(index, error);
  };

  /** As `progress`, of images that are worked on elsewhere, whose handles are not here. */
  readonly remote = ({
    type,
    index,
    error,
    event,
  }: Pick<InspectAllProgress, 'type' | 'index' | 'error' | 'event'>): void => {
    if (type === 'start') {
      this.begin(index);
      if (!this.#bars.has(index)) this.#beginImage(index);
    } else if (type === 'end') this.end(index, error);
    else if (event) (this.#bars.get(index)?.job ?? this.#images.get(index))?.enter(event.operation);
  };

  begin(index: number): void {
    this.#begins.set(index, performance.now());
    if (!this.#begun) this.#tellWhole(); // so that it stands above the images
    if (this.#reporter.format !== 'bar' || !this.#several) return;
    const job = new Job(this.#work);
    this.#bars.set(index, { job, unfollow: () => undefined });
    this.#reporter.attach(job, { label: this.#labels[index] });
    job.start();
  }

  end(index: number, error: Error | undefined): void {
    const elapsed = performance.now() - (this.#begins.get(index) ?? performance.now());
    this.#outcomes.set(index, { image: this.#labels[index] ?? '', elapsed, error });
    const job = this.#bars.get(index)?.job ?? this.#images.get(index);
    this.#bars.delete(index);
    this.#unpacking.delete(index);
    this.#images.delete(index);
    job?.end(error);
    if (job) this.#reporter.detach(job);
    this.#done++;
    this.#tellWhole();
  }

  #unpackingOf(index: number): (event: ProgressEvent) => void {
    const known = this.#unpacking.get(index) ?? unpackingView((job) => this.#showStep(job, index));
    this.#unpacking.set(index, known);
    return known;
  }

  /** Shows what is done before there is a handle. */
  #showStep(job: Job, index: number): () => void {
    const bar = this.#bars.get(index);
    if (bar) return bar.job.follow(job);
    this.#reporter.attach(job, { label: this.#labels[index] });
    return () => this.#reporter.detach(job);
  }

  /** Tells the summary what was found out about an image. */
  result(index: number, result: string): void {
    const outcome = this.#outcomes.get(index);
    if (outcome) this.#outcomes.set(index, { ...outcome, result });
  }

  /** View of one of the images. */
  view(index: number): GuestView {
    return {
      begin: () => this.begin(index),
      unpack: this.#unpackingOf(index),
      open: (g) => this.handle(g, undefined, index),
      work: (g, job) => this.#follow(g, job, index),
      note: (text) => this.#notes.tell(text, this.#paths[index]),
      clear: () => this.clear(),
      close: (error) => this.end(index, error),
    };
  }

  /** Shows a job from now on, and not the calls of which it consists. */
  #follow(g: Guestfs, job: Job, index: number): void {
    const bar = this.#bars.get(index);
    if (!bar) {
      this.#reporter.detach(g);
      this.#reporter.attach(job, this.#about(index));
      return;
    }
    bar.unfollow();
    bar.job.follow(job, () => '');
  }

  /** Programs see the calls as parts of the work on an image. */
  #beginImage(index: number): void {
    const job = new Job(this.#work, 'image');
    this.#images.set(index, job);
    const parent = this.#several ? this.#whole : undefined;
    this.#reporter.attach(job, { label: this.#labels[index], parent });
    job.start();
  }

  #about(index: number): AttachOptions {
    return { label: this.#labels[index], parent: this.#images.get(index) };
  }

  #tellWhole(): void {
    if (!this.#several) return;
    const total = this.#labels.length;
    if (!this.#begun) this.#whole.start();
    this.#begun = true;
    this.#whole.progress(this.#done, total);
    if (this.#done === total) this.#whole.end(undefined);
  }

  /** Makes way for what the program itself writes to the terminal. */
  clear(): void {
    this.#reporter.clear();
  }

  close(): void {
    for (const [, outcome] of [...this.#outcomes].sort(([a], [b]) => a - b)) this.#reporter.outcome(outcome);
    this.#reporter.close();
  }
}

/** The names of the files, unless two are the same. */
function labelsOf(paths: readonly string[]): readonly string[] {
  const names = paths.map((path) => basename(path));
  return new Set(names).size === names.length ? names : paths;
}
