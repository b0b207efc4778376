// When a load counts as flat. Its samples are spread evenly over it.
//
// Memory: from the second quarter of the load to the last one, the median grows by no more than `growthKiB`. The first
// quarter is left out, for caches fill and the heap finds its size.
// All else: no more at the end than at the beginning, for none of it has a reason to stay.

export const growthKiB = { residentKiB: 4096, heapKiB: 1024 };
const counted = ['threads', 'descriptors', 'processes', 'listeners', 'files'];

/** What has grown, in words; nothing when the load is flat. */
export function whatGrew(before, samples) {
  const grew = [];
  for (const [name, limit] of Object.entries(growthKiB)) {
    const growth = median(quarter(samples, 3), name) - median(quarter(samples, 1), name);
    if (growth > limit) grew.push(`${name} by ${growth}, more than ${limit}`);
  }
  for (const name of counted) {
    const growth = samples.at(-1)[name] - before[name];
    if (growth > 0) grew.push(`${name} by ${growth}`);
  }
  return grew;
}

export const quarter = (samples, number) =>
  samples.slice(Math.floor((samples.length * number) / 4), Math.floor((samples.length * (number + 1)) / 4));

export function median(samples, name) {
  const values = samples.map((sample) => sample[name]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}
