// How many jobs a worker does at a time: as many appliances as have a core each and fit into the memory that is left.
import { availableParallelism } from 'node:os';
import type { GuestfsOptions } from 'guestfs';
import { applianceOf, availableMemory, concurrencyFor, overhead } from 'guestfs/internal';

/** Measures the capacity of this machine; `running` jobs have their memory already. */
export async function capacity(
  handleOptions: GuestfsOptions | undefined,
): Promise<(running: number, cores?: number, memory?: number) => number> {
  const appliance = await applianceOf(handleOptions);
  const each = (appliance.memsize + overhead) * 2 ** 20;
  return (running, cores = availableParallelism(), memory = availableMemory()) =>
    concurrencyFor(appliance, { cores, memory: memory + running * each });
}
