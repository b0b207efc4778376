import { withoutCommands } from '../text/ci/commands';
import { type CiSystem, ciLogs, type LogGroup } from '../text/ci/systems';
import { beforeEnd } from './before-end';
import { spokenDuration } from './duration';
import { type Context, type Failure, type Format, measureOf, type Task } from './format';

/** Operations shorter than this, in milliseconds, are not worth a line. */
const SHORT = 2000;

export interface TextOptions {
  /** Milliseconds between two lines about one operation. */
  readonly interval: number;
  /** System whose log it is: what happens on the way is folded away, outcomes are not. Undefined: no log of a job. */
  readonly ci: CiSystem | undefined;
  /** Whether failures are to be seen outside the log, where the system can show them so. */
  readonly annotations: boolean;
}

/** Plain lines for logs: no escapes, no carriage returns, and never silent for longer than the interval. */
export class TextFormat implements Format {
  readonly period: number;
  readonly #context: Context;
  readonly #interval: number;
  readonly #ci: CiSystem | undefined;
  readonly #annotations: boolean;
  /** Group in which lines are folded away, and the function that forgets it, while there is one. */
  #group: { readonly title: string; readonly name: string; readonly forget: () => void } | undefined;
  /** Position of the job's bar. */
  #percent: number | undefined;
  /** What was said last about each task. */
  readonly #said = new WeakMap<Task, { readonly time: number; readonly percent: number | undefined }>();

  constructor(context: Context, { interval, ci, annotations }: TextOptions) {
    this.#context = context;
    this.#interval = interval;
    this.#ci = ci;
    this.#annotations = annotations;
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
    const isFailure = failure !== undefined && !failure.isAbort;
    this.#endGroup();
    this.#write(
      `${this.#nameOf(task)}: ${outcome(duration, failure)}`,
      isFailure && this.#annotations ? 'failure' : undefined,
    );
  }

  tick(): void {
    for (const task of this.#context.tasks) this.#consider(task);
    this.#moveBar();
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

    const { percent, remaining, isEstimated } = measureOf(task, time) ?? {};
    this.#said.set(task, { time, percent });
    const still = last && last.percent === percent ? 'still ' : '';
    const about = isEstimated ? 'about ' : '';
    const state = [task.phase, percent === undefined ? undefined : `${still}${about}${percent}%`];
    const described = state.filter((part) => part !== undefined).join(', ') || 'still running';
    // Less than a second is not worth a word.
    const left =
      remaining === undefined || remaining < 1000 ? '' : `, about ${spokenDuration(remaining)} left`;
    this.#beginGroup(task);
    this.#write(`${this.#nameOf(task)}: ${described} after ${spokenDuration(elapsed)}${left}`, 'news');
  }

  #nameOf(task: Task): string {
    const label = task.label ?? this.#context.label;
    return `${label === '' ? '' : `${label}: `}${task.operation}`;
  }

  /** The bar of a job is one: that of what began first, which is the whole where there is one. */
  #moveBar(): void {
    const { progress } = this.#log;
    if (!progress) return;
    const time = this.#context.now();
    const [first] = [...this.#context.tasks].filter((task) => measureOf(task, time) !== undefined);
    const percent = first && measureOf(first, time)?.percent;
    if (!first || percent === undefined || percent === this.#percent) return;
    this.#percent = percent;
    this.#context.output.write(`${progress(percent, withoutCommands(this.#nameOf(first)))}\n`);
  }

  #beginGroup(task: Task): void {
    const { beginGroup } = this.#log;
    if (this.#group || !beginGroup) return;
    const others = this.#context.tasks.size - 1;
    const title = withoutCommands(`${this.#nameOf(task)}${others > 0 ? ` and ${others} more` : ''}`);
    // The error that ends the process, too, is to be seen.
    const group = { title, name: uniqueName(), forget: beforeEnd(() => this.#endGroup()) };
    this.#context.output.write(`${beginGroup(this.#placed(group))}\n`);
    this.#group = group;
  }

  #endGroup(): void {
    const group = this.#group;
    if (!group) return;
    this.#group = undefined;
    group.forget();
    this.#context.output.write(`${this.#log.endGroup?.(this.#placed(group))}\n`);
  }

  #placed({ title, name }: Pick<LogGroup, 'title' | 'name'>): LogGroup {
    return { title, name, seconds: Math.floor(this.#context.now() / 1000) };
  }

  get #log() {
    return ciLogs[this.#ci ?? 'plain'];
  }

  #write(line: string, kind?: 'news' | 'failure'): void {
    const plain = this.#ci === undefined ? line : withoutCommands(line);
    const format = kind && this.#log[kind];
    this.#context.output.write(`${format ? format(plain) : plain}\n`);
  }
}

let groups = 0;

/** Name of a group that no other process of the job gives to another. */
function uniqueName(): string {
  return `guestfs_${process.pid}_${++groups}`;
}

function outcome(duration: string, failure: Failure | undefined): string {
  if (failure === undefined) return `done in ${duration}`;
  if (failure.isAbort) return `aborted after ${duration}`;
  return `failed after ${duration}: ${failure.code} ${failure.summary}`.trimEnd();
}
