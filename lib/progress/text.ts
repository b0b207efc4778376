import { groupEnd, groupStart, withoutCommands } from '../text/github-log';
import { beforeEnd } from './before-end';
import { spokenDuration } from './duration';
import { type Context, type Failure, type Format, percentOf, type Task } from './format';

/** Operations shorter than this, in milliseconds, are not worth a line. */
const SHORT = 2000;

export interface TextOptions {
  /** Milliseconds between two lines about one operation. */
  readonly interval: number;
  /** Whether the log is one of GitHub Actions: what happens on the way is folded away, outcomes are not. */
  readonly github: boolean;
}

/** Plain lines for logs: no escapes, no carriage returns, and never silent for longer than the interval. */
export class TextFormat implements Format {
  readonly period: number;
  readonly #context: Context;
  readonly #interval: number;
  readonly #github: boolean;
  /** Function that ends the group in which lines are folded away, while there is one. */
  #group: (() => void) | undefined;
  /** What was said last about each task. */
  readonly #said = new WeakMap<Task, { readonly time: number; readonly percent: number | undefined }>();

  constructor(context: Context, { interval, github }: TextOptions) {
    this.#context = context;
    this.#interval = interval;
    this.#github = github;
    this.period = Math.min(interval, 1000);
  }

  started(): void {}

  progressed(task: Task): void {
    this.#consider(task);
  }

  entered(task: Task): void {
    this.#consider(task);
  }

  ended(task: Task, failure: Failure | undefined): void {
    const elapsed = this.#context.now() - task.started;
    if (elapsed < SHORT) return;
    const duration = spokenDuration(elapsed, 1);
    const outcome = failure
      ? `failed after ${duration}: ${failure.code} ${failure.summary}`.trimEnd()
      : `done in ${duration}`;
    this.line(`${this.#nameOf(task)}: ${outcome}`);
  }

  tick(): void {
    for (const task of this.#context.tasks) this.#consider(task);
    if (this.#context.tasks.size === 0) this.#endGroup();
  }

  line(text: string): void {
    this.#endGroup();
    this.#write(text);
  }

  // Lines stay where they are, but what the program writes shall not be folded away with them.
  clear(): void {
    this.#endGroup();
  }

  // A line as soon as there is something to report, then one an interval, be it news or a heartbeat.
  #consider(task: Task): void {
    const time = this.#context.now();
    const elapsed = time - task.started;
    if (elapsed < SHORT) return;
    const last = this.#said.get(task);
    const firstNews = !last && (task.progress || task.phase !== undefined);
    if (!firstNews && time - (last?.time ?? task.started) < this.#interval) return;

    const percent = percentOf(task);
    this.#said.set(task, { time, percent });
    const still = last && last.percent === percent ? 'still ' : '';
    const state = [task.phase, percent === undefined ? undefined : `${still}${percent}%`];
    const described = state.filter((part) => part !== undefined).join(', ') || 'still running';
    const remaining = task.phase === undefined ? task.estimate.remaining(time) : undefined;
    // Less than a second is not worth a word.
    const left =
      remaining === undefined || remaining < 1000 ? '' : `, about ${spokenDuration(remaining)} left`;
    if (this.#github) this.#beginGroup(task);
    this.#write(`${this.#nameOf(task)}: ${described} after ${spokenDuration(elapsed)}${left}`);
  }

  #nameOf(task: Task): string {
    const label = task.label ?? this.#context.label;
    return `${label === '' ? '' : `${label}: `}${task.operation}`;
  }

  #beginGroup(task: Task): void {
    if (this.#group) return;
    const others = this.#context.tasks.size - 1;
    const title = `${this.#nameOf(task)}${others > 0 ? ` and ${others} more` : ''}`;
    this.#context.output.write(`${groupStart(title)}\n`);
    // The error that ends the process, too, is to be seen.
    this.#group = beforeEnd(() => this.#endGroup());
  }

  #endGroup(): void {
    if (!this.#group) return;
    this.#group();
    this.#group = undefined;
    this.#context.output.write(`${groupEnd}\n`);
  }

  #write(line: string): void {
    this.#context.output.write(`${this.#github ? withoutCommands(line) : line}\n`);
  }
}
