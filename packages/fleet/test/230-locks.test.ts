// Claims of images, of workers that are there and of such as have died, on a server that is made up.
import { afterAll, describe, expect, test } from '@jest/globals';
import type { JobQueue } from '../src/connection';
import { ImageLocks } from '../src/locks';
import { imageFolder } from './support/images';

const folder = imageFolder();
afterAll(() => folder.remove());

interface Claim {
  readonly job: string;
  readonly image: string;
  readonly ageMs: number;
}

/** Holds an image while there are these claims, of jobs in these states; resolves to the claims that stay. */
async function claimsWhileHeld(
  claims: readonly Claim[],
  states: Readonly<Record<string, string>>,
): Promise<string[]> {
  const records = new Map(
    claims.map(({ job, image, ageMs }) => {
      const data = { v: 1, job, images: [image] };
      return [`${job}-1.lock`, { id: `${job}-1.lock`, data, timestamp: Date.now() - ageMs }];
    }),
  );
  const queue = {
    add: async (
      _: string,
      data: { v: number; job: string; images: string[] },
      { jobId }: { jobId: string },
    ) => void records.set(jobId, { id: jobId, data, timestamp: Date.now() }),
    remove: async (id: string) => Number(records.delete(id)),
    getJobs: async () => [...records.values()],
    getJobState: async (job: string) => states[job] ?? 'unknown',
    close: async () => undefined,
  };
  const locks = new ImageLocks(() => queue as unknown as JobQueue);
  const images = [[{ path: folder.file('a.img') }]];
  const job = { id: 'own', attemptsStarted: 1 };
  const release = await locks.hold(job, images, AbortSignal.timeout(1000));
  const held = [...records.keys()];
  await release();
  expect(records.has('own-1.lock')).toBe(false);
  return held;
}

describe('an image is held', () => {
  const [day, now] = [86_400_000, 0];

  test('once the job that has claimed it runs no more', async () => {
    const claims = [{ job: 'dead', image: folder.file('a.img'), ageMs: now }];
    expect(await claimsWhileHeld(claims, {})).toEqual(['own-1.lock']);
    await expect(claimsWhileHeld(claims, { dead: 'active' })).rejects.toThrow(/timeout/);
  });

  test('beside others, of which those go that have been left behind for long', async () => {
    const claims = ['young', 'old', 'working'].map((job) => ({
      ...{ job, image: `/elsewhere/${job}` },
      ageMs: job === 'young' ? now : day,
    }));
    expect(await claimsWhileHeld(claims, { working: 'active' })).toEqual([
      ...['young-1.lock', 'working-1.lock', 'own-1.lock'],
    ]);
  });
});
