import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const root = join(__dirname, '../..');
const dist = join(root, 'dist');

const prelude = `
  const guestfs = require(${JSON.stringify(join(dist, 'index.js'))});
  const { Guestfs, GuestfsError, privateKey } = guestfs;
  const { invoke } = require(${JSON.stringify(join(dist, 'calls/invoke.js'))});
`;

export interface ScriptResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ScriptOptions {
  /** Beside this process's environment; undefined takes a variable out. */
  readonly env?: Record<string, string | undefined>;
  readonly nodeOptions?: readonly string[];
  /** After so long the script is killed: its `signal` is then `SIGKILL`. */
  readonly timeout?: number;
}

/** Runs the body of an async function in a process of its own, with the names of the compiled library at hand. */
export function runScript(body: string, options: ScriptOptions = {}): Promise<ScriptResult> {
  return runNode(['-e', `${prelude}\n(async () => {\n${body}\n})();`], options);
}

/** Runs node in the package's folder, so that `guestfs` is the package's own name. */
export function runNode(args: readonly string[], options: ScriptOptions = {}): Promise<ScriptResult> {
  const { env, nodeOptions = [], timeout = 60_000 } = options;
  const child = spawn(process.execPath, [...nodeOptions, ...args], {
    cwd: root,
    env: { ...process.env, LIBGUESTFS_DEBUG: undefined, LIBGUESTFS_TRACE: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs a script that must end well, and returns the JSON that it printed. */
export async function resultOf<T>(body: string, options: ScriptOptions = {}): Promise<T> {
  const { code, signal, stdout, stderr } = await runScript(body, options);
  if (code !== 0) throw new Error(`the script ended with ${signal ?? code}:\n${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}
