// Real servers, each with a folder and a port of its own, which end with the tests.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetConnectionOptions } from '../../src';

export interface Server {
  readonly connection: FleetConnectionOptions;
  /** Ends it as a machine that goes down in order, and starts it again with what it has on its disk. */
  restart(): Promise<void>;
  /** Sends it a signal, as SIGSTOP. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export const servers = { redis: () => startRedis(), postgres: startPostgres } as const;
export type ServerKind = keyof typeof servers;
export const serverKinds: readonly ServerKind[] = ['redis', 'postgres'];

/** @param more settings of the server, as arguments */
export async function startRedis(...more: string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-redis-'));
  const port = await freePort();
  const settings = [
    '--bind',
    '127.0.0.1',
    '--port',
    `${port}`,
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
  ];
  const start = () =>
    spawn('redis-server', [...settings, '--maxmemory-policy', 'noeviction', ...more], { stdio: 'ignore' });
  return await running(start, port, folder, { redis: `redis://127.0.0.1:${port}` }, 'SIGTERM');
}

export async function startPostgres(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-postgres-'));
  const port = await freePort();
  const { bin, as } = postgres(folder);
  const data = join(folder, 'data');
  const init = [
    join(bin, 'initdb'),
    '-D',
    data,
    '-U',
    'fleet',
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ];
  execFileSync(as[0] ?? (init[0] as string), [...as.slice(1), ...(as.length > 0 ? init : init.slice(1))], {
    stdio: 'ignore',
  });
  const settings = [
    '-D',
    data,
    '-p',
    `${port}`,
    '-k',
    folder,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'fsync=off',
  ];
  const command = [...as, join(bin, 'postgres'), ...settings, '-c', 'max_connections=300'];
  const start = () => spawn(command[0] as string, command.slice(1), { stdio: 'ignore' });
  const connection = { postgres: `postgres://fleet@127.0.0.1:${port}/postgres` };
  // Fast shutdown: it does not wait for its clients to leave.
  return await running(start, port, folder, connection, 'SIGINT');
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function postgres(folder: string): { bin: string; as: string[] } {
  const places = '/usr/lib/postgresql';
  const [version = ''] = versionsIn(places);
  const bin = version === '' ? '/usr/bin' : join(places, version, 'bin');
  if (process.getuid?.() !== 0) return { bin, as: [] };
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  const [user, group] = [id('-u'), id('-g')];
  chownSync(folder, user, group);
  chmodSync(folder, 0o700);
  return { bin, as: ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'] };
}

function versionsIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}

async function running(
  start: () => ChildProcess,
  port: number,
  folder: string,
  connection: FleetConnectionOptions,
  gently: NodeJS.Signals,
): Promise<Server> {
  let child = start();
  const end = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(gently);
    await ended;
  };
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  await answering(port, () => child);
  return {
    connection,
    async restart() {
      await end();
      child = start();
      await answering(port, () => child);
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      await end();
      process.off('exit', orphan);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(port: number, child: () => ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (child().exitCode !== null) throw new Error(`the server has ended with ${child().exitCode}`);
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the server does not answer');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
