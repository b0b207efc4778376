/** Why a launch is not made from a template. */
export type RefusalReason =
  /** The launch was asked not to, by an option or the environment. */
  | 'off'
  /** The backend is not `direct`. */
  | 'backend'
  /** The appliance runs under KVM, or the processor is of a kind on which nobody has measured. */
  | 'accelerator'
  /** The launch is verbose, and its reader wants to see a boot. */
  | 'verbose'
  /** The machine has something of which a template knows nothing. */
  | 'command-line'
  /** What is set as the hypervisor is no program of this machine's processor, so that nobody knows what it runs. */
  | 'hypervisor'
  /** Node's permission model (`--permission`) forbids what templates need. */
  | 'permissions'
  /** This libguestfs has no moment in which its appliance could be saved. */
  | 'library'
  /** Another process is making the template, and takes too long. */
  | 'busy'
  /** A program or a file that is needed is not there. */
  | 'missing'
  /** Space is short, or the cache may not be written. */
  | 'cache'
  /** The appliance cannot be saved, or could not. */
  | 'making'
  /** A template was there, and the appliance did not come up from it. */
  | 'restoring';

/** Why a launch is not made from a template, as data and in words. */
export interface Refusal {
  readonly refused: RefusalReason;
  /** What is not as it should be, for people: part of a sentence. */
  readonly why: string;
}

export function refusal(refused: RefusalReason, why: string): Refusal {
  return { refused, why };
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value;
}

export function commandLineUnknown(argument: string): Refusal {
  return refusal('command-line', `the appliance's machine has what no template knows: ${argument}`);
}
