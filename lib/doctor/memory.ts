import { notEnoughMemory, textOf } from '../faults/faults';
import { overhead } from '../host/memory';
import { type Finding, failure, ok, warning } from './finding';
import type { Machine } from './machine';
import type { Settings } from './settings';

const MiB = 2 ** 20;
/** MiB with which an appliance can do simple things. */
const leastMemsize = 512;

export function checkMemory(machine: Machine, { memsize }: Settings): Finding[] {
  const available = Math.floor(machine.memory() / MiB);
  const needed = memsize + overhead;
  const detail = `${available} MiB are available, and an appliance takes up to ${needed} MiB`;
  if (available >= needed) return [ok('MEMORY', 'There is enough memory', detail)];
  const fits = Math.floor((available - overhead) / 64) * 64;
  const fault = notEnoughMemory;
  return fits >= leastMemsize
    ? [warning(fault.code, 'There is little memory', detail, `export LIBGUESTFS_MEMSIZE=${fits}`)]
    : [failure(fault.code, 'There is not enough memory', `${detail}: ${textOf(fault)}`)];
}
