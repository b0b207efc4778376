// What the terminal, or a program, sees of a guest while a command works with it.
import type { Guestfs } from '../guestfs';
import type { ProgressEvent } from '../options/types';
import type { AttachOptions } from '../progress';
import { Job } from '../progress/job';
import { Notes } from './notes';
import type { LaunchArguments } from './options';
import { reporterFor } from './progress';
import { unpackingView } from './unpacking';

export interface GuestView {
  /** Shows how far the unpacking of an image has come. */
  readonly unpack: (event: ProgressEvent) => void;
  /** @param image the first image of the guest @param command what works with it */
  begin(image: string, command: string): void;
  /** Shows the handle's calls, of which the launch is one, and tells its warnings. */
  open(g: Guestfs): void;
  /** Shows a job from now on: people want to follow the whole, and not its calls. */
  work(g: Guestfs, job: Job): void;
  /** Tells what people should know, and what is no failure. */
  note(text: string): void;
  /** Makes way for what the program itself writes to the terminal. */
  clear(): void;
  /** @param error what has ended the work */
  close(error?: Error): void;
}

/** The view of a command that works with one guest. */
export function viewOfOne({ progress }: LaunchArguments): GuestView {
  const reporter = reporterFor(progress);
  const notes = new Notes(reporter);
  let whole: Job | undefined;
  let about: AttachOptions = {};
  return {
    unpack: unpackingView((job) => {
      reporter.attach(job);
      return () => reporter.detach(job);
    }),
    begin: (label, command) => {
      if (reporter.format === 'json') whole = new Job(command, 'image');
      about = { label, parent: whole };
    },
    open: (g) => {
      // Programs see the calls as parts of the work on an image.
      if (whole) reporter.attach(whole, { label: about.label });
      whole?.start();
      g.on('warning', (text) => notes.tell(text));
      reporter.attach(g, whole && about);
    },
    work: (g, job) => {
      reporter.detach(g);
      reporter.attach(job, whole && about);
    },
    note: (text) => notes.tell(text),
    clear: () => reporter.clear(),
    close: (error) => {
      whole?.end(error);
      reporter.close();
    },
  };
}
