// Files of libguestfs's own source that its tests read: test programs of many architectures and the like.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = path.join(
  process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'),
  'guestfs-node/conformance',
);

/** A folder with libguestfs's source; without one, what the distribution's source package has. */
export class Source {
  #folder;
  #problem;

  constructor(folder, log) {
    this.#folder = folder;
    this.log = log;
  }

  /** Copies a file, if it is the right one; returns why not. */
  async copy(name, { sha256, size }, target) {
    const folder = await this.#locate();
    if (!folder) return this.#problem;
    const file = path.join(folder, name);
    const content = await readFile(file).catch(() => undefined);
    if (!content) return `libguestfs's source in ${folder} does not have ${name}`;
    const right =
      content.length === size && (!sha256 || createHash('sha256').update(content).digest('hex') === sha256);
    if (!right) return `${file} is not the one that the tests are about`;
    await writeFile(target, content);
    return undefined;
  }

  async #locate() {
    if (this.#folder || this.#problem) return this.#folder;
    const kept = path.join(cache, 'libguestfs-source');
    try {
      if (!existsSync(kept)) await fetchSource(kept, this.log);
      this.#folder = kept;
    } catch (error) {
      const why = String(error.stderr || error.message)
        .trim()
        .split('\n')
        .at(-1);
      this.#problem = `a file of libguestfs's source (${why}); say where that is: --source FOLDER`;
    }
    return this.#folder;
  }
}

/** By apt, with lists of its own: those of the system seldom have source packages. */
async function fetchSource(target, log) {
  const folder = await mkdtemp(path.join(tmpdir(), 'guestfs-source-'));
  try {
    const sources = path.join(folder, 'sources.list');
    await writeFile(sources, await sourceLines());
    await mkdir(path.join(folder, 'lists/partial'), { recursive: true });
    await mkdir(path.join(folder, 'cache/archives/partial'), { recursive: true });
    const settings = {
      'Dir::Etc::SourceList': sources,
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State::Lists': path.join(folder, 'lists'),
      'Dir::Cache': path.join(folder, 'cache'),
      'APT::Update::Error-Mode': 'any',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    log("fetching the source package of libguestfs, for its tests' files");
    await run('apt-get', [...options, '-qq', 'update']);
    await run('apt-get', [...options, '-qq', 'source', '--download-only', 'libguestfs'], { cwd: folder });
    await unpack(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The archives that apt uses here, for sources. */
async function sourceLines() {
  const format = ['$(ORIGIN)', '$(REPO_URI)', '$(CODENAME)', '$(COMPONENT)'].join('\t');
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).catch(
    () => {
      throw new Error('only apt is known to fetch it by itself');
    },
  );
  const lines = stdout
    .split('\n')
    .filter((line) => /^(Debian|Ubuntu)\t/.test(line))
    .map((line) => line.split('\t'))
    .map(([origin, uri, suite, component]) => {
      const keyring = `/usr/share/keyrings/${origin.toLowerCase()}-archive-keyring.gpg`;
      return `deb-src [signed-by=${keyring}] ${uri} ${suite} ${component}`;
    });
  if (lines.length === 0) throw new Error('apt knows no archive of Debian or Ubuntu');
  return `${lines.join('\n')}\n`;
}

async function unpack(folder, target) {
  const archive = (await readdir(folder)).find((name) => /\.orig\.tar\.\w+$/.test(name));
  if (!archive) throw new Error('the source package has no archive of the original source');
  await mkdir(cache, { recursive: true });
  const partial = await mkdtemp(`${target}.`);
  const members = ['*/test-data/files/*', '*/test-data/binaries/*', '*/COPYING.LIB'];
  await run('tar', [
    '-xf',
    path.join(folder, archive),
    '-C',
    partial,
    '--strip-components=1',
    '--wildcards',
    ...members,
  ]);
  await rename(partial, target);
}
