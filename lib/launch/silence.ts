// How long a guest under KVM has been silent, and whether that tells anything of KVM.
import type { Activity } from '../host/appliance-process';

/**
 * How long a guest kernel may stay silent, in milliseconds in which qemu could go on. A working one writes to the console
 * within two seconds of qemu's start.
 */
export const silenceMs = 15_000;

/** How long it may stay silent by the clock, in milliseconds, however little of a busy machine its qemu gets. */
export const longestSilenceMs = 120_000;

/** `hangs`: qemu had the time in which every guest says something. `starves`: it had not, and others need the time. */
export type Verdict = 'hangs' | 'starves';

/**
 * The silence of one guest. What counts is the time in which qemu had a processor, or in which it slept, waiting for
 * nothing that others keep from it: while it is ready to run and waits for a processor, be it for other programs or for a
 * control group's quota, or waits for a disk, a working guest would be silent too.
 */
export class Silence {
  #began: number | undefined;
  #last: { readonly at: number; readonly cpuMs: number } | undefined;
  #counted = 0;
  readonly #longest: number;

  /** @param longest - milliseconds in which qemu could go on, after which the guest hangs */
  constructor(longest = silenceMs) {
    this.#longest = longest;
  }

  /**
   * Takes account of the time since it was called last.
   *
   * @param now - milliseconds of a clock that goes on steadily
   * @param activity - of qemu; undefined where nothing is known of it, so that only the clock counts
   */
  observe(now: number, activity: Activity | undefined): Verdict | undefined {
    this.#began ??= now;
    const last = this.#last;
    this.#last = { at: now, cpuMs: activity?.cpuMs ?? last?.cpuMs ?? 0 };
    if (last) {
      const passed = now - last.at;
      const worked = Math.max(0, this.#last.cpuMs - last.cpuMs);
      this.#counted += (activity?.asleep ?? true) ? passed : Math.min(passed, worked);
    }
    if (this.#counted > this.#longest) return 'hangs';
    return now - this.#began > longestSilenceMs ? 'starves' : undefined;
  }
}
