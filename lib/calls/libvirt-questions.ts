import { once } from 'node:events';
import type { NativeHandle } from '../native/addon';
import type { CallOptions } from '../options/types';
import { answerLibvirt, type LibvirtAuthHandler } from './libvirt-auth';
import type { MakeCall } from './make-call';
import type { Operation } from './operations';
import type { PendingCall } from './pending-call';

/** Libvirt's questions for credentials: the call that runs waits for the answer of the program. */
export class LibvirtQuestions {
  readonly #native: NativeHandle;
  readonly #makeCallOf: (parent: Operation) => MakeCall;
  #handler: LibvirtAuthHandler | undefined;
  #asked: { readonly call: number; readonly giveUp: () => void } | undefined;

  /** @param makeCallOf - makes calls on behalf of the one that waits */
  constructor(native: NativeHandle, makeCallOf: (parent: Operation) => MakeCall) {
    this.#native = native;
    this.#makeCallOf = makeCallOf;
  }

  /** Whether a question waits for its answer. */
  get open(): boolean {
    return this.#asked !== undefined;
  }

  /** Whether the program answers questions. */
  get answered(): boolean {
    return this.#handler !== undefined;
  }

  /** Lets `handler` answer questions. */
  answerBy(handler: LibvirtAuthHandler): void {
    this.#handler = handler;
    this.#native.answerLibvirtAuth();
  }

  /** The call with the number `id` is asked while it opens the connection `uri`. */
  async ask(id: number, call: PendingCall | undefined, uri: string): Promise<void> {
    const handler = this.#handler;
    if (!handler) return;
    const gaveUp = new AbortController();
    this.#asked = { call: id, giveUp: () => gaveUp.abort() };
    try {
      if (!call || isOver(call)) return;
      const make = this.#makeCallOf(call);
      const makeCall = async <T>(method: string, args: readonly unknown[] = [], options?: CallOptions) => {
        gaveUp.signal.throwIfAborted();
        return await make<T>(method, args, options);
      };
      await Promise.race([
        call.context(() => answerLibvirt(handler, uri, gaveUp.signal, makeCall)),
        once(gaveUp.signal, 'abort'),
      ]);
      call.thrown = undefined; // by an earlier question, which was asked again
    } catch (error) {
      if (call) call.thrown = error;
    } finally {
      this.#asked = undefined;
      this.#native.endCallback();
    }
  }

  /** The call that waits for an answer goes on without one, if it is that call. */
  giveUp(call?: number): void {
    if (call === undefined || this.#asked?.call === call) this.#asked?.giveUp();
  }
}

/** Whether nobody wants the answer any more. */
function isOver({ fate }: PendingCall): boolean {
  return fate.kind !== 'own' && fate.kind !== 'cancelled';
}
