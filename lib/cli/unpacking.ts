// What is seen of an image while it is unpacked, before there is a handle.
import type { ProgressEvent } from '../options/types';
import { Job } from '../progress/job';

/** @param show begins to show a job, and returns what ends that */
export function unpackingView(show: (job: Job) => () => void): (event: ProgressEvent) => void {
  let running: { job: Job; hide: () => void } | undefined;
  return ({ operation, position, total }) => {
    if (operation !== 'unpack') return;
    if (!running) {
      const job = new Job(operation);
      running = { job, hide: show(job) };
      job.start();
    }
    const { job, hide } = running;
    job.progress(Number(position), Number(total));
    if (position < total) return;
    job.end(undefined);
    hide();
    running = undefined;
  };
}
