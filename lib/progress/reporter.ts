import { type Observable, type Operation, type OperationObserver, observe } from '../calls/operations';
import { invalidType, invalidValue } from '../faults/arguments';
import { isUnwanted } from '../faults/errors';
import type { ProgressEvent } from '../options/types';
import { type CiSystem, ciSystemOf, isCi } from '../text/ci/systems';
import { wantsColour } from '../text/colour';
import type { OutputStream } from '../text/output-stream';
import { printable } from '../text/printable';
import { BarFormat } from './bar';
import { Durations, durationsFile } from './durations';
import { Estimate } from './estimate';
import { Expectation } from './expectation';
import type { Context, Failure, Format, Task } from './format';
import { JsonFormat } from './json';
import {
  type AttachOptions,
  checkAttachOptions,
  checkReporterOptions,
  isObservable,
  notObservable,
  type ProgressFormat,
  type ProgressReporterOptions,
} from './options';
import { codeOf, type ProgressOutcome, summaryLine, writeStepSummary } from './outcomes';
import { Output } from './output';
import { steadyNow } from './record';
import { hasTaskbar } from './taskbar';
import { TextFormat } from './text';

/** An attached handle: its tasks, and the function that lets go of it. */
interface Attached {
  readonly tasks: ReadonlyMap<number, Task>;
  readonly forget: () => void;
}

/** What is said of all operations of a handle. */
interface About {
  readonly label: string | undefined;
  readonly parentOf: () => number | undefined;
}

/**
 * Shows what handles are doing: a bar for people, plain lines for logs, JSON for programs.
 *
 * ```ts
 * using reporter = new ProgressReporter().attach(g);
 * ```
 *
 * A reporter never keeps the process alive, and a stream that breaks never ends the process.
 */
export class ProgressReporter {
  /** Format in use; never `'auto'`. */
  readonly format: Exclude<ProgressFormat, 'auto'>;
  readonly #output: Output;
  readonly #now: () => number;
  /** When the reporter was made. */
  readonly #began: number;
  readonly #summaryFile: string | undefined;
  readonly #durations: Durations | undefined;
  #outcomes: ProgressOutcome[] = [];
  readonly #view: Format;
  readonly #tasks = new Set<Task>();
  readonly #handles = new Map<Observable, Attached>();
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProgressReporterOptions = {}) {
    const checked = checkReporterOptions(options);
    const { stream = process.stderr, interval = 10_000, env = process.env, label = '', now } = checked;
    const { annotations = true } = checked;
    this.format = resolveFormat(checked, stream, env);
    const ci = resolveCi(checked, stream, env);
    this.#output = new Output(stream);
    this.#now = now ?? steadyNow;
    this.#began = timeBy(this.#now);
    if (ci === 'github') this.#summaryFile = env.GITHUB_STEP_SUMMARY || undefined;
    const remembered = durationsFile(env);
    if (remembered !== undefined && this.format !== 'none') this.#durations = new Durations(remembered);
    const context: Context = {
      output: this.#output,
      tasks: this.#tasks,
      now: this.#now,
      label: printable(label),
    };
    if (this.format === 'bar') {
      const { taskbar = hasTaskbar(env) } = checked;
      const colour = wantsColour(env, true);
      this.#view = new BarFormat(context, { colour, taskbar });
    } else if (this.format === 'json') this.#view = new JsonFormat(context);
    // Also for 'none', where nothing is attached and so only `line` is ever used.
    else this.#view = new TextFormat(context, { interval, ci, annotations });
  }

  /**
   * Shows the operations of a handle from now on, including one that is already running.
   *
   * @param handle - a {@link Guestfs}
   */
  attach(handle: Observable, options?: AttachOptions): this {
    if (!isObservable(handle)) throw notObservable('handle', handle);
    const { label, parent } = checkAttachOptions(options);
    if (this.format === 'none' || this.#handles.has(handle)) return this;
    const tasks = new Map<number, Task>();
    const parentOf = () => {
      const [running] = (parent && this.#handles.get(parent)?.tasks.values()) ?? [];
      return running?.id;
    };
    const unobserve = handle[observe](this.#observer(tasks, { label, parentOf }));
    this.#output.guard();
    const forget = () => {
      unobserve();
      for (const task of tasks.values()) this.#tasks.delete(task);
      this.#output.unguard();
    };
    this.#handles.set(handle, { tasks, forget });
    return this;
  }

  /** Stops showing the operations of a handle, or of all handles, and clears them from the screen. */
  detach(handle?: Observable): void {
    for (const each of handle ? [handle] : [...this.#handles.keys()]) {
      this.#handles.get(each)?.forget();
      this.#handles.delete(each);
    }
    this.#view.tick();
    this.#schedule();
  }

  /**
   * Prints a line, for instance a warning, without tearing a bar; the text is made printable and stays one line. With
   * `'json'` nothing is printed: the stream would no longer be JSON.
   */
  line(text: string): void {
    if (typeof text !== 'string') throw invalidType('line', 'text', 'string', text);
    this.#view.line(printable(text));
  }

  /**
   * Takes the bar off the terminal, so that the program can write there itself; a moment later the bar is back. In a
   * log of GitHub Actions, ends the group, so that what the program writes is not folded away.
   */
  clear(): void {
    this.#view.clear();
  }

  /**
   * Remembers what has come of an image, for the summary with which the reporter ends: of several images a line, and in
   * GitHub Actions a table on the page of the job.
   */
  outcome(outcome: ProgressOutcome): void {
    if (typeof outcome !== 'object' || outcome === null)
      throw invalidType('outcome', 'outcome', 'object', outcome);
    const { image, elapsed, result, error } = outcome;
    if (typeof image !== 'string') throw invalidType('outcome', 'outcome.image', 'string', image);
    if (typeof elapsed !== 'number') throw invalidType('outcome', 'outcome.elapsed', 'number', elapsed);
    this.#outcomes.push({ image, elapsed, result, error });
  }

  /** Stops showing the operations of all handles, as `detach()` does, and tells the outcomes. */
  close(): void {
    this.detach();
    this.#summarise();
  }

  /** Ends the reporter, as `close()` does, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #summarise(): void {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    if (outcomes.length === 0 || this.format === 'none') return;
    const elapsed = this.#now() - this.#began;
    if (outcomes.length > 1) this.#view.line(summaryLine(outcomes, elapsed));
    if (this.#summaryFile !== undefined) writeStepSummary(this.#summaryFile, outcomes, elapsed);
  }

  #observer(tasks: Map<number, Task>, about: About): OperationObserver {
    // An operation that was running before the handle was attached is first heard of in the middle.
    const taskOf = (op: Operation): Task => {
      const known = tasks.get(op.id);
      if (known) return known;
      const task = this.#begin(op, about);
      tasks.set(op.id, task);
      return task;
    };
    return {
      started: (op) => {
        taskOf(op);
      },
      progress: (op, event) => {
        const task = taskOf(op);
        this.#progress(task, event);
      },
      phase: (op, phase) => {
        const task = taskOf(op);
        task.phase = printable(phase);
        task.phaseId = ++this.#lastId;
        task.expectation.enter(task.phase, this.#now());
        this.#view.entered(task);
      },
      ended: (op, error) => {
        const task = tasks.get(op.id);
        if (!task) return;
        tasks.delete(op.id);
        this.#tasks.delete(task);
        // What says how far it is needs no memory.
        if (!error && (task.phase !== undefined || task.estimate.rate === undefined)) {
          task.expectation.learn(this.#now());
        }
        this.#view.ended(task, error && failureOf(error));
        this.#schedule();
      },
    };
  }

  #begin(op: Operation, { label, parentOf }: About): Task {
    const started = this.#now();
    const task: Task = {
      id: ++this.#lastId,
      parent: parentOf(),
      kind: op.kind ?? 'operation',
      // Programs want it as it was given, and JSON escapes what a terminal would obey.
      label: label === undefined || this.format === 'json' ? label : printable(label),
      operation: printable(op.operation),
      started,
      estimate: new Estimate(),
      expectation: new Expectation(op.kind === 'image' ? undefined : this.#durations, op.operation, started),
      phase: undefined,
      phaseId: undefined,
      progress: undefined,
    };
    this.#tasks.add(task);
    this.#view.started(task);
    this.#schedule();
    return task;
  }

  #progress(task: Task, event: ProgressEvent): void {
    // 0 of 0 is no number.
    const ratio = Math.min(Math.max(event.ratio || 0, 0), 1);
    task.progress = { ...event, ratio };
    if (!event.pulse) task.estimate.sample(ratio, this.#now());
    this.#view.progressed(task);
  }

  /** A timer exists only while operations run. */
  #schedule(): void {
    if (this.#tasks.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (!this.#timer && this.#view.period !== undefined) {
      this.#timer = setInterval(() => this.#view.tick(), this.#view.period).unref();
    }
  }
}

function resolveFormat(
  { format = 'auto', ci = 'auto' }: ProgressReporterOptions,
  stream: OutputStream,
  env: NodeJS.ProcessEnv,
): Exclude<ProgressFormat, 'auto'> {
  if (format !== 'auto') return format;
  return stream.isTTY && ci === 'auto' && !isCi(env) && env.TERM !== 'dumb' ? 'bar' : 'text';
}

function resolveCi(
  { ci = 'auto' }: ProgressReporterOptions,
  stream: OutputStream,
  env: NodeJS.ProcessEnv,
): CiSystem | undefined {
  return ci === 'auto' ? ciSystemOf(stream, env) : ci;
}

function failureOf(error: Error): Failure {
  const { message } = error;
  const [summary = ''] = message.split('\n');
  return {
    ...{ code: printable(codeOf(error)), message: printable(message), summary: printable(summary) },
    isAbort: isUnwanted(error),
  };
}

/** @throws TypeError when the function that tells the time fails */
function timeBy(now: () => number): number {
  try {
    return now();
  } catch (error) {
    throw invalidValue('ProgressReporter', 'options.now', 'must return milliseconds', error);
  }
}
