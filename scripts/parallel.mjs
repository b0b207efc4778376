import { availableParallelism } from 'node:os';

/** Runs tasks, as many at once as there are processors, and returns what they return. */
export async function inParallel(tasks) {
  const results = [];
  const waiting = [...tasks.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
