// What snippets may use without declaring it; run.mjs has the same when they run.
import type * as guestfs from 'guestfs';

type Package = typeof guestfs;

declare global {
  const Guestfs: Package['Guestfs'];
  const GuestfsError: Package['GuestfsError'];
  const ProgressReporter: Package['ProgressReporter'];
  const compare: Package['compare'];
  const diagnose: Package['diagnose'];
  const diff: Package['diff'];
  const inspect: Package['inspect'];
  const inspectAll: Package['inspectAll'];
  const privateKey: Package['privateKey'];

  /** Launched handles, each with two drives of the same size; a filesystem is on /dev/sda1 and mounted. */
  const g: guestfs.Guestfs;
  const a: guestfs.Guestfs;
  const b: guestfs.Guestfs;
  /** Shows progress. */
  const draw: (progress: object) => void;
  /** Paths of disk images. */
  const images: string[];
}
