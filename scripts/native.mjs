// Builds the addon of a clone: `native.mjs` with node-gyp, `--cmake` with cmake-js, `--prebuilt` as the package carries it;
// `--for=address|undefined|thread|valgrind|coverage` with cmake-js for that checker.
// All but the first build in folders of their own.
// Where the package is used, `guestfs build` compiles it (lib/cli/compile.ts).

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

const missing = missingTools();
if (missing.length > 0) {
  console.error(explain(missing));
  process.exit(1);
}
rmSync(path.join(folder, '.stamp'), { force: true });
process.exit(cmake ? buildWithCmakeJs() : prebuilt ? buildToCarry() : buildWithNodeGyp());

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

function explain(tools) {
  const names = {
    compiler: 'a C++20 compiler (g++ 10 or newer)',
    python: 'python3',
    headers: 'libguestfs 1.40 or newer and its header',
  };
  const list = tools.map((tool) => names[tool] ?? tool).join(', ');
  return `The native addon cannot be compiled without ${list}. Install it and try again: npm run setup`;
}

function buildWithNodeGyp(where = root) {
  // With the headers beside the running node nothing has to be downloaded.
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const nodedir = existsSync(path.join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const options = [`--directory=${where}`, '--jobs=max', '--loglevel=warn', ...nodedir];
  return run(process.execPath, require.resolve('node-gyp/bin/node-gyp.js'), [
    'configure',
    'build',
    ...options,
  ]);
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

/** Where lib/native/load.ts looks for it. */
function prebuiltFile() {
  return path.join(root, `prebuilds/linux-${process.arch}/guestfs.glibc.node`);
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
