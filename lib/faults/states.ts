// Calls that come before or after their time: what libguestfs and its daemon say of them, and what to call instead.
import type { Failure } from './native-problem';

const codes = [
  'ERR_GUESTFS_ALREADY_LAUNCHED',
  'ERR_GUESTFS_NO_DRIVE',
  'ERR_GUESTFS_NOT_LAUNCHED',
  'ERR_GUESTFS_NOT_MOUNTED',
  'ERR_GUESTFS_NOT_OPENED',
] as const;

/** The `code` of a call that the state of its handle, or of the appliance, does not allow. */
export type StateCode = (typeof codes)[number];

/** Whether a call came before or after its time: nothing is wrong with the machine. */
export const isStateCode = (code: string): code is StateCode => codes.some((each) => each === code);

/** A state in which a call cannot be made, and what to do about it. */
export interface StateFault {
  readonly code: StateCode;
  readonly problem: string;
  readonly advice: string;
}

const alreadyLaunched: StateFault = {
  code: 'ERR_GUESTFS_ALREADY_LAUNCHED',
  problem: 'the appliance has been launched, and this is to be done before',
  advice: 'Do it with a new handle, or call shutdown() first',
};

const noDrive: StateFault = {
  code: 'ERR_GUESTFS_NO_DRIVE',
  problem: 'the handle has no drive',
  advice: 'Call addDrive(), addDriveRo() or addDriveScratch() first',
};

const notLaunched: StateFault = {
  code: 'ERR_GUESTFS_NOT_LAUNCHED',
  problem: 'the appliance does not run',
  advice: 'Call launch() first',
};

const notMounted: StateFault = {
  code: 'ERR_GUESTFS_NOT_MOUNTED',
  problem: "nothing is mounted at '/'",
  advice: 'Call mount() or mountRo() first; listFilesystems() and inspectOs() tell what there is',
};

/** `opener` is the C name of the function that opens what the call works on, as the daemon writes it. */
const notOpened = (opener: string): StateFault => ({
  code: 'ERR_GUESTFS_NOT_OPENED',
  problem: 'what this works on has not been opened',
  advice: `Call ${opener.replace(/[-_]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}() first`,
});

type Rule = readonly [words: RegExp, explain: (opener: string) => StateFault];

/** What libguestfs says where no appliance runs. */
const whileDown: readonly Rule[] = [
  [/^\w+: call launch before using this function(?:\n|$)/, () => notLaunched],
  [/^[\w-]+ can only be called after launch$/, () => notLaunched],
  [/^qemu has not been launched yet$/, () => notLaunched],
  [/^you must call guestfs_add_drive before guestfs_launch$/, () => noDrive],
];

/** What libguestfs and the daemon say where one runs. */
const whileUp: readonly Rule[] = [
  [/^\w+: this function can only be called in the config state$/, () => alreadyLaunched],
  [/^the libguestfs handle has already been launched$/, () => alreadyLaunched],
  [/^hotplugging support was removed in libguestfs [\d.]+$/, () => alreadyLaunched],
  [/^\w+: \w+: you must call 'mount' first to mount the root filesystem$/, () => notMounted],
  [/^\w+: \w+: you must call '([\w-]+)' first to initialize [\w ]+$/, notOpened],
];

/** What libguestfs says whether one runs or not. */
const always: readonly Rule[] = [
  [/^you must call guestfs_(\w+) first$/, notOpened],
  [/^no filesystem is mounted$/, () => notOpened('mount_local')],
  [/^\w+: no inspection data: call guestfs_(\w+) first$/, notOpened],
];

/**
 * The state that such a failure tells. The words stand for the whole of the message, and what the handle knows of its
 * appliance has to agree with them.
 */
export function stateIn({ message, launched }: Failure): StateFault | undefined {
  if (launched === undefined) return undefined;
  for (const [words, explain] of [...(launched ? whileUp : whileDown), ...always]) {
    const found = words.exec(message);
    if (found) return explain(found[1] ?? '');
  }
  return undefined;
}
