// Runs the snippets that are listed in snippets.json, one after the other, on one appliance.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as guestfs from 'guestfs';

const MiB = 2 ** 20;
const longest = 60_000;

const snippets = JSON.parse(await readFile(new URL('snippets.json', import.meta.url), 'utf8'));
const home = process.cwd();
const folder = await mkdtemp(join(tmpdir(), 'guestfs-snippets-run-'));
const output = process.stdout.write.bind(process.stdout);
const g = await launchedGuest();
Object.assign(globalThis, guestfs, { g, draw: () => {}, images: [] });
let failed = 0;
try {
  process.chdir(folder); // for the files that they write
  for (const { place, module } of snippets) {
    const problem = await run(module);
    if (problem) failed++;
    output(problem ? `${place}: ${problem}\n` : '');
  }
} finally {
  process.chdir(home);
  await g.close();
  await rm(folder, { recursive: true, force: true });
}
output(`${snippets.length - failed} of ${snippets.length} snippets ran\n`);
// Reporters and listeners that a snippet leaves behind shall not hold us.
process.exit(failed > 0 ? 1 : 0);

/** A filesystem as snippets expect it, and a second drive. */
async function launchedGuest() {
  const handle = new guestfs.Guestfs();
  for (let i = 0; i < 2; i++) await handle.addDriveScratch(64 * MiB);
  await handle.launch();
  await handle.partDisk('/dev/sda', 'mbr');
  await handle.mkfs('ext4', '/dev/sda1');
  await handle.mount('/dev/sda1', '/');
  for (const directory of ['/etc', '/home', '/tmp', '/usr', '/var/cache', '/var/log'])
    await handle.mkdirP(directory);
  await handle.write('/etc/os-release', 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n');
  await handle.write('/etc/hostname', 'snippets\n');
  await handle.write('/var/log/syslog', 'an info\nan error\n');
  return handle;
}

/** Why a snippet fails. Whatever those before it have done, the filesystem is mounted. */
async function run(module) {
  g.removeAllListeners();
  await g.setVerbose(false);
  await g.umountAll();
  await g.mount('/dev/sda1', '/');
  const tooLong = sleep(longest, `it takes longer than ${longest / 1000} s`, { ref: false });
  const run = import(module).then(
    () => undefined,
    (error) => error?.stack ?? error,
  );
  return Promise.race([run, tooLong]);
}
