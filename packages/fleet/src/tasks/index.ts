// The tasks that every worker knows.
import { FleetError } from '../errors';
import { checkTask } from './check';
import { checksumTask } from './checksum';
import { diffTask } from './diff';
import { inspectTask } from './inspect';
import { sbomTask } from './sbom';
import type { AnyTask } from './task';

/** Bytes of the options of a task. */
const largestOptions = 64 * 1024;

const builtIn: readonly AnyTask[] = [inspectTask, sbomTask, checkTask, diffTask, checksumTask];

/** Tasks by their names. */
export class TaskRegistry {
  readonly #tasks = new Map<string, AnyTask>();

  /** @param own tasks of the user's, none of which may be called as one of ours */
  constructor(own: readonly AnyTask[] = []) {
    for (const task of [...builtIn, ...own]) {
      if (!/^[a-z][a-z\d._-]{0,63}$/.test(task.name))
        throw new FleetError(
          'ERR_GUESTFS_FLEET_TASK',
          `a task cannot be called ${JSON.stringify(task.name)}`,
        );
      if (this.#tasks.has(task.name))
        throw new FleetError('ERR_GUESTFS_FLEET_TASK', `there are two tasks called ${task.name}`);
      this.#tasks.set(task.name, task);
    }
  }

  writes(name: string): boolean {
    return this.#tasks.get(name)?.writes ?? false;
  }

  /** @throws FleetError ERR_GUESTFS_FLEET_TASK */
  get(name: string): AnyTask {
    const task = this.#tasks.get(name);
    if (task) return task;
    const known = [...this.#tasks.keys()].join(', ');
    throw new FleetError(
      'ERR_GUESTFS_FLEET_TASK',
      `there is no task ${JSON.stringify(name)} here: there are ${known}`,
    );
  }
}

/** Options of a task, checked. */
export function checkTaskOptions(
  task: AnyTask,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (task.options) return task.options(given) as Record<string, unknown>;
  const [name] = Object.keys(given).filter((each) => given[each] !== undefined);
  if (name === undefined) return {};
  throw new FleetError(
    'ERR_GUESTFS_FLEET_OPTION',
    `${task.name}: it has no option ${JSON.stringify(name.slice(0, 64))}`,
  );
}

/** Options as the worker gets them, who checks them too: as JSON has them. */
export function travellingOptions(
  task: AnyTask,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  checkTaskOptions(task, given);
  try {
    const json = JSON.stringify(given);
    if (Buffer.byteLength(json) <= largestOptions) return JSON.parse(json);
  } catch (cause) {
    throw new FleetError('ERR_GUESTFS_FLEET_OPTION', `${task.name}: the options must be JSON`, { cause });
  }
  throw new FleetError(
    'ERR_GUESTFS_FLEET_OPTION',
    `${task.name}: the options have more than ${largestOptions} bytes, and come with each job`,
  );
}
