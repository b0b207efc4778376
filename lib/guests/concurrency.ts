// How many appliances this machine can run side by side.
import { availableParallelism } from 'node:os';
import { Guestfs } from '../guestfs';
import { availableMemory, overhead } from '../host/memory';
import type { GuestfsOptions } from '../launch/handle-options';

const MiB = 1 << 20;

/** What one appliance takes. */
export interface Appliance {
  /** MiB. */
  readonly memsize: number;
  /** Virtual processors. */
  readonly smp: number;
}

/** What this machine has. */
export interface Machine {
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
}

/** As many as have a core for each processor and fit into the memory, but at least one. */
export function concurrencyFor(
  { memsize, smp }: Appliance,
  machine: Machine = { cores: availableParallelism(), memory: availableMemory() },
): number {
  const byCores = Math.floor(machine.cores / smp);
  const byMemory = Math.floor(machine.memory / ((memsize + overhead) * MiB));
  return Math.max(Math.min(byCores, byMemory), 1);
}

/** What the appliances of handles with these options take. */
export async function applianceOf(options: GuestfsOptions | undefined): Promise<Appliance> {
  const g = new Guestfs(options);
  try {
    return { memsize: await g.getMemsize(), smp: await g.getSmp() };
  } finally {
    await g.close();
  }
}
