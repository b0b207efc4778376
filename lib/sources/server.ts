// Servers of this machine that hand on what libguestfs has no words for. They live as long as the guest, and no longer
// than this process.
import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Ends with its standard input, which ends with this process, however that ends. */
const supervised =
  'exec 3<&0; (read -r _ <&3; kill "$$") >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null >/dev/null';

/** Most of its words that are kept. */
const mostWords = 8192;

export interface Server {
  stop(): Promise<void>;
}

/** A server has ended, or has not begun; `said` is what it had to say. */
export class ServerFailed extends Error {
  readonly said: string;
  /** Exit code; null where it was killed, or was not there in time. */
  readonly exitCode: number | null;

  constructor(said: string, exitCode: number | null) {
    super('the server has failed');
    this.said = said;
    this.exitCode = exitCode;
  }
}

/** Starts a server that listens on a socket, and waits until it does. @throws ServerFailed, the signal's reason */
export async function startServer(
  command: readonly string[],
  socket: string,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<Server> {
  const child = spawn('/bin/sh', ['-c', supervised, 'sh', ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, mostWords);
  });
  child.on('error', () => undefined); // it has ended, then
  child.stdin.on('error', () => undefined);
  for (const each of [child, child.stdin as Socket, child.stderr as Socket]) each.unref();
  const server = { stop: () => stop(child) };
  const end = Date.now() + patienceMs;
  try {
    while (!(await listens(socket))) {
      signal?.throwIfAborted();
      if (hasEnded(child) || Date.now() > end) {
        await wait(10); // its last words
        throw new ServerFailed(said, child.exitCode);
      }
      await wait(10, undefined, { signal });
    }
    return server;
  } catch (error) {
    await server.stop();
    signal?.throwIfAborted();
    throw error;
  }
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.on('error', () => resolve(false));
  });
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function stop(child: ChildProcess): Promise<void> {
  child.stdin?.destroy();
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.ref();
  child.kill('SIGKILL');
  await ended;
}
