import { randomBytes } from 'node:crypto';
import { toJson } from '../text/json';
import { type Context, expectedOf, type Failure, type Format, type Task } from './format';
import { type RecordType, recordHead } from './record';

/** Newline-delimited JSON for programs, as `schemas/progress-1.json` has it: one object a line and nothing else. */
export class JsonFormat implements Format {
  readonly period = undefined;
  readonly #context: Context;
  /** What tells the records of this reporter from those of others, in a log that several have written. */
  readonly #run = randomBytes(6).toString('hex');

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
    this.#emit('phase', task, { id: task.phaseId, parent: task.id });
  }

  ended(task: Task, failure: Failure | undefined): void {
    const error = failure && { code: failure.code, message: failure.message };
    this.#emit('end', task, { error });
  }

  tick(): void {}

  // A line for people would not be JSON.
  line(): void {}

  clear(): void {}

  #emit(type: RecordType, task: Task, more: object = {}): void {
    const now = this.#context.now();
    const expected = type === 'end' ? undefined : expectedOf(task, now);
    const record = {
      ...recordHead(type, now),
      run: this.#run,
      kind: type === 'phase' ? undefined : task.kind,
      label: task.label,
      operation: task.operation,
      id: task.id,
      parent: task.parent,
      phase: task.phase,
      ...more,
      estimate: expected && {
        ratio: Math.round(expected.ratio * 1000) / 1000,
        eta: expected.remaining === undefined ? undefined : Math.round(expected.remaining),
      },
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
