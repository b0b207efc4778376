// Makes the binary that the package carries for this platform, in prebuilds/, where lib/native/load.ts finds it, and
// checks that all that are there load on other distributions. `--check` only checks, `--check=linux-arm64` one alone. `--glibc=2.28`: the oldest C
// library with which they must load. It needs the static C++ library; Fedora has it in libstdc++-static.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { making, nativeSources } from './setup.mjs';
import { main, root, StepError, step } from './steps.mjs';

const args = process.argv.slice(2);
const checks = args.find((arg) => /^--check(=|$)/.test(arg));
const platform = checks?.split('=')[1];
const glibc = args.find((arg) => arg.startsWith('--glibc='))?.slice('--glibc='.length) ?? oldestToExpect();

/** Everything else must be linked in. Node itself needs libgcc_s. */
const libraries =
  /^(libguestfs\.so\.0|libgcc_s\.so\.1|libc\.so\.6|libm\.so\.6|libpthread\.so\.0|ld-linux-.*)$/;
const versions = /^(GLIBC|GCC)_/;
const exported = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

await main(async () => {
  if (!checks) await step('prebuilt addon', prebuilt());
  const files = binaries();
  if (files.length === 0) throw new StepError('There is no prebuilt binary to check.');
  for (const file of files) await step(file, { work: () => check(file) });
});

function prebuilt() {
  const folder = `prebuilds/linux-${process.arch}`;
  const sources = [...nativeSources, 'scripts/prebuild.mjs'];
  const command = [process.execPath, 'scripts/native.mjs', '--prebuilt'];
  return making(
    folder,
    sources,
    'compiling',
    command,
    existsSync(path.join(root, folder, 'guestfs.glibc.node')),
  );
}

function binaries() {
  const folder = path.join(root, 'prebuilds');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((each) => platform === undefined || each === platform)
    .map((each) => `prebuilds/${each}/guestfs.glibc.node`);
}

/** Reads the binary rather than loading it: it may be another architecture's. */
async function check(file) {
  const needed = [...readelf(file, '--dynamic').matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  const symbols = readelf(file, '--dyn-syms');
  const shown = [...symbols.matchAll(/ (?:GLOBAL|WEAK|UNIQUE) +DEFAULT +\d+ (\S+)$/gm)].map(
    ([, name]) => name,
  );
  const wanted = [
    ...new Set([...readelf(file, '--version-info').matchAll(/Name: (\S+) /g)].map(([, v]) => v)),
  ];
  const newest = wanted
    .filter((name) => name.startsWith('GLIBC_'))
    .sort(byVersion)
    .at(-1);
  const problems = [
    ...needed.filter((name) => !libraries.test(name)).map((name) => `needs ${name}`),
    ...wanted.filter((name) => !versions.test(name)).map((name) => `needs ${name}`),
    ...shown.filter((name) => !exported.includes(name)).map((name) => `shows ${name}`),
    ...exported.filter((name) => !shown.includes(name)).map((name) => `does not show ${name}`),
    ...(byVersion(newest, `GLIBC_${glibc}`) > 0 ? [`needs ${newest}, and ${glibc} must do`] : []),
    ...(/\.symtab|\.debug_/.test(readelf(file, '--sections')) ? ['is not stripped'] : []),
  ];
  if (problems.length > 0)
    throw new StepError(`this binary is not for everybody:\n  ${problems.join('\n  ')}`);
  const content = readFileSync(path.join(root, file));
  const hash = createHash('sha256').update(content).digest('hex');
  console.log(
    `  ${Math.round(content.length / 1024)} KiB, ${newest.replace('_', ' ')} or newer, sha256 ${hash}`,
  );
}

function readelf(file, what) {
  const { status, stdout, stderr, error } = spawnSync('readelf', ['--wide', what, path.join(root, file)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new StepError(error?.message ?? stderr);
  return stdout;
}

/** From 2.38 on a C library makes binaries that need as new a one. Releases are built with an older one. */
function oldestToExpect() {
  const { glibcVersionRuntime: own } = process.report.getReport().header;
  return byVersion(own, '2.38') < 0 ? '2.34' : own;
}

function byVersion(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}
