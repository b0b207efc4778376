// How many appliances this machine can run side by side.
import { availableParallelism } from 'node:os';
import { Guestfs } from '../guestfs';
import { availableMemory, overhead } from '../host/memory';
import type { GuestfsOptions } from '../launch/handle-options';

const MiB = 1 << 20;

/** Needs of one appliance. */
export interface Appliance {
  /** Memory, MiB. */
  readonly memsize: number;
  /** Virtual processors. */
  readonly smp: number;
}

/** Resources of a machine. */
export interface Machine {
  readonly cores: number;
  /** Memory that is available, bytes. */
  readonly memory: number;
}

/** Number of appliances that have a core for each processor and fit into the memory, but at least one. */
export function concurrencyFor(
  { memsize, smp }: Appliance,
  machine: Machine = { cores: availableParallelism(), memory: availableMemory() },
): number {
  const byCores = Math.floor(machine.cores / smp);
  const byMemory = Math.floor(machine.memory / ((memsize + overhead) * MiB));
  return Math.max(Math.min(byCores, byMemory), 1);
}

/** Needs of an appliance of a handle with these options. */
export async function applianceOf(options: GuestfsOptions | undefined): Promise<Appliance> {
  const g = new Guestfs(options);
  try {
    return { memsize: await g.getMemsize(), smp: await g.getSmp() };
  } finally {
    await g.close();
  }
}
