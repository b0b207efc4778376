// Runs clang-tidy, by the checks of .clang-tidy, over src-native/: `tidy.mjs [FILE…]`. A file that was found clean is looked
// at again only when it, a header, the checks or clang-tidy have changed.

import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from './steps.mjs';

const require = createRequire(import.meta.url);
const run = promisify(execFile);
const sources = path.join(root, 'src-native');
const cache = path.join(root, 'node_modules/.cache/clang-tidy');

const flags = compilerFlags();
const common = digest(
  ...[
    execFileSync('clang-tidy', ['--version']),
    readFileSync(path.join(root, '.clang-tidy')),
    flags.join(' '),
  ],
  ...headers().map((file) => readFileSync(file)),
);
const given = process.argv.slice(2);
const files = given.length > 0 ? given : list('.cc').map((file) => path.relative(root, file));
const queue = files.filter((file) => !existsSync(markOf(file)));

mkdirSync(cache, { recursive: true });
await Promise.all(Array.from({ length: availableParallelism() }, work));

async function work() {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const mark = markOf(file);
    try {
      await run('clang-tidy', ['--quiet', file, '--', ...flags], { cwd: root });
      writeFileSync(mark, '');
    } catch (error) {
      console.error(error.stdout || error.stderr || error.message);
      process.exitCode = 1;
    }
  }
}

/** The file that says that this one was clean. */
function markOf(file) {
  return path.join(cache, digest(common, file, readFileSync(path.join(root, file))));
}

/** Those of binding.gyp; other people's headers are system headers, which are not looked at. */
function compilerFlags() {
  const { include_dir: node } = require('node-api-headers');
  const napi = path.dirname(require.resolve('node-addon-api'));
  const guestfs = execFileSync('pkg-config', ['--cflags', 'libguestfs'], { encoding: 'utf8' }).trim();
  return [
    ...['-std=c++20', '-fexceptions', '-Wall', '-Wextra', '-Isrc-native', '-isystem', node, '-isystem', napi],
    ...['NAPI_VERSION=9', 'NODE_ADDON_API_CPP_EXCEPTIONS', 'NODE_ADDON_API_CPP_EXCEPTIONS_ALL'].map(
      (name) => `-D${name}`,
    ),
    ...(guestfs === '' ? [] : guestfs.split(/\s+/)),
  ];
}

function headers() {
  return [...list('.h'), ...list('.h', 'generated')];
}

function list(extension, folder = '') {
  const names = readdirSync(path.join(sources, folder)).filter((name) => name.endsWith(extension));
  return names.sort().map((name) => path.join(sources, folder, name));
}

function digest(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
