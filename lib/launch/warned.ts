/** What a handle warns of, as data. */
export interface WarningDetails {
  /** `'KVM_FAILS'`: guests do not run on this machine's KVM, and a launch has done without. */
  readonly code: 'KVM_FAILS';
  /** How that is known, in words that continue a sentence. */
  readonly why: string;
}

/** Key of the function that hears of a handle's warnings as data; listeners of the event hear text. */
export const warned: unique symbol = Symbol('guestfs.warned');
