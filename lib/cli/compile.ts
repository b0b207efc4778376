// Compiles the addon with nothing but a C++ compiler: the headers of Node-API and of node-addon-api lie in the package.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { compiling } from '../faults/packages';

const root = join(__dirname, '../..');
const sources = ['src-native', 'src-native/generated'];
const headers = ['dist/headers/node-addon-api', 'dist/headers/node-api'];
const run = promisify(execFile);

/** Definitions with which the sources are compiled: binding.gyp and CMakeLists.txt say why. */
export const definitions = [
  'NAPI_VERSION=9',
  'NODE_ADDON_API_CPP_EXCEPTIONS',
  'NODE_ADDON_API_CPP_EXCEPTIONS_ALL',
  'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
] as const;

type Tool = (typeof compiling)[number];

/** Where the addon is put, and looked for. */
export const target = join(root, 'build/Release/guestfs.node');

/** The compiler, as make and the like take it from the environment. */
function compiler(): string[] {
  return (process.env.CXX || 'g++').trim().split(/\s+/);
}

/** The closest folder above the target that is there, where it may not be written; undefined where it may. */
export function closedFolder(): string | undefined {
  let folder = dirname(target);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return folder;
  }
}

/** What is missing for compiling. */
export async function missingTools(): Promise<Tool[]> {
  const works = async (command: string, ...args: readonly string[]) =>
    run(command, args).then(
      () => true,
      () => false,
    );
  const [cxx = '', ...flags] = compiler();
  const compiles = await works(cxx, ...flags, '-std=c++20', '-fsyntax-only', '-x', 'c++', '/dev/null');
  const asks = await works('pkg-config', '--version');
  const found = asks && (await works('pkg-config', '--exists', 'libguestfs >= 1.40'));
  return [
    ...(compiles ? [] : (['compiler'] as const)),
    ...(asks ? [] : (['pkg-config'] as const)),
    ...(found ? [] : (['headers'] as const)),
  ];
}

/** @throws Error where the compiler has failed, which has said why on stderr; AbortError when `signal` is aborted */
export async function compile(signal: AbortSignal): Promise<void> {
  const flags = await pkgConfig('--cflags');
  const libraries = await pkgConfig('--libs');
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), 'compiling-'));
  try {
    const objects = await compileAll(folder, flags, signal);
    const addon = join(folder, basename(target));
    await compilerRuns([...linkFlags, '-o', addon, ...objects, ...libraries], signal);
    renameSync(addon, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const compileFlags = [
  ...['-std=c++20', '-O2', '-fPIC', '-fvisibility=hidden', '-pthread'],
  ...definitions.map((each) => `-D${each}`),
  `-I${join(root, 'src-native')}`,
  ...headers.flatMap((folder) => ['-isystem', join(root, folder)]),
];

const linkFlags = ['-shared', '-pthread', '-Wl,--no-as-needed', '-Wl,-z,nodelete', '-Wl,--strip-all'];

/** Compiles one file for each processor at a time; the first failure ends the others. */
async function compileAll(folder: string, flags: readonly string[], signal: AbortSignal): Promise<string[]> {
  const files = sources.flatMap((source) =>
    readdirSync(join(root, source))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(root, source, name)),
  );
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const waiting = files.map((file, index) => ({ file, object: join(folder, `${index}.o`) }));
  const objects = waiting.map(({ object }) => object);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      await compilerRuns([...compileFlags, ...flags, '-c', next.file, '-o', next.object], either);
  };
  const workers = Array.from({ length: availableParallelism() }, () =>
    worker().catch((error) => {
      failed.abort();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  const failure = ended.find((each) => each.status === 'rejected');
  if (failure) throw failure.reason;
  return objects;
}

async function compilerRuns(args: readonly string[], signal: AbortSignal): Promise<void> {
  const [command = '', ...first] = compiler();
  const own = (process.env.CXXFLAGS ?? '').split(/\s+/).filter(Boolean);
  const child = spawn(command, [...first, ...own, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    signal,
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

async function pkgConfig(what: string): Promise<string[]> {
  const { stdout } = await run('pkg-config', [what, 'libguestfs']);
  return stdout.split(/\s+/).filter(Boolean);
}
