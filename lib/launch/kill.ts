// kill(): the appliance ends at any moment, and the handle is as it was before it was launched.
import type { Calls } from '../calls/calls';
import { killMissed } from '../faults/errors';
import { later } from '../options/own-timers';
import type { Drives } from './drives';

/** How long the handle's thread is waited for, in milliseconds: a call that was given up may hold it as long as it likes. */
const patienceMs = 5000;

/**
 * Its drives come back when they are needed: nothing here may wait for their storage.
 *
 * @throws GuestfsError where something may be left, for the system did not let it be found
 */
export async function killAppliance(calls: Calls, drives: Drives): Promise<void> {
  const over = drives.atRisk();
  const inVain = new AbortController();
  const patience = later(() => inVain.abort(), patienceMs);
  try {
    const terminated = calls.terminate();
    // Queued now: who launches again as soon as a call has rejected comes behind it.
    const recovered = calls.closing ? undefined : recover(calls, drives, inVain.signal);
    recovered?.catch(() => undefined); // it may fail before it is awaited
    const end = await terminated;
    if (!end.over) inVain.abort();
    await recovered?.catch((error) => oweUnlessBroken(drives, error));
    if (!end.over && end.missed !== 0) throw killMissed(end.missed);
  } finally {
    patience.close();
    over();
  }
}

/** The recovery could not hold the queue, or another kill() took that away to do the same. */
function oweUnlessBroken(drives: Drives, error: Error & { code?: string }): void {
  if (error.code !== 'ABORT_ERR' && error.code !== 'ERR_GUESTFS_TERMINATED') throw error;
  drives.owe();
}

function recover(calls: Calls, drives: Drives, signal: AbortSignal): Promise<void> {
  return calls.hold('kill', signal, async ({ operation }) => {
    drives.owe();
    // An idle handle does not notice the loss before its next call.
    await calls.call('shutdown', [], undefined, operation).catch(() => undefined);
  });
}
