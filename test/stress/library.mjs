// What the scenarios are made of: the compiled package, what only its tests may use of it, and ways to get hold of a
// handle's thread.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

const require = createRequire(import.meta.url);
export const { Guestfs, privateKey } = require('../../dist/index.js');
const { invoke } = require('../../dist/calls/invoke.js');

export const MiB = 2 ** 20;

/** Calls one of libguestfs's own test functions, `internal_test_*`, which have no method. */
export function internalTest(g, name, args = [], options = undefined) {
  return g[invoke](`internalTest${name}`, args, options);
}

/** Waits for a promise that must reject, with this code if one is given. */
export async function rejection(promise, code) {
  const error = await promise.then(
    () => assert.fail(`should have been rejected${code ? ` with ${code}` : ''}`),
    (reason) => reason,
  );
  if (code) assert.equal(error.code, code, error.stack);
  return error;
}

/** Ends well whatever becomes of the promises: for calls that are aborted, killed or closed upon. */
export const settled = (promises) => Promise.allSettled(promises);

export async function withHandle(work, options) {
  const g = new Guestfs(options);
  try {
    return await work(g);
  } finally {
    await g.close();
  }
}

export async function withFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-stress-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function makeFifo(folder, name = 'fifo') {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

/** Keeps the handle's thread in a call, for libguestfs waits for a reader of a FIFO, while `work` runs. */
export function whileBusy(g, work) {
  return withFolder(async (folder) => {
    const fifo = makeFifo(folder);
    const entered = once(g, 'enter');
    const call = internalTest(g, 'SetOutput', [fifo]);
    await entered;
    try {
      return await work();
    } finally {
      const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      await call;
      closeSync(reader);
    }
  });
}

/** Collects garbage until what was dropped is gone: a native object needs some turns of the event loop. */
export async function collectGarbage() {
  for (let turn = 0; turn < 10; turn++) {
    globalThis.gc();
    await setImmediate();
  }
}
