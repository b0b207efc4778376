// `npm run test:types [-- VERSION…]`: compiles test/types as programs that have installed the package would be, with
// every TypeScript version that is still in use, and proves that mistakes in the declarations would be noticed.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeConsumer, typescript } from './consumer.mjs';
import { inParallel } from './parallel.mjs';
import { root } from './steps.mjs';

const everywhere = ['right.ts', 'wrong.ts', 'resources.ts'];

/** Kinds of programs. They differ in more than their modules, so that few compilations see many differences. */
const programs = {
  'ES modules': {
    type: 'module',
    options: { module: 'node16', lib: ['es2022'], exactOptionalPropertyTypes: true },
    files: everywhere,
    nodeTypes: () => '@types/node',
  },
  CommonJS: {
    type: 'commonjs',
    options: { module: 'node16', lib: ['es2022', 'esnext.disposable'] },
    files: [...everywhere, 'required.cts'],
    nodeTypes: () => 'types-node-24',
  },
  bundler: {
    type: 'module',
    options: { module: 'esnext', moduleResolution: 'bundler', lib: ['esnext', 'dom'], isolatedModules: true },
    files: everywhere,
    // The newest ones need TypeScript 5.6.
    nodeTypes: (version) => (version === '5.4' ? 'types-node-24' : 'types-node-26'),
  },
};

/** Mistakes that could creep into the declarations, by file: each must make the compilation fail. */
const mistakes = {
  'generated/methods.d.ts': [
    [/( statns\(.*)Statns/, '$1any'],
    [/( filesize\(.*)bigint/, '$1number'],
    [/( getAppend\(.*)string \| null/, '$1string'],
    [/( listFilesystems\(.*)Map<string, string>/, '$1object'],
    [/( command\(.*)readonly /, '$1'],
    [/( zfile\(.*path: )string/, '$1any'],
    [/( aclGetFile\(.*), options\?: CallOptions/, '$1'],
  ],
  'generated/structs.d.ts': [
    [/(snapPercent: number) \| null/, '$1'],
    [/(attrval: )Buffer/, '$1Uint8Array'],
  ],
  'options/types.d.ts': [
    [/(killOnAbort\?: boolean) \| undefined/, '$1'],
    [/(position: )bigint/, '$1any'],
  ],
  'calls/generated/events.d.ts': [[/(progress: ).*/, '$1any[];']],
  'calls/tracked-emitter.d.ts': [[/( on<.*event: )E/, '$1string']],
  'calls/private-data.d.ts': [[/( get<T>.*: T) \| undefined/, '$1']],
  'guestfs.d.ts': [[/readonly (private: )/, '$1']],
  'guests/report.d.ts': [[/(systemroot: string) \| null/, '$1']],
};

const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-types-'));
try {
  const versions = process.argv.slice(2);
  for (const version of versions)
    if (!(version in typescript)) throw new Error(`no TypeScript ${version} here`);
  const failures = await main(versions.length > 0 ? versions : Object.keys(typescript));
  for (const { name, output } of failures) console.error(`\n${name}\n${output}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(versions) {
  const tasks = [];
  const table = {};
  for (const version of versions.sort((a, b) => b - a)) {
    const row = Object.fromEntries(Object.keys(programs).map((name) => [name, '']));
    table[`TypeScript ${version}`] = row;
    for (const [name, program] of Object.entries(programs)) {
      tasks.push(async () => {
        const result = await compile(version, program);
        row[name] = result.ok ? 'ok' : 'FAILED';
        return result.ok ? undefined : { name: `TypeScript ${version}, ${name}`, output: result.output };
      });
    }
  }
  const [newest] = versions;
  const all = Object.entries(mistakes).flatMap(([file, list]) => list.map((mistake) => [file, ...mistake]));
  for (const mistake of all) {
    tasks.push(async () => {
      const { ok } = await compile(newest, programs['ES modules'], mistake);
      return ok ? { name: 'A mistake that no test notices', output: mistake.join(' → ') } : undefined;
    });
  }
  const failures = (await inParallel(tasks)).filter(Boolean);
  console.table(table);
  const missed = failures.filter(({ name }) => name.startsWith('A mistake')).length;
  console.log(`${all.length - missed} of ${all.length} mistakes in the declarations noticed`);
  return failures;
}

/** Compiles a program in a folder of its own, perhaps with a mistake in our declarations. */
async function compile(version, { type, options, files, nodeTypes }, mistake) {
  const program = mkdtempSync(path.join(folder, 'program-'));
  const compilerOptions = { noUncheckedIndexedAccess: true, ...options };
  const declarations = makeConsumer(program, { type, nodeTypes: nodeTypes(version), compilerOptions, files });
  for (const file of ['equal.ts', ...files])
    cpSync(path.join(root, 'test/types', file), path.join(program, file));
  if (mistake) makeMistake(declarations, mistake);
  return run(typescript[version], program);
}

function makeMistake(declarations, [file, right, wrong]) {
  const full = path.join(declarations, file);
  const text = readFileSync(full, 'utf8');
  if (!right.test(text)) throw new Error(`${file} has nothing like ${right}`);
  writeFileSync(full, text.replace(right, wrong));
}

function run(compiler, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiler, '--pretty', 'false'], { cwd });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
