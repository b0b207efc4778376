import { toJson } from '../text/json';
import type { Context, Failure, Format, Task } from './format';

/** Newline-delimited JSON for programs: one object a line and nothing else. */
export class JsonFormat implements Format {
  readonly period = undefined;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  started(task: Task): void {
    this.#emit('start', task);
  }

  progressed(task: Task): void {
    if (!task.progress) return;
    const { position, total, ratio, pulse } = task.progress;
    const eta = task.estimate.remaining(this.#context.now());
    this.#emit('progress', task, {
      position: exact(position),
      total: exact(total),
      ratio,
      pulse,
      eta: eta === undefined ? undefined : Math.round(eta),
    });
  }

  entered(task: Task): void {
    this.#emit('phase', task);
  }

  ended(task: Task, failure: Failure | undefined): void {
    const error = failure && { code: failure.code, message: failure.message };
    this.#emit('end', task, { error });
  }

  tick(): void {}

  // A line for people would not be JSON.
  line(): void {}

  clear(): void {}

  #emit(type: 'start' | 'progress' | 'phase' | 'end', task: Task, more: object = {}): void {
    const now = this.#context.now();
    const record = {
      type,
      time: new Date(now).toISOString(),
      label: task.label,
      operation: task.operation,
      id: task.id,
      phase: task.phase,
      ...more,
      elapsed: Math.round(Math.max(now - task.started, 0)),
    };
    this.#context.output.write(`${toJson(record)}\n`);
  }
}

/** A number where it is exact, else a decimal string. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
