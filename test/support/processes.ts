/** Processes as Linux shows them: what a handle has started, and programs of their own for what ends a process. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(__dirname, '../..');

/** The processes that this one, or another, has started and that live, or wait to be reaped: `number command`. */
export function descendants(of: number = process.pid): string[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [...(children.get(of) ?? [])];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found.map(describe);
}

/** The number of the qemu among them that runs an appliance. */
export function qemuOf(pid: number = process.pid): number | undefined {
  const found = descendants(pid).find((line) => line.includes('guestfsd.sock'));
  return found === undefined ? undefined : Number.parseInt(found, 10);
}

/** A Node.js program that runs by itself; it takes the package from `require('guestfs')`. */
export interface Program {
  readonly pid: number;
  /** Resolves when it has written a line that contains this; rejects when it ends without it. */
  said(line: string): Promise<void>;
  /** All of its processes that are left, also those that have lost it as their parent. */
  left(): string[];
  readonly ended: Promise<Outcome>;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param ownGroup - it leads a process group of its own, as it does when a shell starts it on a terminal */
export function startProgram(source: string, env: NodeJS.ProcessEnv = {}, ownGroup = false): Program {
  if (!existsSync(join(root, 'dist/index.js'))) {
    throw new Error(
      'dist/ is missing: programs of their own run the compiled package; `npm run build:ts` first',
    );
  }
  const mark = randomUUID();
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', '-e', source], {
    cwd: root, // from here `guestfs` is the package itself
    env: { ...quietEnvironment(), ...env, GUESTFS_TEST_MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
    timeout: 240_000, // a program that hangs must not outlive its test
    killSignal: 'SIGKILL',
  });
  let heard = '';
  child.stdout.on('data', (chunk) => {
    heard += chunk;
  });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], stdout, stderr]) => ({ code, signal, stdout, stderr }),
  );
  return {
    pid: child.pid as number,
    ended,
    left: () =>
      allPids()
        .filter((pid) => pid !== child.pid && isMarked(pid, mark))
        .map(describe),
    said: async (line) => {
      while (!heard.includes(line)) {
        const outcome = await Promise.race([ended, sleep(50)]);
        if (outcome && !outcome.stdout.includes(line)) {
          throw new Error(
            `the program ended (${outcome.code ?? outcome.signal}) before it said "${line}":\n${outcome.stderr}`,
          );
        }
      }
    },
  };
}

export function runProgram(source: string, env?: NodeJS.ProcessEnv): Promise<Outcome> {
  return startProgram(source, env).ended;
}

/** What is left of a list of processes after at most `ms`: nothing, as a rule at once. */
export async function leftAfter(ms: number, list: () => string[]): Promise<string[]> {
  const deadline = Date.now() + ms;
  for (;;) {
    const left = list();
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(20);
  }
}

/** Nothing that makes libguestfs talkative. */
function quietEnvironment(): NodeJS.ProcessEnv {
  const { LIBGUESTFS_DEBUG, LIBGUESTFS_TRACE, NODE_OPTIONS, NODE_V8_COVERAGE, ...rest } = process.env;
  return rest;
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number | undefined {
  const stat = read(pid, 'stat');
  const parent = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

function isMarked(pid: number, mark: string): boolean {
  return read(pid, 'environ').includes(`GUESTFS_TEST_MARK=${mark}`);
}

function describe(pid: number): string {
  const command = read(pid, 'cmdline').replaceAll('\0', ' ').trim();
  return `${pid} ${read(pid, 'comm').trim()}: ${command || '(not reaped)'}`;
}

/** Empty when the process has ended meanwhile. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
