import type { LaunchPhase } from '../options/types';

/** What the console says of a launch's progress, in the order in which it says so. */
type Sign = readonly [RegExp, LaunchPhase];

const signsOfLife: readonly [Sign, ...Sign[]] = [
  // At the beginning of a line: before the guest, qemu names the paths of images.
  [/^(?:supermin: mounting|\[ *\d+\.\d{6}\]|Linux version )/m, 'kernel'],
  [/Starting \/init script/, 'init'],
  [/udevd?\b/, 'devices'],
  [/mdadm|lvm/i, 'volumes'],
  [/guestfsd/, 'daemon'],
];

/** On libguestfs's own scale of a launch. */
export const launchTotal = 12n;

export const positions: Readonly<Record<LaunchPhase, bigint>> = {
  appliance: 0n,
  boot: 3n,
  template: 3n,
  kernel: 6n,
  init: 9n,
  devices: 9n,
  volumes: 9n,
  daemon: 9n,
  restore: 9n,
  ready: launchTotal,
};

/** How far a launch has come, read off the appliance's console. */
export class Phases {
  readonly #report: (phase: LaunchPhase) => void;
  #text = '';
  #reached = 0;

  constructor(report: (phase: LaunchPhase) => void) {
    this.#report = report;
  }

  /** Whether the guest's kernel has said anything. Firmware talks before it and proves nothing. */
  get alive(): boolean {
    return this.#reached > 0;
  }

  enter(phase: LaunchPhase): void {
    this.#report(phase);
  }

  read(text: string): void {
    this.#text = (this.#text + text).slice(-8192);
    if (!this.alive) {
      // In verbose mode supermin and qemu's command line come before the guest, and name what it will start.
      const kernel = this.#text.search(signsOfLife[0][0]);
      if (kernel < 0) return;
      this.#text = this.#text.slice(kernel);
    }
    for (let i = signsOfLife.length - 1; i >= this.#reached; i--) {
      const [sign, phase] = signsOfLife[i] as (typeof signsOfLife)[number];
      if (!sign.test(this.#text)) continue;
      this.#reached = i + 1;
      this.#report(phase);
      return;
    }
  }
}
