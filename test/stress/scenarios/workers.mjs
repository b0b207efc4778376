// Worker threads that open, use and close handles, and that end in the middle of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { makeFifo, withFolder, withHandle } from '../library.mjs';

const terminable = ['idle', 'callsAndEvents', 'queuedCalls', 'openingAndClosing', 'inListener'];

export async function workers({ times }) {
  const handlesEach = { job: 'openAndClose', count: times(100) };
  assert.deepEqual(await Promise.all(Array.from({ length: 4 }, () => exitCode(handlesEach))), [0, 0, 0, 0]);
  for (let i = 0; i < times(5); i++) {
    assert.equal(await exitCode({ job: 'leaveOpen' }), 0);
    assert.equal(await exitCode({ job: 'exit' }), 5);
    for (const job of terminable) await terminated({ job }, i * 10);
  }
  for (let i = 0; i < times(2); i++) await terminatedWhileStuck();
  await withHandle((g) => g.version());
}

export const start = (workerData) => new Worker(new URL('../worker.mjs', import.meta.url), { workerData });

async function exitCode(workerData) {
  const [code] = await once(start(workerData), 'exit');
  return code;
}

/** Terminates a worker that long after it says that it is ready. */
export async function terminated(workerData, ms = 0) {
  const worker = start(workerData);
  await once(worker, 'message');
  await sleep(ms);
  assert.equal(await worker.terminate(), 1);
}

/** The call returns long after its worker, and finds nobody. */
function terminatedWhileStuck() {
  return withFolder(async (folder) => {
    const fifo = makeFifo(folder);
    await terminated({ job: 'stuck', fifo });
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await sleep(500);
    closeSync(reader);
  });
}
