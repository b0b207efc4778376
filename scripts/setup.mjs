// Makes this clone ready, on a machine that has nothing but Node: system packages, npm packages, the addon and
// the compiled TypeScript. What is there already is left alone. `npm run setup` runs it for contributors.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { logged, main, npm, root, StepError, step } from './steps.mjs';
import { readableKernel, systemPackages } from './system.mjs';

/** `extras`: what else the caller needs, of 'test', 'guests', 'fleet', 'bench', 'conformance', 'sanitizers' and 'cmake'. */
export async function setup(...extras) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 4)) {
    throw new StepError(`Node.js 20.4 or newer is needed, and this is ${process.version}.`);
  }
  await step('system packages', systemPackages(extras.filter((extra) => extra !== 'cmake')));
  await step('kernel', readableKernel());
  await step('npm packages', npmPackages());
  await step('native addon', nativeAddon('build'));
  if (extras.includes('cmake')) await step('native addon by CMake', nativeAddon('build-cmake', '--cmake'));
  await step('TypeScript', typeScript());
  if (extras.includes('fleet')) await step('@guestfs/fleet', fleet());
}

function npmPackages() {
  const ci = [...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];
  return making('node_modules', ['package-lock.json'], 'npm ci', ci);
}

export const nativeSources = [
  'src-native',
  'binding.gyp',
  'CMakeLists.txt',
  'scripts/native.mjs',
  'node_modules/.stamp',
];

function nativeAddon(folder, ...options) {
  const command = [process.execPath, 'scripts/native.mjs', ...options];
  return making(folder, nativeSources, 'compiling', command, loads(folder));
}

function typeScript() {
  const sources = ['lib', 'tsconfig.json', 'scripts/esm-wrapper.mjs', 'node_modules/.stamp'];
  return making('dist', sources, 'compiling', [...npm, 'run', '--silent', 'build:ts']);
}

function fleet() {
  const sources = [
    'packages/fleet/src',
    'packages/fleet/tsconfig.build.json',
    'scripts/fleet.mjs',
    'dist/.stamp',
  ];
  return making('packages/fleet/dist', sources, 'compiling', [...npm, 'run', '--silent', 'build:fleet']);
}

/** The step that builds the addon for a checker: 'address', 'undefined', 'thread', 'valgrind', or 'coverage'. */
export function checkedAddon(checker) {
  const folder = `build-${checker}`;
  const built = existsSync(path.join(root, folder, 'RelWithDebInfo/guestfs.node'));
  const command = [process.execPath, 'scripts/native.mjs', `--for=${checker}`];
  return making(folder, [...nativeSources, 'test/stress/canary.cc'], 'compiling', command, built);
}

/** A plan that makes `folder` of `sources`, and nothing while what is there works and is stamped with their hash. */
export function making(folder, sources, doing, command, works = true) {
  const stamp = path.join(root, folder, '.stamp');
  const hash = contentHash(sources);
  if (works && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return {};
  return {
    doing,
    async work() {
      await logged(command);
      writeFileSync(stamp, hash);
    },
  };
}

function contentHash(sources) {
  const hash = createHash('sha256').update(process.arch);
  const visit = (file) => {
    const full = path.join(root, file);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) visit(path.join(file, name));
    } else {
      hash.update(`\0${file}\0`).update(readFileSync(full));
    }
  };
  sources.forEach(visit);
  return hash.digest('hex');
}

/** Whether a build's binary loads, tried in a process of its own. */
function loads(folder) {
  const file = path.join(root, folder, 'Release/guestfs.node');
  const script = `process.dlopen({ exports: {} }, ${JSON.stringify(file)})`;
  return existsSync(file) && spawnSync(process.execPath, ['-e', script], { stdio: 'ignore' }).status === 0;
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(() => setup('test'));
