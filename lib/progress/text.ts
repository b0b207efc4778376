import { spokenDuration } from './duration';
import { type Context, type Failure, type Format, percentOf, type Task } from './format';

/** Operations shorter than this, in milliseconds, are not worth a line. */
const SHORT = 2000;

/** Plain lines for logs: no escapes, no carriage returns, and never silent for longer than the interval. */
export class TextFormat implements Format {
  readonly period: number;
  readonly #context: Context;
  readonly #interval: number;
  /** What was said last about each task. */
  readonly #said = new WeakMap<Task, { readonly time: number; readonly percent: number | undefined }>();

  /** @param interval milliseconds between two lines about one operation */
  constructor(context: Context, interval: number) {
    this.#context = context;
    this.#interval = interval;
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
    this.#say(
      task,
      failure
        ? `failed after ${duration}: ${failure.code} ${failure.summary}`.trimEnd()
        : `done in ${duration}`,
    );
  }

  tick(): void {
    for (const task of this.#context.tasks) this.#consider(task);
  }

  line(text: string): void {
    this.#context.output.write(`${text}\n`);
  }

  // Lines stay where they are.
  clear(): void {}

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
    this.#say(task, `${described} after ${spokenDuration(elapsed)}${left}`);
  }

  #say(task: Task, text: string): void {
    const label = task.label ?? this.#context.label;
    this.line(`${label === '' ? '' : `${label}: `}${task.operation}: ${text}`);
  }
}
