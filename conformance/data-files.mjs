// Makes the files that tests of the API want, by the recipes of the data file, where libguestfs's tests expect them.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const run = promisify(execFile);

/** Why a file cannot be made. */
class Missing extends Error {}

/** The names of the files that a test wants: those that it names, on the host or on the test ISO. */
export function wantedFiles({ dataFiles, paths }, { dataPaths = [], sequence }) {
  const names = dataPaths.map((file) => path.basename(file));
  if (!names.includes(path.basename(paths.iso))) return names;
  const inGuest = sequence.flatMap(({ args }) => args.flat()).filter((arg) => /^\//.test(arg));
  const onIso = inGuest.map((file) => path.basename(file)).filter((name) => dataFiles[name]?.onIso);
  return [...names, ...onIso];
}

/** Makes what the tests want below a folder. Returns why files are missing, by their names. */
export async function makeDataFiles(data, tests, folder, source) {
  const { dataFiles, paths } = data;
  for (const dir of [paths.cwd, ...Object.values(dataFiles).map((spec) => spec.dir)]) {
    await mkdir(path.join(folder, dir), { recursive: true });
  }
  const files = new DataFiles(dataFiles, folder, source);
  for (const name of new Set(tests.flatMap((test) => wantedFiles(data, test)))) await files.make(name);
  // The handle has the test ISO as a drive, whoever reads it.
  const iso = path.join(folder, paths.cwd, paths.iso);
  await truncateNew(iso, 1 << 20);
  return files.missing;
}

class DataFiles {
  missing = new Map();
  #made = new Set();

  constructor(specs, folder, source) {
    this.specs = specs;
    this.folder = folder;
    this.source = source;
  }

  pathOf(name) {
    return path.join(this.folder, this.specs[name].dir, name);
  }

  async make(name) {
    if (this.#made.has(name)) return;
    this.#made.add(name);
    try {
      if (!Object.hasOwn(this.specs, name)) throw new Missing('the data file says nothing about it');
      await this.#make(this.pathOf(name), name, this.specs[name]);
    } catch (error) {
      this.missing.set(name, error instanceof Missing ? error.message : commandFailure(error));
    }
  }

  /** The path of another file that a recipe needs. */
  async need(name) {
    await this.make(name);
    if (this.missing.has(name)) throw new Missing(`it is made of ${name}: ${this.missing.get(name)}`);
    return this.pathOf(name);
  }

  async #make(file, name, spec) {
    if (spec.upstreamFile) {
      const problem = await this.source.copy(path.join(spec.dir, name), spec, file);
      if (problem) throw new Missing(problem);
    } else if (spec.staticProgram) await makeProgram(file, spec);
    else if (spec.mkisofsOptions) await this.#makeIso(file, spec);
    else {
      const kind = Object.keys(recipes).find((key) => key in spec.recipe);
      if (!kind) throw new Missing('its recipe is not known here');
      await recipes[kind](file, spec.recipe, (other) => this.need(other));
    }
  }

  /** With what can be had of its files; tests that want others are skipped. */
  async #makeIso(file, { mkisofsOptions, extraDir, extraSymlink }) {
    const tree = await mkdtemp(`${file}.`);
    for (const [name, { onIso }] of Object.entries(this.specs)) {
      if (!onIso) continue;
      await this.make(name);
      if (!this.missing.has(name)) await copyFile(this.pathOf(name), path.join(tree, name));
    }
    await mkdir(path.join(tree, extraDir));
    for (const [name, target] of Object.entries(extraSymlink)) await symlink(target, path.join(tree, name));
    await mkisofs([...mkisofsOptions, '-o', file, tree]);
    await rm(tree, { recursive: true });
  }
}

const recipes = {
  fillByte: (file, { fillByte, size }) => writeFile(file, Buffer.alloc(size, fillByte)),
  random: (file, { size }) => writeFile(file, randomBytes(size)),
  base64Of: (file, { base64Of }) => writeFile(file, `${Buffer.from(base64Of).toString('base64')}\n`),
  lines: (file, { lines, lineSuffix }) =>
    writeFile(file, Array.from({ length: lines }, (_, i) => `${i}${lineSuffix}`).join('')),
  gzip: async (file, { gzip }, need) => writeFile(file, gzipSync(await readFile(await need(gzip)))),
  xz: async (file, { xz }, need) => writeFile(file, await outputOf('xz', '-c', await need(xz))),
  zstd: async (file, { zstd }, need) => writeFile(file, await outputOf('zstd', '-c', await need(zstd))),
  qemuImg: (_file, { qemuImg: [format, size, option] }) =>
    run('qemu-img', ['create', '-f', format, ...(option ? ['-o', option] : []), _file, String(size)]),
  qemuImgBacking: async (file, { qemuImgBacking }, need) =>
    run('qemu-img', ['create', '-f', 'qcow2', '-b', await need(qemuImgBacking), '-F', 'raw', file]),

  async cpioNewc(file, { cpioNewc }, need) {
    await writeFile(file, await archive(cpioNewc, need));
  },
  async cpioNewcGz(file, { cpioNewcGz }, need) {
    const members = Object.fromEntries(cpioNewcGz.map((name) => [name, name]));
    await writeFile(file, gzipSync(await archive(members, need)));
  },
  size: (file, { size }) => truncateNew(file, size),
};

/** A cpio archive: `members` are files by their names in it. */
async function archive(members, need) {
  const tree = await mkdtemp(`${await need(Object.values(members)[0])}.`);
  for (const [name, file] of Object.entries(members)) {
    await mkdir(path.dirname(path.join(tree, name)), { recursive: true });
    await copyFile(await need(file), path.join(tree, name));
  }
  const child = run('cpio', ['-o', '-H', 'newc'], { cwd: tree, encoding: 'buffer', maxBuffer: 1 << 26 });
  child.child.stdin.end(`${Object.keys(members).join('\n')}\n`);
  const { stdout } = await child;
  await rm(tree, { recursive: true });
  return stdout;
}

/** A static program, which runs in any guest of the same architecture. */
async function makeProgram(file, { output, outputByArg = {} }) {
  if (output !== undefined && output !== 'cwd without newline')
    throw new Missing('its recipe is not known here');
  const cases = Object.entries(outputByArg).map(
    ([arg, text]) =>
      `  if (argc > 1 && strcmp(argv[1], ${cString(arg)}) == 0) return fputs(${cString(text)}, stdout) < 0;`,
  );
  const body = output
    ? ['  char folder[4096];', '  return fputs(getcwd(folder, sizeof folder), stdout) < 0;']
    : cases;
  const lines = [
    ...['stdio.h', 'string.h', 'unistd.h'].map((header) => `#include <${header}>`),
    'int main(int argc, char **argv) {',
    ...body,
    '  return argc == 0 || argv == 0 || 1;',
    '}',
  ];
  await writeFile(`${file}.c`, `${lines.join('\n')}\n`);
  await run('cc', ['-static', '-o', file, `${file}.c`]);
}

const cString = (text) => `"${text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`;

/** mkisofs, by any of its names. */
async function mkisofs(args) {
  for (const [command, ...first] of [['genisoimage'], ['mkisofs'], ['xorriso', '-as', 'mkisofs']]) {
    try {
      return await run(command, [...first, ...args]);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Missing('genisoimage, mkisofs or xorriso is needed to make it');
}

async function outputOf(command, ...args) {
  const { stdout } = await run(command, args, { encoding: 'buffer', maxBuffer: 1 << 26 });
  return stdout;
}

/** An empty file of that size, unless there is one already. */
async function truncateNew(file, size) {
  try {
    await writeFile(file, '', { flag: 'wx' });
  } catch (error) {
    if (error.code === 'EEXIST') return;
    throw error;
  }
  await truncate(file, size);
}

function commandFailure(error) {
  if (error.code === 'ENOENT' && error.syscall?.startsWith('spawn'))
    return `${error.path} is needed to make it`;
  return (error.stderr ? String(error.stderr) : error.message).trim().split('\n').slice(-3).join(' ');
}
