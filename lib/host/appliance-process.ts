// Processes, of an appliance and others, as Linux shows them.
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether a process is qemu, which is told of the appliance's socket, or that it runs a template; others build the
 * appliance or watch over qemu.
 */
export function isAppliance(pid: number): boolean {
  const line = read(`/proc/${pid}/cmdline`) ?? '';
  return line.includes('guestfsd.sock') || line.includes('guestfs_node_template=1');
}

/** How far a process has come, and whether it would go on if it could. */
export interface Activity {
  /** Milliseconds of processors that all of its threads have had. */
  readonly cpuMs: number;
  /** Each thread waits for something that is to happen, none for a processor or a disk. */
  readonly asleep: boolean;
}

/** Linux tells times of processes in hundredths of a second on every architecture. */
const tickMs = 10;

/** Undefined for a process that has ended, or that may not be looked at. */
export function activityOf(pid: number): Activity | undefined {
  const fields = fieldsOf(read(`/proc/${pid}/stat`));
  const states = threadsOf(pid).map((thread) => fieldsOf(read(`/proc/${pid}/task/${thread}/stat`))?.[0]);
  if (!fields || states.length === 0) return undefined;
  const [, , , , , , , , , , , user, system] = fields;
  return { cpuMs: (Number(user) + Number(system)) * tickMs, asleep: states.every((state) => state === 'S') };
}

/** Time when a process began, in ticks since the machine did; undefined for one that has ended. `self`: this one. */
export function startOf(pid: string): string | undefined {
  const fields = fieldsOf(read(`/proc/${pid}/stat`));
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

/** Fields of a `stat` file from the third on, the state; the second is a name, and may hold spaces and parentheses. */
function fieldsOf(stat: string | undefined): string[] | undefined {
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
