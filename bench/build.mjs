// What people wait for before their program does anything: the addon's compilation and size, the package's import, and
// the editor's list behind `g.`. It works on copies: the checkout's own builds stay as they are.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { makeConsumer, packageFolder, typescript } from '../scripts/consumer.mjs';
import { root } from '../scripts/steps.mjs';
import { LanguageServer, TsServer } from './support/language-servers.mjs';

const importsMeasured = 21;
const completionsMeasured = 11;

/** On a busy machine the processor time tells more than the time on the clock. */
const rows = {};
const show = (name, measured, processor = '', target = '') => {
  const [value, used] = [measured, processor].map((each) => each && Number(each.toPrecision(3)));
  rows[name] = { measured: value, 'processor time': used, target };
};

const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-bench-'));
try {
  const { addon, seconds, processorSeconds } = buildAddon();
  show('native build from nothing (s)', seconds, processorSeconds, 90);
  show('stripped addon (MB)', strippedSize(addon) / 1e6, undefined, 3);
  const { esm, commonjs } = importTimes();
  show("import 'guestfs' (ms)", esm.milliseconds, esm.processor, 60);
  show("require('guestfs') (ms)", commonjs.milliseconds, commonjs.processor, 60);
  const tsserver = path.join(packageFolder('typescript-5.9'), 'lib/tsserver.js');
  const servers = {
    'TypeScript 5.9': (cwd) => new TsServer(tsserver, cwd),
    'TypeScript 7': (cwd) => new LanguageServer(typescript[7], cwd),
  };
  for (const [name, start] of Object.entries(servers)) {
    const { first, later } = await completionTimes(start);
    show(`g. in ${name}, editor just started (ms)`, first);
    show(`g. in ${name}, after an edit (ms)`, later);
  }
  console.table(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Compiles a copy of the sources as an installation does. */
function buildAddon() {
  const copy = path.join(folder, 'package');
  for (const each of ['package.json', 'binding.gyp', 'src-native', 'scripts']) {
    cpSync(path.join(root, each), path.join(copy, each), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const start = performance.now();
  const before = childrensProcessorSeconds();
  execFileSync(process.execPath, ['scripts/native.mjs'], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'inherit'],
    // A cache of compilations would be no clean build.
    env: { ...process.env, CCACHE_DISABLE: '1' },
  });
  return {
    addon: path.join(copy, 'build/Release/guestfs.node'),
    seconds: (performance.now() - start) / 1000,
    processorSeconds: childrensProcessorSeconds() - before,
  };
}

/** What this process's ended children have used, `cutime` and `cstime` of proc(5): other programs do not count. */
function childrensProcessorSeconds() {
  const [, fields] = readFileSync('/proc/self/stat', 'utf8').split(/\) /);
  const [user, system] = fields.split(' ').slice(13, 15).map(Number);
  const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
  return (user + system) / ticks;
}

/** The linker strips already; this proves it. */
function strippedSize(addon) {
  const stripped = path.join(folder, 'stripped.node');
  execFileSync('strip', ['--strip-all', '-o', stripped, addon]);
  return Math.min(statSync(stripped).size, statSync(addon).size);
}

/** What importing adds to a process: medians, less those of a process that imports nothing. */
function importTimes() {
  const programs = {
    'nothing.mjs': '',
    'esm.mjs': "import 'guestfs';",
    'nothing.cjs': '',
    'commonjs.cjs': "require('guestfs');",
  };
  const consumer = path.join(folder, 'imports');
  mkdirSync(path.join(consumer, 'node_modules'), { recursive: true });
  symlinkSync(root, path.join(consumer, 'node_modules/guestfs'));
  const runs = {};
  for (const [file, text] of Object.entries(programs)) {
    runs[file] = [];
    writeFileSync(path.join(consumer, file), `${text}\nconsole.log(JSON.stringify(process.cpuUsage()));\n`);
  }
  // By turns, so that what else the machine does hits all alike.
  for (let i = 0; i < importsMeasured; i++) {
    for (const file of Object.keys(programs)) {
      const start = performance.now();
      const output = execFileSync(process.execPath, [file], { cwd: consumer });
      const milliseconds = performance.now() - start;
      const { user, system } = JSON.parse(output);
      runs[file].push({ milliseconds, processor: (user + system) / 1000 });
    }
  }
  const typical = (file, key) => median(runs[file].map((each) => each[key]));
  const added = (file, nothing) => ({
    milliseconds: typical(file, 'milliseconds') - typical(nothing, 'milliseconds'),
    processor: typical(file, 'processor') - typical(nothing, 'processor'),
  });
  return { esm: added('esm.mjs', 'nothing.mjs'), commonjs: added('commonjs.cjs', 'nothing.cjs') };
}

/** How long the list of the handle's members takes: at first, with the program to be read, and after each edit. */
async function completionTimes(start) {
  const consumer = mkdtempSync(path.join(folder, 'editor-'));
  const file = path.join(consumer, 'program.ts');
  const lines = ["import { Guestfs } from 'guestfs';", 'const g = new Guestfs();', 'g.', ''];
  makeConsumer(consumer, { compilerOptions: { module: 'node16' }, files: ['program.ts'] });
  writeFileSync(file, lines.join('\n'));
  const begin = performance.now();
  const server = start(consumer);
  try {
    await server.open(file, lines.join('\n'));
    await complete();
    const first = performance.now() - begin;
    const later = [];
    for (let i = 0; i < completionsMeasured; i++) {
      await server.append(`// ${i}\n`, lines.length - 1);
      const before = performance.now();
      await complete();
      later.push(performance.now() - before);
    }
    return { first, later: median(later) };
  } finally {
    server.stop();
  }

  async function complete() {
    const names = await server.complete(2, 2);
    if (!names.includes('mountRo') || names.length < 600)
      throw new Error(`not our methods: ${names.slice(0, 9)}`);
  }
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
