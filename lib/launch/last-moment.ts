// What a launch does at its end, on storage that need not answer.
import { later } from '../options/own-timers';

/** Milliseconds for what nobody needs to wait for. */
const lastMoment = 2000;

/** Waits for a last piece of work, which may fail, but not for long. */
export async function notForLong(work: Promise<unknown> | undefined): Promise<void> {
  const settled = work?.catch(() => undefined);
  await Promise.race([settled, new Promise((resolve) => later(resolve, lastMoment).unref())]);
}
