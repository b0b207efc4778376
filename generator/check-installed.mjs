// Compares api/ with the guestfs.h and the manual guestfs(3) of this machine, or with those given:
// `npm run api:check -- [--header FILE] [--manual FILE] [--version X.Y.Z]`. Exit code 1 says that they differ.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadApi } from './api.mjs';
import { compare, unknown } from './installed/compare.mjs';
import { parseHeader } from './installed/header.mjs';
import { parseManual } from './installed/manual.mjs';
import { oneLine, proposeFunction, proposeStruct } from './installed/propose.mjs';

/** What people can do something about: shown without a stack. */
class Problem extends Error {}

const noManual = `There is no manual guestfs(3) here, so only the header is compared: not the versions, progress, feature
groups and kinds of results. Container images often leave man pages out. On Debian and Ubuntu:
  apt-get download libguestfs-dev && dpkg-deb --extract libguestfs-dev_*.deb DIR
  npm run api:check -- --manual DIR/usr/share/man/man3/guestfs.3.gz
`;

const decompressors = { gz: 'gzip', xz: 'xz', zst: 'zstd', bz2: 'bzip2' };

function readText(file) {
  const tool = decompressors[file.split('.').at(-1)];
  try {
    if (!tool) return readFileSync(file, 'utf8');
    return execFileSync(tool, ['-dc', file], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' });
  } catch (error) {
    throw new Problem(`${file} cannot be read: ${error.stderr?.trim() || error.message}`);
  }
}

function pkgConfig(...args) {
  try {
    return execFileSync('pkg-config', [...args, 'libguestfs'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    throw new Problem(
      'pkg-config knows no libguestfs here: install libguestfs-dev (Fedora: libguestfs-devel), or give --header FILE.',
    );
  }
}

const installedHeader = () => `${pkgConfig('--variable=includedir')}/guestfs.h`;

function installedManual() {
  const page = `${pkgConfig('--variable=prefix')}/share/man/man3/guestfs.3`;
  return [page, ...Object.keys(decompressors).map((suffix) => `${page}.${suffix}`)].find(existsSync);
}

function printProposal(what, table, { record, doubts }) {
  console.log(`${what} is missing in ${table}. Proposed record:\n  ${oneLine(record)},`);
  for (const doubt of doubts) console.log(`  to be decided: ${doubt}`);
}

function options() {
  const file = { type: 'string' };
  try {
    return parseArgs({ options: { header: file, manual: file, version: file } }).values;
  } catch (error) {
    throw new Problem(
      `${error.message}\nUsage: npm run api:check -- [--header FILE] [--manual FILE] [--version X.Y.Z]`,
    );
  }
}

/** Header and manual, those of this machine if none are given, and the version of libguestfs that they are of. */
function readLibrary(given) {
  const headerFile = given.header ?? installedHeader();
  const header = parseHeader(readText(headerFile));
  if (header.calls.size === 0)
    throw new Problem(`${headerFile} is not libguestfs's guestfs.h: it declares no call.`);

  // The manual of this machine need not be that of a header from elsewhere.
  const manualFile = given.manual ?? (given.header ? undefined : installedManual());
  const manual = manualFile ? parseManual(readText(manualFile)) : undefined;
  if (manual?.calls.size === 0)
    throw new Problem(`${manualFile} is not the manual guestfs(3): it describes no call.`);

  const version = given.version ?? (given.header ? manual?.version : pkgConfig('--modversion'));
  if (!version)
    throw new Problem(
      'A header does not tell its version: give --version X.Y.Z, or the manual with --manual FILE.',
    );
  if (manual && manual.version !== version)
    throw new Problem(`The header is of libguestfs ${version}, the manual of ${manual.version}.`);
  return { header, manual, version, files: [headerFile, manualFile].filter(Boolean).join(', ') };
}

const count = (number, what) => `${number || 'no'} ${what}${number === 1 ? '' : 's'}`;

function main() {
  const given = options();
  const { header, manual, version, files } = readLibrary(given);
  const api = loadApi();
  const { differences, compared, newer } = compare(api, header, manual, version);
  const missing = unknown(api, header);

  console.log(`libguestfs ${version}: ${files}`);
  if (!manual && !given.header) console.log(noManual);
  for (const difference of differences) console.log(difference);
  for (const name of missing.calls)
    printProposal(`guestfs_${name}`, 'api/functions.json', proposeFunction(api, name, header, manual));
  for (const name of missing.structs)
    printProposal(`struct guestfs_${name}`, 'api/structs.json', proposeStruct(name, header));

  const found = differences.length + missing.calls.length + missing.structs.length;
  const all = `${compared} functions, ${api.allStructs.length} structs and ${api.events.length} events`;
  console.log(`${all} compared: ${count(found, 'difference')}.`);
  if (newer.functions + newer.options > 0)
    console.log(
      `api/ also has ${count(newer.functions, 'function')} and ${count(newer.options, 'option')} ` +
        `of versions after ${version}.`,
    );
  process.exitCode = found === 0 ? 0 : 1;
}

try {
  main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
