import type { ProgressEvent } from '../options/types';

/**
 * The events of a handle and what their listeners receive. C: the `GUESTFS_EVENT_*` of
 * {@link https://libguestfs.org/guestfs.3.html#setting-callbacks-to-handle-events | the manual}.
 */
export interface GuestfsEvents {
  /** A running call reports its progress. */
  progress: [event: ProgressEvent];
  /** The appliance wrote to its console; pieces of text, not lines. */
  appliance: [text: string];
  /** A debug message of the library (with `setVerbose(true)`). */
  library: [text: string];
  /** A call and its result, as text (with `setTrace(true)`). */
  trace: [text: string];
  /** The name of a libguestfs function that is being entered. */
  enter: [name: string];
  /** Something is wrong that does not make a call fail. */
  warning: [text: string];
  /** The appliance is up. */
  launchDone: [];
  /** The appliance has ended without being asked to. */
  subprocessQuit: [];
  /** The handle is closed; nothing follows. */
  close: [];
}

/** The name of an event of a handle. */
export type EventName = keyof GuestfsEvents;

/** `GUESTFS_EVENT_*`: progress does not stand here, it has a callback of its own. */
export const eventBits: ReadonlyMap<EventName, number> = new Map([
  ['close', 0x0001],
  ['subprocessQuit', 0x0002],
  ['launchDone', 0x0004],
  ['appliance', 0x0010],
  ['library', 0x0020],
  ['trace', 0x0040],
  ['enter', 0x0080],
  ['warning', 0x0200],
]);

/** `GUESTFS_EVENT_LIBVIRT_AUTH`: a question rather than an event. */
export const libvirtAuthBit = 0x0100;

/** The addon's own event: the handle's thread begins a call. */
export const callStartedBit = 2 ** 32;

export function eventName(bit: number): EventName | undefined {
  for (const [name, value] of eventBits) if (value === bit) return name;
  return undefined;
}
