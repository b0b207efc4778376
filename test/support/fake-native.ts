import { type Message, MessageKind, type NativeHandle } from '../../lib/native/addon';

/** A handle whose thread is the test: it says what libguestfs would have said. */
export class FakeNative implements NativeHandle {
  receive: (...message: Message) => void = () => undefined;
  /** The numbers of the calls that were made. */
  readonly calls: number[] = [];
  cancelled = 0;

  call(id: number): undefined {
    this.calls.push(id);
  }

  /** What the call in progress returned. */
  answer(value: unknown): void {
    this.receive(MessageKind.result, this.calls.at(-1) as number, value);
  }

  progress(position: bigint, total: bigint, serial = 1): void {
    this.receive(MessageKind.progress, this.calls.at(-1) as number, 211, serial, position, total);
  }

  callInstantly(): undefined {}
  remove(): boolean {
    return false;
  }
  removeAll(): number[] {
    return [];
  }
  cancel(): boolean {
    this.cancelled++;
    return true;
  }
  hold(): void {}
  release(): void {}
  relayEvents(): void {}
  nextTurn(): void {}
  close(): void {}
  letGo(): void {}
  setEventMasks(): void {}
  setPrivate(): void {}
  deletePrivate(): void {}
  lookupPrivate(): undefined {
    return undefined;
  }
  privateKeys(): string[] {
    return [];
  }
  children(): number[] {
    return [];
  }
  kill(): number {
    return 0;
  }
  consoleTail(): string {
    return '';
  }
  answerLibvirtAuth(): void {}
  endCallback(): void {}
}
