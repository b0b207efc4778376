// Builds the addon: `native.mjs` with node-gyp, `--cmake` with cmake-js, `--if-needed` only when none loads yet;
// `--for=address|undefined|thread|valgrind` with cmake-js for that checker, in a folder of its own.
// It runs on users' machines when they install the package, so it needs nothing but Node.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const env = process.env;
const checker = process.argv.find((arg) => arg.startsWith('--for='))?.slice('--for='.length);
const cmake = checker !== undefined || process.argv.includes('--cmake');
const folder = path.join(root, cmake ? `build-${checker ?? 'cmake'}` : 'build');

if (process.argv.includes('--if-needed')) {
  if (loads()) process.exit(0);
  // What a compiler that we have not met warns about must not stop anybody's installation.
  env.CXXFLAGS = `${env.CXXFLAGS ?? ''} -Wno-error`;
}

const missing = missingTools();
if (missing.length > 0) {
  console.error(explain(missing));
  process.exit(1);
}
rmSync(path.join(folder, '.stamp'), { force: true });
process.exit(cmake ? buildWithCmakeJs() : buildWithNodeGyp());

/** Whether the addon that the package would load does load, tried where a crash does no harm. */
function loads() {
  return succeeds(process.execPath, ['-e', `require('node-gyp-build')(${JSON.stringify(root)})`]);
}

function missingTools() {
  const compiler = (env.CXX || 'g++').split(' ');
  const tools = [];
  if (!succeeds(...compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '/dev/null']))
    tools.push('compiler');
  if (!succeeds('make', ['--version'])) tools.push('make');
  if (cmake && !succeeds('cmake', ['--version'])) tools.push('cmake');
  if (!cmake && !succeeds(env.PYTHON || 'python3', ['--version'])) tools.push('python');
  if (!succeeds('pkg-config', ['--version'])) tools.push('pkg-config', 'libguestfs');
  else if (!succeeds('pkg-config', ['--exists', 'libguestfs >= 1.40']) || !hasHeader())
    tools.push('libguestfs');
  return tools;

  function hasHeader() {
    const preprocess = `echo '#include <guestfs.h>' | "$@" $(pkg-config --cflags libguestfs) -E -x c++ -`;
    return tools.includes('compiler') || succeeds('sh', ['-c', preprocess, 'sh'], compiler);
  }
}

function explain(tools) {
  const names = {
    compiler: 'a C++20 compiler (g++ 10 or newer)',
    make: 'make',
    cmake: 'cmake',
    python: 'python3',
    'pkg-config': 'pkg-config',
    libguestfs: 'libguestfs 1.40 or newer and its header',
  };
  const distributions = [
    ['Debian, Ubuntu', 'apt-get install', { compiler: 'g++', libguestfs: 'libguestfs-dev' }],
    [
      'Fedora, RHEL',
      'dnf install',
      { compiler: 'gcc-c++', 'pkg-config': 'pkgconf-pkg-config', libguestfs: 'libguestfs-devel' },
    ],
    ['Arch', 'pacman -S', { compiler: 'gcc', python: 'python', 'pkg-config': 'pkgconf' }],
    ['openSUSE', 'zypper install', { compiler: 'gcc-c++', libguestfs: 'libguestfs-devel' }],
    ['Alpine', 'apk add', { compiler: 'g++', libguestfs: 'libguestfs-dev' }],
  ];
  const lines = distributions.map(([name, install, packages]) => {
    const wanted = tools.map((tool) => packages[tool] ?? (tool === 'python' ? 'python3' : tool));
    return `  ${name.padEnd(16)}sudo ${install} ${wanted.join(' ')}`;
  });
  return [
    `guestfs: the native addon cannot be built without ${tools.map((tool) => names[tool]).join(', ')}.`,
    'Install what is missing and try again:',
    '',
    ...lines,
  ].join('\n');
}

function buildWithNodeGyp() {
  const nodeGyp = findNodeGyp();
  if (!nodeGyp) {
    console.error('guestfs: node-gyp is missing. Install it and try again: npm install --global node-gyp');
    return 1;
  }
  // With the headers beside the running node nothing has to be downloaded.
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const nodedir = existsSync(path.join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
  return run(...nodeGyp, ['configure', 'build', '--jobs=max', '--loglevel=warn', ...nodedir]);
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
  if (checker) options.push('--config=RelWithDebInfo', '--CDGUESTFS_CANARY=ON');
  if (checker && checker !== 'valgrind') options.push(`--CDGUESTFS_SANITIZE=${checker}`);
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
