// What a client makes of a job that has failed.
import type { Job } from 'bullmq';
import { FleetError, fromWire } from './errors';
import { readNews } from './wire/schema';

/** The error of a job that has failed: what its worker has told of this attempt, or that it could tell nothing. */
export function errorOfJob(job: Job): Error {
  const news = readNews(job.progress);
  if (news?.kind === 'failed' && news.attempt === job.attemptsStarted) return fromWire(news.error);
  const times = job.stalledCounter;
  if (times > 0)
    return new FleetError(
      'ERR_GUESTFS_FLEET_WORKER_LOST',
      `the job was given up: ${times} ${times === 1 ? 'worker has' : 'workers have'} ended, or stopped, while working on it`,
    );
  return new FleetError(
    'ERR_GUESTFS_FLEET_JOB_LOST',
    `the job has failed, and its worker could not tell why. The queue has: ${job.failedReason}`,
  );
}
