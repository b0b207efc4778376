// As much of QEMU's machine protocol (QMP) as the making of a template needs.
import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { later } from '../options/own-timers';
import { quoted } from '../text/shell';

/** Milliseconds between two looks at what takes its time. */
const pollMs = 20;

export class Qmp {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = createInterface({ input: socket });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** @throws Error where qemu does not answer */
  static async open(path: string): Promise<Qmp> {
    const socket = connect(path);
    socket.on('error', () => undefined); // the reader ends then
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(new Error('qemu cannot be talked to')));
    });
    const qmp = new Qmp(socket);
    await qmp.#lines.next(); // the greeting
    await qmp.run('qmp_capabilities');
    return qmp;
  }

  /** @throws Error with what qemu says, or when it has ended */
  async run<T>(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`qemu ended during ${command}`);
      const answer = JSON.parse(value) as { return?: T; error?: { desc?: string } };
      if (answer.error) throw new Error(`${command}: ${answer.error.desc}`);
      if (answer.return !== undefined) return answer.return;
    }
  }

  /** Whether this qemu saves to files, and reads from them, by their names: from 8.2 on. */
  async knowsFiles(): Promise<boolean> {
    const { qemu } = await this.run<{ qemu: { major: number; minor: number } }>('query-version');
    return qemu.major > 8 || (qemu.major === 8 && qemu.minor >= 2);
  }

  /** Saves the state of the machine into a file. */
  async saveToFile(path: string): Promise<void> {
    await this.save((await this.knowsFiles()) ? `file:${path}` : `exec:cat > ${quoted(path)}`);
  }

  /** Saves the state of the machine. It stands still: emulation may miss what is written meanwhile. */
  async save(uri: string): Promise<void> {
    await this.run('stop');
    await this.run('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
    await this.run('migrate', { uri });
    for (;;) {
      const { status } = await this.run<{ status?: string }>('query-migrate');
      if (status === 'completed') return;
      if (status === 'failed' || status === 'cancelled') throw new Error('qemu could not save its state');
      await new Promise((resolve) => later(resolve, pollMs));
    }
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }
}
