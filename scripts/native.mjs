// Builds the addon: `native.mjs` with node-gyp, `--cmake` with cmake-js, `--prebuilt` as the package carries it;
// `--if-needed` only when none loads yet; `--for=address|undefined|thread|valgrind|coverage` with cmake-js for that checker.
// All but the first build in folders of their own.
// It runs on users' machines when they install the package, so it needs nothing but Node.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const env = process.env;
const checker = process.argv.find((arg) => arg.startsWith('--for='))?.slice('--for='.length);
const cmake = checker !== undefined || process.argv.includes('--cmake');
const prebuilt = process.argv.includes('--prebuilt');
const folder = path.join(root, cmake ? `build-${checker ?? 'cmake'}` : prebuilt ? 'build-prebuilt' : 'build');

if (process.argv.includes('--if-needed')) {
  const problem = await whyNoneLoads();
  if (problem === undefined) process.exit(0);
  console.error(`guestfs: ${problem} Compiling the addon.`);
  // What a compiler that we have not met warns about must not stop anybody's installation.
  env.CXXFLAGS = `${env.CXXFLAGS ?? ''} -Wno-error`;
}

const missing = missingTools();
if (missing.length > 0) {
  console.error(await explain(missing));
  process.exit(1);
}
rmSync(path.join(folder, '.stamp'), { force: true });
process.exit(cmake ? buildWithCmakeJs() : prebuilt ? buildToCarry() : buildWithNodeGyp());

/** What keeps the addon from loading, tried where a crash does no harm; undefined when it loads or soon will. */
async function whyNoneLoads() {
  const load = `try { require('node-gyp-build')(${JSON.stringify(root)}) }
    catch (error) { console.log(error.message); process.exitCode = 1 }`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', load], { cwd: root, encoding: 'utf8' });
  if (status === 0) return undefined;
  const explanations = await ifCompiled('native/not-loaded.js');
  if (!explanations) return 'Nothing has been compiled yet.';
  const { isLibraryMissing, libraryIsMissing, whyNoneFits } = explanations;
  const error = new Error(stdout);
  if (!isLibraryMissing(error)) return whyNoneFits(error);
  // Whoever installs the library later has all that is needed.
  console.error(['guestfs is installed, but cannot be used yet.', ...libraryIsMissing()].join('\n'));
  return undefined;
}

function missingTools() {
  const compiler = (env.CXX || 'g++').split(' ');
  const tools = [];
  if (!succeeds(...compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '/dev/null']))
    tools.push('compiler');
  if (!succeeds('make', ['--version'])) tools.push('make');
  if (cmake && !succeeds('cmake', ['--version'])) tools.push('cmake');
  if (!cmake && !succeeds(env.PYTHON || 'python3', ['--version'])) tools.push('python');
  if (!succeeds('pkg-config', ['--version'])) tools.push('pkg-config', 'headers');
  else if (!succeeds('pkg-config', ['--exists', 'libguestfs >= 1.40']) || !hasHeader()) tools.push('headers');
  return tools;

  function hasHeader() {
    const preprocess = `echo '#include <guestfs.h>' | "$@" $(pkg-config --cflags libguestfs) -E -x c++ -`;
    return tools.includes('compiler') || succeeds('sh', ['-c', preprocess, 'sh'], compiler);
  }
}

async function explain(tools) {
  const names = {
    compiler: 'a C++20 compiler (g++ 10 or newer)',
    python: 'python3',
    headers: 'libguestfs 1.40 or newer and its header',
  };
  const list = tools.map((tool) => names[tool] ?? tool).join(', ');
  const distribution = cmake ? undefined : await ifCompiled('faults/packages.js');
  const lines = distribution?.installation(tools) ?? ['npm run setup'];
  return [
    `guestfs: the native addon cannot be compiled without ${list}.`,
    'Install what is missing and try again:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

/** A module of the package. A fresh clone has none yet, but a script that installs what is missing. */
async function ifCompiled(file) {
  return existsSync(path.join(root, 'dist', file)) ? import(`../dist/${file}`) : undefined;
}

function buildWithNodeGyp(where = root) {
  const nodeGyp = findNodeGyp();
  if (!nodeGyp) {
    console.error('guestfs: node-gyp is missing. Install it and try again: npm install --global node-gyp');
    return 1;
  }
  // With the headers beside the running node nothing has to be downloaded.
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const nodedir = existsSync(path.join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const options = [`--directory=${where}`, '--jobs=max', '--loglevel=warn', ...nodedir];
  return run(...nodeGyp, ['configure', 'build', ...options]);
}

/** node-gyp builds in `build`, where the binary for this machine is: so it gets another place to do it. */
function buildToCarry() {
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(root, 'binding.gyp'), path.join(folder, 'binding.gyp'));
  rmSync(path.join(folder, 'src-native'), { force: true });
  symlinkSync('../src-native', path.join(folder, 'src-native'));
  env.GYP_DEFINES = 'guestfs_prebuilt=1';
  // The same order of the sources everywhere.
  env.LC_ALL = 'C';
  const status = buildWithNodeGyp(folder);
  if (status === 0) cpSync(path.join(folder, 'build/Release/guestfs.node'), prebuiltFile());
  return status;
}

/** As node-gyp-build looks for it. */
function prebuiltFile() {
  return path.join(root, `prebuilds/linux-${process.arch}/guestfs.glibc.node`);
}

/** Ours in a clone, npm's own on a user's machine. */
function findNodeGyp() {
  const besideNode = '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js';
  const scripts = [
    () => require.resolve('node-gyp/bin/node-gyp.js'),
    () => env.npm_config_node_gyp,
    () => path.resolve(path.dirname(process.execPath), besideNode),
  ];
  for (const locate of scripts) {
    try {
      const script = locate();
      if (script && existsSync(script)) return [process.execPath, script];
    } catch {
      // Not installed there.
    }
  }
  return succeeds('node-gyp', ['--version']) ? ['node-gyp'] : undefined;
}

function buildWithCmakeJs() {
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
  const options = [`--out=${folder}`, '--log-level=warn', `--parallel=${availableParallelism()}`];
  if (checker) options.push('--config=RelWithDebInfo');
  if (checker === 'coverage') options.push('--CDGUESTFS_COVERAGE=ON');
  else if (checker) options.push('--CDGUESTFS_CANARY=ON');
  if (['address', 'undefined', 'thread'].includes(checker)) options.push(`--CDGUESTFS_SANITIZE=${checker}`);
  // Configuring is cheap and notices new source files; `build` alone would not.
  return (
    run(process.execPath, cmakeJs, ['configure', ...options]) ||
    run(process.execPath, cmakeJs, ['build', ...options])
  );
}

function succeeds(command, ...rest) {
  return spawnSync(command, rest.flat(), { cwd: root, stdio: 'ignore' }).status === 0;
}

function run(command, ...rest) {
  return spawnSync(command, rest.flat(), { cwd: root, stdio: 'inherit' }).status ?? 1;
}
