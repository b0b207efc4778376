import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import type { Guestfs } from '../../lib';
import { temporaryFolder } from './folder';
import { internalTest } from './internal';

export function makeFifo(path: string): string {
  execFileSync('mkfifo', [path]);
  return path;
}

/**
 * A call that keeps a handle's thread busy until the test opens the gate: libguestfs opens a FIFO for writing, and that
 * waits for a reader.
 */
export interface Gate extends AsyncDisposable {
  /** The call; it resolves when the gate is open. */
  readonly call: Promise<void>;
  open(): Promise<void>;
}

/** Resolves when the call runs. */
export async function closeGate(g: Guestfs, options?: object): Promise<Gate> {
  const folder = temporaryFolder();
  const fifo = makeFifo(folder.file('gate'));
  const entered = once(g, 'enter');
  const call = internalTest<void>(g, 'SetOutput', [fifo], options);
  const settled = call.then(
    () => undefined,
    () => undefined,
  );
  await entered;
  let opened: Promise<void> | undefined;
  const open = async () => {
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await settled;
    closeSync(reader);
    folder[Symbol.dispose]();
  };
  return {
    call,
    open: () => (opened ??= open()),
    [Symbol.asyncDispose]: () => (opened ??= open()),
  };
}
