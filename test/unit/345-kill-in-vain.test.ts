import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

// A call that waits for something on the host ends by no killing: its caller is let go all the same.

let folder: ReturnType<typeof temporaryFolder>;
let g: Guestfs;
let fifo: string;

beforeEach(() => {
  folder = temporaryFolder();
  g = new Guestfs();
  fifo = join(folder.path, 'fifo');
  execFileSync('mkfifo', [fifo]);
});

afterEach(async () => {
  const reader = await open(fifo, 'r'); // the call returns
  await g.close();
  await reader.close();
  folder[Symbol.dispose]();
});

async function stuckCall(options?: {
  signal: AbortSignal;
  killOnAbort: boolean;
}): Promise<Promise<unknown>[]> {
  const entered = once(g, 'enter');
  const call = failureOf(g[invoke]('internalTestSetOutput', [fifo], options));
  await entered;
  return [call];
}

test('kill() lets the caller go', async () => {
  const [call] = await stuckCall();
  await g.kill();
  expect(await call).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
}, 20_000);

test('so does killOnAbort', async () => {
  const controller = new AbortController();
  const [call] = await stuckCall({ signal: controller.signal, killOnAbort: true });
  controller.abort();
  expect(await call).toMatchObject({ code: 'ABORT_ERR' });
}, 20_000);
