import type { TracedCall, TracedGuest, TracedPhase } from '../calls/tracing-channel';
import type { Guestfs } from '../guestfs';
import type { LaunchWay } from '../launch/from-template';

/**
 * A call, as subscribers of the tracing channel `guestfs:call` of `node:diagnostics_channel` are told of it: one object
 * from its start to its end.
 */
export interface CallDiagnostics extends TracedCall<Guestfs> {
  /** How `launch` brought the appliance up; set at its end. */
  readonly launchWay?: LaunchWay;
}

/**
 * A phase that a launch enters, as subscribers of the channel `guestfs:phase` of `node:diagnostics_channel` are told of
 * it.
 */
export interface PhaseDiagnostics extends TracedPhase<CallDiagnostics> {}

/**
 * The work on the images of one guest, from the look at them to the end of the appliance, as subscribers of the tracing
 * channel `guestfs:guest` of `node:diagnostics_channel` are told of it: one object from its `start` to its `asyncEnd`.
 * {@link inspect}, {@link inspectAll}, {@link sbom}, {@link diff} and the commands tell it.
 */
export interface GuestDiagnostics extends TracedGuest<Guestfs> {}
