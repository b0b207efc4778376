// A program that does tasks with libguestfs, one line each, and tells how long they took.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class Contestant {
  #process;
  #answers;

  constructor(command, ...args) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** What the program measured. */
  async do(...task) {
    this.#process.stdin.write(`${task.join(' ')}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.#process.spawnargs.join(' ')} ended in the task "${task.join(' ')}"`);
    return JSON.parse(value);
  }

  async end() {
    this.#process.stdin.end();
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit');
  }
}
