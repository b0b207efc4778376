import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { FleetWorkerOptions } from '../../src';

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves with how it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const program = join(__dirname, 'worker.cjs');

/** Starts workers in processes of their own, on the compiled package, and ends those that are left. */
export class WorkerProcesses {
  readonly #all = new Set<ChildProcess>();

  async start(
    worker: FleetWorkerOptions,
    more: { readonly journal?: string; readonly graceMs?: number; readonly againMs?: number } = {},
  ): Promise<WorkerProcess> {
    const child = spawn(process.execPath, [program, JSON.stringify({ worker, ...more })], {
      // That of the test: Jest gives it one of its own.
      ...{ env: process.env, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    this.#all.add(child);
    const ended = new Promise<number | NodeJS.Signals>((resolve) =>
      child.once('exit', (code, signal) => {
        this.#all.delete(child);
        resolve(code ?? signal ?? 0);
      }),
    );
    await Promise.race([new Promise((resolve) => child.stdout?.once('data', resolve)), ended]);
    child.stdout?.destroy();
    return { child, ended };
  }

  async end(): Promise<void> {
    for (const child of this.#all) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  }
}
