// `npm run test:package`: packs the package, installs it as users do, and uses it with every Node, package manager and kind
// of program; in bundles, executables and under restrictions (package-places.mjs); and `guestfs build`, where a prebuilt
// addon fits and where none does. It needs the npm registry, and one real appliance. The last line has the totals.
// `--more`: other package managers, bundlers and frameworks instead, which takes minutes. With a file it tries that package:
// `npm run test:package -- guestfs-1.0.0.tgz`.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { everydayPlaces, morePlaces } from './package-places.mjs';
import { inParallel } from './parallel.mjs';
import { logged, main, npm, root, step } from './steps.mjs';

const args = process.argv.slice(2);
const isMore = args.includes('--more');
const fixtures = path.join(root, 'test/package');
const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-package-tests-'));
const tarball = path.join(folder, 'guestfs.tgz');
const tools = toolsFolder();
const tool = (file) => path.join(tools, 'node_modules', file);

const node = (version) => tool(`node-${version}-${process.arch}/bin/node`);
const runtimes = {
  'Node 20': [node(20)],
  'Node 22': [node(22)],
  'Node 24': [node(24)],
  'Node 26': [node(26)],
  Bun: [tool(`bun-${process.arch}/bin/bun`)],
  Deno: [tool(`deno-${process.arch}/deno`), 'run', '--allow-all'],
};

const managers = {
  npm: [tool('npm/bin/npm-cli.js'), 'install', '--no-audit', '--no-fund'],
  pnpm: [tool('pnpm/bin/pnpm.mjs'), 'install', '--no-frozen-lockfile'],
  // It would take an earlier package of the same version from a cache that other runs have filled.
  'yarn 1': [tool('yarn-1/bin/yarn.js'), 'install', '--no-lockfile', '--cache-folder=cache'],
  'yarn 4': [tool('yarn-4/bin/yarn.js'), 'install', '--no-immutable'],
};

/** Each is a folder of test/package. */
const programs = ['esm', 'commonjs', 'typescript'];

const env = { ...withoutNpm(process.env), ...yarnSettings() };
const prebuilt = `guestfs/prebuilds/linux-${process.arch}/guestfs.glibc.node`;
const totals = { passed: 0, failed: 0 };

await main(async () => {
  try {
    await step('package', { doing: 'making it', work: pack });
    await step('Nodes and package managers', { doing: 'installing', work: installTools });
    if (isMore) await everythingElse();
    else {
      await everyCombination();
      await inParallel([guestfsBuild, launch, places]);
    }
  } catch (error) {
    totals.failed += 1;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    console.log(`\n${totals.passed} passed, ${totals.failed} failed, 0 skipped`);
  }
  return totals.failed > 0 ? 1 : 0;
});

async function pack() {
  const given = args.find((arg) => !arg.startsWith('--'));
  if (given) return cpSync(given, tarball);
  await logged([...npm, 'pack', '--pack-destination', folder]);
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  renameSync(path.join(folder, file), tarball);
}

async function installTools() {
  if (existsSync(path.join(tools, 'node_modules/.package-lock.json'))) return;
  mkdirSync(tools, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    cpSync(path.join(fixtures, 'tools', file), path.join(tools, file));
  await logged([...npm, 'ci', '--prefix', tools, '--ignore-scripts', '--no-audit', '--no-fund']);
}

async function everyCombination() {
  const table = {};
  const tasks = Object.keys(managers).flatMap((manager) =>
    programs.map((program) => {
      const row = {};
      table[`${manager}, ${program}`] = row;
      return () => combination(manager, program, row);
    }),
  );
  await inParallel(tasks);
  console.table(table);
}

async function combination(manager, program, row) {
  const cwd = project(manager, program);
  const installed = await test(`${manager} installs ${program}`, async () => {
    makeProject(cwd, program);
    await run([node(24), ...managers[manager]], cwd);
    if (program === 'typescript') await run([node(24), 'node_modules/typescript/bin/tsc'], cwd);
  });
  for (const [name, command] of Object.entries(runtimes)) {
    const ok =
      installed && (await test(`${manager}, ${program}, ${name}`, () => use(command, cwd, prebuilt)));
    row[name] = ok ? 'ok' : 'FAILED';
  }
}

function launch() {
  return test('a launch', () => run([node(26), 'launch.js'], project('npm', 'esm')));
}

async function places() {
  const cwd = path.join(folder, 'places/project');
  const installed = await test('npm installs the places', async () => {
    cpSync(path.join(fixtures, 'places'), cwd, { recursive: true });
    writeFileSync(path.join(cwd, 'package.json'), JSON.stringify({ private: true }));
    await run([node(24), ...managers.npm, tarball], cwd);
  });
  if (installed) await everydayPlaces({ test, run, fails, says, tool, node, cwd });
}

/** What takes minutes: bundlers and frameworks, and the package managers that many still have. */
async function everythingElse() {
  const cwd = path.join(folder, 'more/project');
  const installed = await test('npm installs more', async () => {
    cpSync(path.join(fixtures, 'places'), cwd, { recursive: true });
    cpSync(path.join(fixtures, 'more'), cwd, { recursive: true });
    // Not `ci`: pnpm 12 names packages for other systems that are not to be had, which no lock file can tell.
    await run([node(24), ...managers.npm, '--ignore-scripts'], cwd);
    await run([node(24), ...managers.npm, '--no-save', tarball], cwd);
  });
  if (!installed) return;
  await moreManagers((file) => path.join(cwd, 'node_modules', file));
  await morePlaces({ test, run, fails, says, node, start, cwd });
}

async function moreManagers(file) {
  const more = {
    'npm 10': [file('npm-10/bin/npm-cli.js'), ...managers.npm.slice(1)],
    'npm 11': [file('npm-11/bin/npm-cli.js'), ...managers.npm.slice(1)],
    'pnpm 9': [file('pnpm-9/bin/pnpm.cjs'), ...managers.pnpm.slice(1)],
    'pnpm 10': [file('pnpm-10/bin/pnpm.cjs'), ...managers.pnpm.slice(1)],
    'pnpm 12': [file('pnpm-12/bin/pnpm.mjs'), ...managers.pnpm.slice(1)],
  };
  for (const [name, command] of Object.entries(more)) {
    await test(`${name} installs and uses`, async () => {
      const cwd = project(name, 'esm');
      makeProject(cwd, 'esm');
      await run([node(24), ...command], cwd);
      await use([node(24)], cwd, prebuilt);
    });
  }
  await test('yarn 4 installs and uses by Plug and Play', async () => {
    const cwd = project('pnp', 'commonjs');
    makeProject(cwd, 'commonjs');
    const settings = { YARN_NODE_LINKER: 'pnp' };
    await run([node(24), ...managers['yarn 4']], cwd, settings);
    await run([node(24), tool('yarn-4/bin/yarn.js'), 'node', 'main.js'], cwd, settings);
    says(
      await run([node(24), tool('yarn-4/bin/yarn.js'), 'guestfs', 'build'], cwd, settings),
      /The addon loads/,
    );
  });
  // Deno installs no tarballs.
  await test('Bun installs and uses', async () => {
    const cwd = project('bun', 'esm');
    makeProject(cwd, 'esm');
    rmSync(path.join(cwd, 'yarn.lock'));
    await run([...runtimes.Bun, 'install'], cwd);
    await use(runtimes.Bun, cwd, prebuilt);
  });
}

/** What `guestfs build` does, in copies of an installed package. */
async function guestfsBuild() {
  const noCompiler = { PATH: path.dirname(node(24)) };
  const build = [node(24), 'node_modules/guestfs/dist/cli/main.js', 'build'];
  const inCopy = (name, body) => test(`guestfs build: ${name}`, () => body(copyOf(name)));

  await inCopy('leaves alone what fits', async (cwd) => {
    says(await run(build, cwd, noCompiler), /^The addon loads: nothing has to be compiled\.$/m);
    await use([node(24)], cwd, prebuilt);
  });
  await inCopy('wants libguestfs installed, and nothing compiled', async (cwd) => {
    hideLibrary(path.join(cwd, 'node_modules', prebuilt));
    says(await fails(build, cwd), /is missing\. Install it:\n.*libguestfs/s);
    says(await fails([node(24), 'main.js'], cwd), /ERR_GUESTFS_NOT_LOADED/);
  });
  await inCopy('says what compiling needs', async (cwd) => {
    rmSync(path.join(cwd, 'node_modules', prebuilt));
    says(await fails(build, cwd, noCompiler), /is not all there\. Install it:\n.*(g\+\+|gcc).* libguestfs/s);
    says(
      await fails([node(24), 'main.js'], cwd),
      /Tried:.*nothing has been compiled.*npx guestfs build.*ERR_GUESTFS_NOT_LOADED/s,
    );
  });
  await inCopy('compiles where nothing fits', async (cwd) => {
    rmSync(path.join(cwd, 'node_modules', prebuilt));
    says(await run(build, cwd), /^The addon has been compiled, and loads\.$/m);
    await use([node(24)], cwd, 'guestfs/build/Release/guestfs.node');
  });
}

function project(manager, program) {
  return path.join(folder, manager.replace(' ', '-'), program);
}

function makeProject(cwd, program) {
  cpSync(path.join(fixtures, program), cwd, { recursive: true });
  cpSync(path.join(fixtures, 'exercise.cjs'), path.join(cwd, 'exercise.cjs'));
  const manifest = path.join(cwd, 'package.json');
  const content = JSON.parse(readFileSync(manifest, 'utf8'));
  writeFileSync(manifest, JSON.stringify({ ...content, dependencies: { guestfs: `file:${tarball}` } }));
  // So that it looks for no workspace above.
  writeFileSync(path.join(cwd, 'yarn.lock'), '');
}

function copyOf(name) {
  const cwd = path.join(folder, name.replaceAll(/\W/g, '-'));
  cpSync(project('npm', 'esm'), cwd, { recursive: true });
  return cwd;
}

/** Runs a program, which must have loaded the addon that we mean. */
async function use(command, cwd, addon) {
  says(await run([...command, 'main.js'], cwd), new RegExp(`^loaded .*/node_modules/${addon}$`, 'm'));
}

/** The machine has the library, so this addon gets to need another one. */
function hideLibrary(file) {
  const content = readFileSync(file);
  const at = content.indexOf('libguestfs.so.0');
  content.write('libguestfs.so.9', at);
  writeFileSync(file, content);
}

function says(output, pattern) {
  if (!pattern.test(output)) throw new Error(`the output is not like ${pattern}:\n${output}`);
}

async function test(name, body) {
  try {
    await body();
    totals.passed += 1;
    return true;
  } catch (error) {
    totals.failed += 1;
    console.error(`\nFAILED: ${name}\n${error.message}\n`);
    return false;
  }
}

async function run(command, cwd, extraEnv) {
  const { code, output } = await outcome(command, cwd, extraEnv);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

async function fails(command, cwd, extraEnv) {
  const { code, output } = await outcome(command, cwd, extraEnv);
  if (code === 0) throw new Error(`${command.join(' ')} did not fail:\n${output}`);
  return output;
}

function start([command, ...args], cwd, extraEnv) {
  return spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...extraEnv },
    timeout: 600_000,
  });
}

function outcome(command, cwd, extraEnv) {
  return new Promise((resolve, reject) => {
    const child = start(command, cwd, extraEnv);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Kept from run to run: they are large. */
function toolsFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  const lock = readFileSync(path.join(fixtures, 'tools/package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex').slice(0, 20);
  return path.join(cache, 'guestfs-node/package-tools', hash);
}

/** The environment without what the npm that runs us has put there, but for the registry. */
function withoutNpm(environment) {
  const { GUESTFS_NODE_ADDON, ...rest } = environment;
  const isNpms = (name) => /^npm_/i.test(name) && name.toLowerCase() !== 'npm_config_registry';
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !isNpms(name)));
}

/** Yarn 4 reads no .npmrc. */
function yarnSettings() {
  const { npm_config_registry: registry, NODE_EXTRA_CA_CERTS: certificates } = process.env;
  return {
    YARN_NODE_LINKER: 'node-modules',
    YARN_ENABLE_TELEMETRY: 'false',
    ...(registry ? { YARN_NPM_REGISTRY_SERVER: registry } : {}),
    ...(certificates ? { YARN_HTTPS_CA_FILE_PATH: certificates } : {}),
  };
}
