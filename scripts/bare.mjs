// `npm run test:bare`: the packed package, and the setup of a clone, on bare systems, as debootstrap makes them: what is
// missing is told, what is told is enough, and the first program of the README runs. It needs root, the network and some
// 20 minutes for each system. `-- bookworm jammy`: those instead of this machine's kind; `--trees=FOLDER`: bare systems that
// are there already, as FOLDER/bookworm. The last line has the totals.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { logged, main, npm, root, StepError, step } from './steps.mjs';

/** Systems by the name of their release: the distribution, and the Node.js that is tried there. */
const systems = {
  bookworm: { distribution: 'debian', node: 20 },
  trixie: { distribution: 'debian', node: 26 },
  jammy: { distribution: 'ubuntu', node: 22 },
  noble: { distribution: 'ubuntu', node: 24 },
};

const args = process.argv.slice(2);
const trees = args.find((arg) => arg.startsWith('--trees='))?.slice('--trees='.length);
const named = args.filter((arg) => !arg.startsWith('--'));
const folder = mkdtempSync('/var/tmp/guestfs-bare-');
const totals = { passed: 0, failed: 0 };

/** Makes the image of which the README's program tells. */
const makesImage = `
import { Guestfs } from 'guestfs';

const g = new Guestfs();
await g.diskCreate('disk.qcow2', 'qcow2', 256 * 2 ** 20);
await g.addDrive('disk.qcow2', { format: 'qcow2' });
await g.launch({ timeout: 600_000 });
await g.partDisk('/dev/sda', 'mbr');
await g.mkfs('ext4', '/dev/sda1');
await g.mount('/dev/sda1', '/');
await g.mkdir('/etc');
await g.write('/etc/os-release', 'NAME="A guest"\\n');
await g.shutdown();
await g.close();
`;

await main(async () => {
  try {
    const unknown = named.find((name) => !(name in systems));
    if (unknown) throw new StepError(`There is no ${unknown} here: ${Object.keys(systems).join(', ')}`);
    if (process.getuid() !== 0) throw new StepError('Only root may make and enter other systems.');
    await step('package', { doing: 'making it', work: pack });
    for (const name of named.length > 0 ? named : ofThisKind()) await onSystem(name);
  } catch (error) {
    totals.failed += 1;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    console.log(`\n${totals.passed} passed, ${totals.failed} failed, 0 skipped`);
  }
  return totals.failed > 0 ? 1 : 0;
});

function ofThisKind() {
  const { ID } = Object.fromEntries(
    readFileSync('/etc/os-release', 'utf8')
      .split('\n')
      .map((line) => line.split('=')),
  );
  const names = Object.keys(systems).filter((name) => systems[name].distribution === ID);
  return names.length > 0 ? names : ['bookworm', 'trixie'];
}

async function pack() {
  await logged([...npm, 'pack', '--pack-destination', folder]);
}

async function onSystem(name) {
  const tree = path.join(folder, name);
  const { node } = systems[name];
  await step(name, { doing: `making it, with Node.js ${node}`, work: () => makeTree(tree, name) });
  const project = path.join(tree, 'project');
  const test = async (what, body) => {
    try {
      await body();
      totals.passed += 1;
      console.log(`  ✓ ${name}: ${what}`);
    } catch (error) {
      totals.failed += 1;
      console.error(`\nFAILED: ${name}: ${what}\n${error.message}\n`);
    }
  };

  await test('installs, and the command knows its version', () => {
    inside(tree, 'npm init -y && npm pkg set type=module && npm install ./guestfs.tgz');
    says(inside(tree, 'npx guestfs --version'), /^guestfs \d/m);
  });
  let advice;
  await test('says what to install', () => {
    const told = inside(tree, 'npx guestfs doctor', { fails: true });
    says(told, /ERR_GUESTFS_NOT_LOADED/);
    says(inside(tree, `node -e 'import("guestfs")'`, { fails: true }), /ERR_GUESTFS_NOT_LOADED/);
    const commands = new Set(
      [...told.matchAll(/apt install ([\w .+-]+)/g)].map(([, packages]) => packages.trim()),
    );
    advice = [...commands].join(' ');
    says(advice, /libguestfs0.*linux-image/s);
  });
  await test('has all that it needs then', () => {
    inside(tree, `apt-get install -y ${advice} && chmod a+r /boot/vmlinuz-*`);
    says(inside(tree, 'npx guestfs doctor --timeout 600'), /An appliance starts.*\n0 errors/s);
  });
  await test('runs the first program of the README', () => {
    writeFileSync(path.join(project, 'make.mjs'), makesImage);
    writeFileSync(
      path.join(project, 'main.mjs'),
      firstProgram(path.join(project, 'node_modules/guestfs'), node),
    );
    says(inside(tree, 'node make.mjs && node main.mjs'), /\/dev\/sda1 ext4\nNAME="A guest"/);
  });
  await test('the setup of a clone', () => {
    const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    for (const file of stdout.split('\0').filter(Boolean))
      cpSync(path.join(root, file), path.join(tree, 'clone', file));
    inside(tree, 'cd /clone && npm run setup');
    says(inside(tree, `cd /clone && node -p 'require(".").versions.libguestfs'`), /^1\.\d+/m);
  });
  rmSync(tree, { recursive: true, force: true });
}

/** A bare system that has Node.js, npm and the package's archive. */
async function makeTree(tree, name) {
  const { distribution, node } = systems[name];
  const given = trees && path.join(trees, name);
  // Ubuntu has libguestfs in universe.
  const components = distribution === 'ubuntu' ? ['--components=main,universe'] : [];
  if (given && existsSync(given)) await logged(['cp', '-a', given, tree]);
  else await logged(['debootstrap', '--variant=minbase', ...components, name, tree]);
  const global = [...npm, 'install', '--global', '--ignore-scripts', `--prefix=${tree}/usr/local`];
  const binary = `node-linux-${process.arch}`;
  await logged([...global, `${binary}@${node}`, node < 22 ? 'npm@10' : 'npm@11']);
  rmSync(path.join(tree, 'usr/local/bin/node'), { force: true });
  symlinkSync(`../lib/node_modules/${binary}/bin/node`, path.join(tree, 'usr/local/bin/node'));
  // No daemon starts in there.
  writeFileSync(path.join(tree, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  cpSync('/etc/resolv.conf', path.join(tree, 'etc/resolv.conf'), { dereference: true });
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  if (certificates) cpSync(certificates, path.join(tree, 'certificates.pem'), { dereference: true });
  mkdirSync(path.join(tree, 'project'));
  const [file] = readdirSync(folder).filter((each) => each.endsWith('.tgz'));
  cpSync(path.join(folder, file), path.join(tree, 'project/guestfs.tgz'));
  inside(tree, 'apt-get update');
}

/** Runs a script in a system, in namespaces of its own: nothing stays mounted, no process stays. */
function inside(tree, script, { fails = false } = {}) {
  const mounts = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"';
  const { LIBGUESTFS_BACKEND_SETTINGS: settings, NODE_EXTRA_CA_CERTS: certificates } = process.env;
  const environment = [
    ...['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LC_ALL=C.UTF-8'],
    ...['DEBIAN_FRONTEND=noninteractive'],
    ...(settings ? [`LIBGUESTFS_BACKEND_SETTINGS=${settings}`] : []),
    ...(certificates ? ['NODE_EXTRA_CA_CERTS=/certificates.pem'] : []),
  ];
  const command = ['env', '-i', ...environment, 'sh', '-ec', `cd /project\n${script}`];
  const unshared = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', mounts, tree, ...command];
  const { status, stdout, stderr, error } = spawnSync('unshare', unshared, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 45 * 60_000,
  });
  const output = `${stdout}${stderr}`;
  if (error || (status === 0) === fails)
    throw new Error(`${script}\nended with ${status}: ${error?.message ?? ''}\n${output.slice(-6000)}`);
  return output;
}

function says(output, pattern) {
  if (!pattern.test(output)) throw new Error(`the output is not like ${pattern}:\n${output.slice(-6000)}`);
}

/** Of Node.js before 24 as the README says. */
function firstProgram(installed, node) {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(installed, 'README.md'), 'utf8'));
  return node < 24 ? `${code.replace('await using g =', 'const g =')}\nawait g.close();\n` : code;
}
