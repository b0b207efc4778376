// What `npm run demo` runs: makes a small guest image, works on it with live progress, and reports what is in it.
// With arguments it inspects those images instead, read-only.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guestfs, ProgressReporter, privateKey } from 'guestfs';

const MiB = 1024 * 1024;
const diskSize = 256 * MiB;

const osRelease = `ID=debian
NAME="Debian GNU/Linux"
VERSION_ID="12"
PRETTY_NAME="Debian GNU/Linux 12 (demo guest)"
`;

const installedPackages = Object.entries({ coreutils: '9.1-1', dpkg: '1.21.22', libguestfs0: '1:1.48.6-2' })
  .map(
    ([name, version]) =>
      `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n\n`,
  )
  .join('');

/** A typed name for something of ours that lives with the handle. */
const job = privateKey('demo:job');

/** The command `guestfs inspect`, as a user would type it. */
function inspectCommand(images) {
  const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [command, 'inspect', ...images], { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

/** A partition table, a root filesystem, and in it what makes an operating system recognisable. */
async function makeGuest(g) {
  await g.partInit('/dev/sda', 'mbr');
  await g.partAdd('/dev/sda', 'primary', 2048, -1);
  await g.partSetBootable('/dev/sda', 1, true);
  await g.mkfs('ext4', '/dev/sda1', { label: 'demo-root' });
  await g.mount('/dev/sda1', '/');

  for (const folder of ['/bin', '/etc', '/home/ada', '/var/lib/dpkg']) await g.mkdirP(folder);
  await g.write('/etc/os-release', osRelease);
  await g.write('/etc/hostname', 'demo-guest\n');
  await g.write('/etc/fstab', 'LABEL=demo-root / ext4 defaults 0 1\n');
  await g.write('/var/lib/dpkg/status', installedPackages);
  await g.write('/bin/ls', readFileSync('/bin/ls')); // a real program tells the architecture
  await g.fillPattern('some data, over and over. ', 16 * MiB, '/home/ada/data');
  await g.sync();
}

async function workOn(image) {
  const g = new Guestfs(); // with TypeScript, or Node.js 24: `await using g = new Guestfs()`
  const reporter = new ProgressReporter().attach(g);
  try {
    g.on('warning', (text) => reporter.line(text));
    g.private.set(job, { image, started: Date.now() });

    await g.diskCreate(image, 'qcow2', diskSize);
    await g.addDrive(image, { format: 'qcow2' });
    await g.addDriveScratch(diskSize);

    reporter.line('Starting the appliance: a small virtual machine that does the work on the image.');
    await g.launch({ timeout: 600_000 });

    reporter.line('Making a guest: partition table, ext4, os-release, packages, fstab, some data.');
    await makeGuest(g);

    reporter.line('Long operations, with progress from the appliance:');
    await g.copyDeviceToDevice('/dev/sda', '/dev/sdb', { size: diskSize });
    const checksum = await g.checksumDevice('sha256', '/dev/sdb');
    await g.zeroFreeSpace('/');

    const seconds = Math.round((Date.now() - g.private.get(job).started) / 1000);
    reporter.line(`sha256 of the copy: ${checksum}`);
    reporter.line(`Private data kept with the handle says that this job began ${seconds} s ago.`);
  } finally {
    await g.close();
    reporter.close();
  }
}

async function demo() {
  const folder = await mkdtemp(join(tmpdir(), 'guestfs-demo-'));
  const image = join(folder, 'guest.qcow2');
  try {
    await workOn(image);
    console.error('\nNow as a stranger: what is in this image?\n');
    console.error('$ guestfs inspect guest.qcow2');
    return await inspectCommand([image]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// npm runs this in the package's folder, whatever the user's is.
const images = process.argv.slice(2).map((image) => resolve(process.env.INIT_CWD ?? '.', image));
process.exitCode = images.length > 0 ? await inspectCommand(images) : await demo();
