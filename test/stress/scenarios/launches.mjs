// Launches that do not come up: aborted, killed and timed out, at moments from the building of the appliance to its boot;
// and workers and processes that end on the way.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Guestfs, MiB, rejection, settled, withHandle } from '../library.mjs';
import { ends } from './exits.mjs';
import { terminated } from './workers.mjs';

export async function launches() {
  await withHandle(async (g) => {
    await g.addDriveScratch(MiB);
    for (const ms of [1, 50, 500, 3000]) await interrupted(g, ms);
  });
  await closed();
  await terminated({ job: 'launching' });
  await ends(3, 'launching');
}

/** From a template a launch would be ready before it is interrupted. */
const boot = { template: 'never' };

async function interrupted(g, ms) {
  await rejection(g.launch({ ...boot, timeout: ms }), 'ERR_GUESTFS_TIMEOUT');
  await rejection(g.launch({ ...boot, signal: AbortSignal.timeout(ms) }), 'ABORT_ERR');
  const launch = rejection(g.launch(boot), 'ERR_GUESTFS_TERMINATED');
  await sleep(ms);
  await g.kill();
  await launch;
}

/** A close that waits behind a launch gets through when that is killed. */
async function closed() {
  const g = new Guestfs();
  await g.addDriveScratch(MiB);
  const calls = settled([g.launch(boot), g.close()]);
  await sleep(2000);
  await g.kill();
  const [launch, close] = await calls;
  assert.equal(launch.reason?.code, 'ERR_GUESTFS_TERMINATED');
  assert.equal(close.status, 'fulfilled');
}
