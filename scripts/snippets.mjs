// `node scripts/snippets.mjs [--run] [FILE…]`: compiles every snippet of our Markdown files, each as a module of a program
// that has installed the package. The names of test/snippets/ambient.d.ts may be used without being declared.
// --run: then runs those that have no comment before them like <!-- not run: it needs an image of Windows -->

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeConsumer, typescript } from './consumer.mjs';
import { documentNames, readDocument } from './markdown.mjs';
import { root } from './steps.mjs';

const languages = ['ts', 'js'];
/** Packages that snippets import beside ours. */
const companions = [
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-node',
  '@types/cli-progress',
  'cli-progress',
  'listr2',
];
const compilerOptions = {
  ...{ module: 'node16', lib: ['es2022', 'esnext.disposable'], noUncheckedIndexedAccess: true },
  ...{ allowJs: true, checkJs: true, skipLibCheck: true, noEmit: false, outDir: 'out' },
};

const args = process.argv.slice(2);
const run = args.includes('--run');
const given = args.filter((arg) => arg !== '--run').map((file) => path.resolve(file));

const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-snippets-'));
try {
  const files = given.length > 0 ? given : documentNames().map((name) => path.join(root, name));
  const snippets = files.flatMap(snippetsOf);
  process.exitCode = compile(snippets) || (run ? runSnippets(snippets.filter(({ mark }) => !mark)) : 0);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** `name` is that of its module, `place` is for people. */
function snippetsOf(file) {
  const document = path.relative(root, file);
  return readDocument(file)
    .fences.filter(({ language }) => languages.includes(language))
    .map((fence) => {
      const place = `${document}:${fence.line}`;
      if (fence.mark && !/^not run: \S/.test(fence.mark))
        throw new Error(`${place}: the comment before it should be like <!-- not run: why -->`);
      return { ...fence, place, document, name: `${document.replaceAll(/[^\w.-]/g, '-')}.${fence.line}` };
    });
}

function compile(snippets) {
  const files = snippets.map(({ name, language }) => `${name}.${language}`);
  makeConsumer(folder, { compilerOptions, files: ['ambient.d.ts', ...files] });
  for (const name of companions) link(name, path.join(folder, 'node_modules'));
  if (snippets.some(({ code }) => code.includes('@guestfs/fleet'))) declareFleet();
  cpSync(path.join(root, 'test/snippets/ambient.d.ts'), path.join(folder, 'ambient.d.ts'));
  for (const [i, { code, line }] of snippets.entries()) {
    // In the line in which it stands in the document, so that messages tell that one.
    writeFileSync(path.join(folder, files[i]), `${'\n'.repeat(line - 1)}${code}\nexport {};\n`);
  }
  const { status, stdout } = spawnSync(process.execPath, [typescript[7], '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const documents = new Map(snippets.map(({ name, document }) => [name, document]));
  const messages = stdout.replace(
    /^(.+)\.\w+\((\d+),\d+\)/gm,
    (all, name, line) => `${documents.get(name) ?? all}:${line}`,
  );
  process.stderr.write(messages);
  if (status === 0) console.log(`${snippets.length} snippets compiled`);
  return status;
}

/** The declarations of @guestfs/fleet, as they are made of its sources. */
function declareFleet() {
  const modules = path.join(folder, 'node_modules');
  const target = path.join(modules, '@guestfs/fleet');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', target];
  spawnSync(process.execPath, [typescript[7], '-p', path.join(root, 'packages/fleet'), ...options]);
  const types = './packages/fleet/src/index.d.ts';
  writeFileSync(path.join(target, 'package.json'), JSON.stringify({ name: '@guestfs/fleet', types }));
  for (const name of ['bullmq', 'bullmq-otel', 'zod']) link(name, modules);
}

function runSnippets(snippets) {
  const modules = path.join(folder, 'out/node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(root, path.join(modules, 'guestfs'));
  for (const name of companions) link(name, modules);
  writeFileSync(path.join(folder, 'out/package.json'), JSON.stringify({ type: 'module' }));
  cpSync(path.join(root, 'test/snippets/run.mjs'), path.join(folder, 'out/run.mjs'));
  const list = snippets.map(({ name, place }) => ({ place, module: `./${name}.js` }));
  writeFileSync(path.join(folder, 'out/snippets.json'), JSON.stringify(list));
  const { status } = spawnSync(process.execPath, ['run.mjs'], {
    cwd: path.join(folder, 'out'),
    stdio: 'inherit',
  });
  return status;
}

function link(name, modules) {
  mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
  symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
}
