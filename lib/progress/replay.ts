// Shows the records of a log as if what they tell of happened now.
import { type Observable, type Operation, type OperationObserver, observe } from '../calls/operations';
import type { ProgressRecord } from './record';
import type { ProgressReporter } from './reporter';

/** An operation of a log, or the whole work on an image. */
export interface LoggedTask {
  readonly label: string | undefined;
  readonly operation: string;
  readonly kind: 'image' | 'operation';
  readonly started: number;
  /** Time of the end, milliseconds since 1970; undefined where the log does not tell of it. */
  ended: number | undefined;
  error: ProgressRecord['error'];
}

class LoggedOperation implements Observable {
  readonly task: LoggedTask;
  readonly #operation: Operation;
  readonly #observers = new Set<OperationObserver>();

  constructor({ label, operation, kind, time }: ProgressRecord) {
    this.task = { label, operation, kind, started: time, ended: undefined, error: undefined };
    this.#operation = { id: 1, operation, ...(kind === 'image' && { kind }) };
  }

  [observe](observer: OperationObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  tell({ type, phase = '', error, position, total, ratio, pulse }: ProgressRecord): void {
    for (const each of this.#observers) {
      if (type === 'start') each.started(this.#operation);
      else if (type === 'phase') each.phase(this.#operation, phase);
      else if (type === 'progress') {
        const { operation } = this.#operation;
        each.progress(this.#operation, { operation, procNr: 0, serial: 0, position, total, ratio, pulse });
      } else each.ended(this.#operation, error && Object.assign(new Error(error.message), error));
    }
  }
}

/** Shows records by a reporter, and remembers what has come of what. */
export class Replay {
  readonly tasks: LoggedTask[] = [];
  readonly #reporter: ProgressReporter;
  readonly #running = new Map<string, LoggedOperation>();

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter;
  }

  show(record: ProgressRecord): void {
    const { type, run, error, message, label } = record;
    if (type === 'note' || type === 'error') {
      if (error && !this.tasks.some((task) => task.label === label)) this.#failed(record);
      const place = label === undefined ? '' : `${label}: `;
      this.#reporter.line(
        `guestfs: ${place}${error ? `${error.message || message} (${error.code})` : message}`,
      );
      return;
    }
    // A phase has a number of its own.
    const key = `${run}/${type === 'phase' ? record.parent : record.id}`;
    const operation = this.#running.get(key) ?? this.#begin(key, record);
    operation.tell(record);
    if (type !== 'end') return;
    Object.assign(operation.task, { ended: record.time, error });
    this.#reporter.detach(operation);
    this.#running.delete(key);
  }

  /** What failed before there was a task. */
  #failed({ label, operation, time, error }: ProgressRecord): void {
    this.tasks.push({ label, operation, kind: 'image', started: time, ended: time, error });
  }

  /** A log that begins in the middle of an operation tells of it first by a later record. */
  #begin(key: string, record: ProgressRecord): LoggedOperation {
    const operation = new LoggedOperation(record);
    this.#running.set(key, operation);
    this.tasks.push(operation.task);
    this.#reporter.attach(operation, { label: record.label });
    if (record.type !== 'start') operation.tell({ ...record, type: 'start' });
    return operation;
  }
}
