/** Programs on a real terminal, and the screen that a person would see. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from '@jest/globals';
import { Terminal } from '@xterm/headless';
import { root } from './script';

export interface ScreenOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Beside a terminal's; undefined takes a variable out. */
  readonly env?: Record<string, string | undefined>;
  /** Whether lines that were broken at the margin follow the width: as in most terminals, or as in xterm. */
  readonly reflows?: boolean;
  /** In milliseconds, for what the screen is to show. */
  readonly patience?: number;
}

/** A terminal emulator with a program that runs in it. */
export class Screen implements AsyncDisposable {
  /** The exit code, or 128 and the number of the signal. */
  readonly ended: Promise<number>;
  readonly child: ChildProcess;
  /** All that the program has written. */
  bytes = '';
  readonly #terminal: Terminal;
  readonly #patience: number;
  #emulated: Promise<void> = Promise.resolve();

  constructor(program: readonly string[], options: ScreenOptions = {}) {
    const { columns = 80, rows = 24, env = {}, reflows = true, patience = 10_000 } = options;
    this.#patience = patience;
    this.#terminal = new Terminal({
      ...{ cols: columns, rows, scrollback: 1000, allowProposedApi: true },
      ...(reflows ? {} : { windowsPty: { backend: 'conpty', buildNumber: 1 } }),
    });
    const plain = {
      CI: undefined,
      GITHUB_ACTIONS: undefined,
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      WT_SESSION: undefined,
    };
    this.child = spawn(
      'python3',
      [join(__dirname, 'on-a-terminal.py'), String(columns), String(rows), ...program.map(String)],
      {
        cwd: root,
        env: { ...process.env, TERM: 'xterm-256color', ...plain, ...env },
        // The channel goes through to a program that is a Node program.
        stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      },
    );
    const problems = text(this.#stream('stderr'));
    this.#stream('stdout').on('data', (chunk: Buffer) => {
      this.bytes += chunk.toString('latin1');
      this.#emulated = new Promise((resolve) => this.#terminal.write(chunk, resolve));
    });
    this.ended = once(this.child, 'close').then(async ([code]) => {
      expect(await problems).toBe('');
      await this.#emulated;
      return code;
    });
  }

  /** All lines, also those that have left the screen at the top; without empty ones at the end. */
  get lines(): string[] {
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let y = 0; y < active.length; y++) {
      const line = active.getLine(y)?.translateToString(true, 0, this.#terminal.cols) ?? '';
      lines.push(line.trimEnd());
    }
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** Where the cursor stands, counted as `lines` are. */
  get cursor(): [row: number, column: number] {
    const { baseY, cursorY, cursorX } = this.#terminal.buffer.active;
    return [baseY + cursorY, cursorX];
  }

  /** What programs may have changed of the terminal, and must not leave so. */
  get modes() {
    const last = (mode: number) =>
      this.bytes
        .match(new RegExp(`\\x1b\\[\\?${mode}[hl]`, 'g'))
        ?.at(-1)
        ?.at(-1);
    return { cursorIsVisible: last(25) !== 'l', linesWrap: this.#terminal.modes.wraparoundMode };
  }

  /** Waits until the lines are such: texts, or what `expect` knows. */
  async shows(lines: readonly unknown[]): Promise<void> {
    await this.until(() => expect(this.lines).toEqual(lines));
  }

  /** Waits until it does not throw any more. */
  async until(check: () => void): Promise<void> {
    const deadline = Date.now() + this.#patience;
    for (;;) {
      await this.#emulated;
      try {
        return check();
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** As when its window is drawn larger or smaller. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#emulated;
    this.#terminal.resize(columns, rows);
    this.#command(`resize ${columns} ${rows}`);
  }

  type(keys: string): void {
    this.#command(`type ${Buffer.from(keys).toString('hex')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The terminal hangs up.
    if (this.child.stdin?.writable) this.child.stdin.end();
    await this.ended;
    this.#terminal.dispose();
  }

  #command(line: string): void {
    (this.child.stdin as Writable).write(`${line}\n`);
  }

  #stream(name: 'stdout' | 'stderr'): Readable {
    return this.child[name] as Readable;
  }
}

const prelude = `
  const { ProgressReporter } = require(${JSON.stringify(join(root, 'dist/progress'))});
  const { Job } = require(${JSON.stringify(join(root, 'dist/progress/job'))});
  const AsyncFunction = (async () => {}).constructor;
  const names = { ProgressReporter, Job, require };
  process.on('message', async (code) => {
    process.send({ value: await new AsyncFunction(...Object.keys(names), code)(...Object.values(names)) });
  });
  process.send('ready');
`;

/** A Node program on a terminal that does what the test tells it, step by step. */
export class SteppedScreen extends Screen {
  static async start(options?: ScreenOptions): Promise<SteppedScreen> {
    const screen = new SteppedScreen([process.execPath, '-e', prelude], options);
    await screen.#message();
    return screen;
  }

  /** Runs the body of an async function, with `ProgressReporter` and `Job` at hand; `globalThis` is for what is to stay. */
  async run(body: string): Promise<unknown> {
    const answer = this.#message();
    this.child.send(body);
    return ((await answer) as { value: unknown }).value;
  }

  /** The next one of the program. */
  async #message(): Promise<unknown> {
    const end = this.ended.then((code) => {
      throw new Error(`the program has ended with ${code}:\n${this.lines.join('\n')}`);
    });
    const [message] = await Promise.race([once(this.child, 'message'), end]);
    return message;
  }
}
