import { closeSync } from 'node:fs';
import { AbortError } from '../faults/errors';
import { signals } from '../options/abort-signals';
import type { Transfer } from '../streams/transfer';
import type { ApplianceConsole } from './console';
import { terminationOf } from './ending';
import type { PendingCall } from './pending-call';

/** The streams of a handle's calls, each in the place of a file, from the beginning of its call until it has ended too. */
export class Transfers {
  readonly #console: ApplianceConsole;
  readonly #cancel: (call: PendingCall) => void;
  /** Functions that end the streams of calls that have ended. */
  readonly #finishing = new Set<() => void>();

  /** @param cancel - makes a call end whose stream has failed */
  constructor(console: ApplianceConsole, cancel: (call: PendingCall) => void) {
    this.#console = console;
    this.#cancel = cancel;
  }

  /** The call begins: `fd` is the other end of its pipe. */
  begin(call: PendingCall | undefined, fd: number): void {
    const transfer = call?.transfer;
    if (transfer) call.context(() => transfer.start(fd, () => this.#cancel(call)));
    else closeSync(fd); // nobody waits for the call any more
  }

  /** Waits for the stream of a call in which libguestfs has done its part. */
  async finish(
    transfer: Transfer,
    call: PendingCall,
    error: Error | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const giveUp = (why: Error) => call.context(() => transfer.giveUp(why));
    const onAbort = () => giveUp(new AbortError(call.operation, signal?.reason));
    const onKill = () => giveUp(terminationOf(call, this.#console));
    const forget = signal && signals.follow(signal, onAbort);
    this.#finishing.add(onKill);
    if (signal?.aborted && !error) onAbort();
    try {
      await transfer.finish(error);
    } finally {
      forget?.();
      this.#finishing.delete(onKill);
    }
  }

  /** Ends the streams of calls that libguestfs has ended. */
  end(): void {
    for (const giveUp of [...this.#finishing]) giveUp();
  }
}
