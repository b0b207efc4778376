// The soak's results as people read them.
import { growthKiB, median, quarter } from './verdict.mjs';

const MiB = (KiB) => (KiB / 1024).toFixed(1);
const thousands = (number) => number.toLocaleString('en');

/** One row of the table. */
export function row({ wanted, done, seconds, before, samples, grew }) {
  if (!samples) return { verdict: 'failed' };
  const change = (name) => `${before[name]} → ${samples.at(-1)[name]}`;
  const memory = (name) =>
    [before[name], median(quarter(samples, 1), name), median(quarter(samples, 3), name)].map(MiB).join(' → ');
  return {
    done: thousands(done) + (done < wanted ? ` of ${thousands(wanted)}` : ''),
    seconds: Math.round(seconds),
    'resident (MiB)': memory('residentKiB'),
    'heap (MiB)': memory('heapKiB'),
    threads: change('threads'),
    descriptors: change('descriptors'),
    listeners: change('listeners'),
    'processes, files': `${change('processes')}, ${change('files')}`,
    verdict: grew.length === 0 ? 'flat' : 'grows',
  };
}

export const rule =
  `Memory: before, in the second quarter, in the last one. Flat: between these two, resident memory grew by at most ` +
  `${MiB(growthKiB.residentKiB)} MiB\nand the heap by at most ${MiB(growthKiB.heapKiB)} MiB, and of all else no more ` +
  `was left at the end than there was before.`;
