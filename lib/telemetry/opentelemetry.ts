// `guestfs/opentelemetry`: spans of what the diagnostics channels tell. It is loaded by whoever has OpenTelemetry.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { GuestfsError } from '../faults/errors';
import { packageVersion } from '../text/generated/package';
import type { CallDiagnostics, GuestDiagnostics, PhaseDiagnostics } from './diagnostics';

/** Configuration of {@link GuestfsInstrumentation}. */
export interface GuestfsInstrumentationConfig {
  /** Whether it is enabled at once; default true. */
  enabled?: boolean;
  /** Whether calls have spans, too, and not only guests and launches; default true. */
  calls?: boolean;
  /**
   * Environment whose `TRACEPARENT` and `TRACESTATE` name the parent of what has none in the program: the span of the job
   * in which it runs. Default `process.env`.
   */
  env?: NodeJS.ProcessEnv;
}

/** A span, and what was active when it began. */
interface Begun {
  readonly span: Span;
  readonly active: Context;
}

/**
 * Spans of OpenTelemetry for guests (images that are opened together), launches with their phases as events, and calls.
 * It can be used by itself, or be one of the `instrumentations` of an SDK.
 *
 * ```ts
 * import { GuestfsInstrumentation } from 'guestfs/opentelemetry';
 *
 * new GuestfsInstrumentation();
 * ```
 *
 * Calls belong to their guest, unless the program has made a span of its own active since. Arguments and results are in
 * no span: they may be secrets. Needs the package `@opentelemetry/api`.
 */
export class GuestfsInstrumentation {
  /** Name by which an SDK knows it. */
  readonly instrumentationName = 'guestfs';
  /** Version of the package. */
  readonly instrumentationVersion = packageVersion;
  #config: GuestfsInstrumentationConfig;
  #provider: TracerProvider | undefined;
  #isEnabled = false;
  readonly #guests = new WeakMap<object, Begun>();
  readonly #handles = new WeakMap<object, Begun>();
  readonly #calls = new WeakMap<object, Span>();
  readonly #subscriptions: readonly (readonly [string, (message: unknown) => void])[] = [
    ['tracing:guestfs:guest:start', (guest) => this.#guestStarts(guest as GuestDiagnostics)],
    ['tracing:guestfs:guest:asyncStart', (guest) => this.#guestOpens(guest as GuestDiagnostics)],
    ['tracing:guestfs:guest:asyncEnd', (guest) => this.#guestEnds(guest as GuestDiagnostics)],
    ['tracing:guestfs:call:start', (call) => this.#callStarts(call as CallDiagnostics)],
    ['guestfs:phase', (phase) => this.#phaseStarts(phase as PhaseDiagnostics)],
    ['tracing:guestfs:call:asyncEnd', (call) => this.#callEnds(call as CallDiagnostics)],
  ];

  constructor(config: GuestfsInstrumentationConfig = {}) {
    this.#config = config;
    if (config.enabled !== false) this.enable();
  }

  /** Makes spans from now on. */
  enable(): void {
    if (this.#isEnabled) return;
    this.#isEnabled = true;
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener);
  }

  /** Makes no more spans; those that have begun end with what they are about. */
  disable(): void {
    if (!this.#isEnabled) return;
    this.#isEnabled = false;
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener);
  }

  /** Takes the tracer from there; default: the one that is registered for the whole program. */
  setTracerProvider(provider: TracerProvider): void {
    this.#provider = provider;
  }

  /** Does nothing: there are no metrics. */
  setMeterProvider(): void {}

  /** Replaces the configuration; `enabled` is only for the constructor. */
  setConfig(config: GuestfsInstrumentationConfig): void {
    this.#config = config;
  }

  /** Returns the configuration. */
  getConfig(): GuestfsInstrumentationConfig {
    return this.#config;
  }

  #guestStarts(guest: GuestDiagnostics): void {
    const { operation, images } = guest;
    const active = context.active();
    const span = this.#start(`guestfs ${operation}`, this.#within(active), {
      'guestfs.operation': operation,
      'guestfs.images': [...images],
    });
    this.#guests.set(guest, { span, active });
  }

  #guestOpens(guest: GuestDiagnostics): void {
    const begun = this.#guests.get(guest);
    if (begun && guest.handle) this.#handles.set(guest.handle, begun);
  }

  #guestEnds(guest: GuestDiagnostics): void {
    const begun = this.#guests.get(guest);
    if (begun) end(begun.span, guest.error);
  }

  #callStarts(call: CallDiagnostics): void {
    const { operation, handle } = call;
    if (this.#config.calls === false && operation !== 'launch') return;
    const active = context.active();
    const guest = this.#handles.get(handle);
    const parent = guest?.active === active ? trace.setSpan(active, guest.span) : this.#within(active);
    this.#calls.set(call, this.#start(`guestfs.${operation}`, parent, { 'guestfs.operation': operation }));
  }

  #phaseStarts({ call, phase }: PhaseDiagnostics): void {
    this.#calls.get(call)?.addEvent(phase);
  }

  #callEnds(call: CallDiagnostics): void {
    const span = this.#calls.get(call);
    if (!span) return;
    const { launchWay, error } = call;
    if (launchWay) {
      span.setAttribute('guestfs.launch.from', launchWay.from);
      span.setAttribute('guestfs.launch.made', launchWay.made);
      if (launchWay.reason !== undefined) span.setAttribute('guestfs.launch.reason', launchWay.reason);
    }
    end(span, error);
  }

  #start(name: string, parent: Context, attributes: Attributes): Span {
    const provider = this.#provider ?? trace.getTracerProvider();
    return provider.getTracer('guestfs', packageVersion).startSpan(name, { attributes }, parent);
  }

  /** The active context, or where that has no span, the one of the job. */
  #within(active: Context): Context {
    if (trace.getSpan(active)) return active;
    const { TRACEPARENT, TRACESTATE } = this.#config.env ?? process.env;
    if (!TRACEPARENT) return active;
    return propagation.extract(active, { traceparent: TRACEPARENT, tracestate: TRACESTATE });
  }
}

function end(span: Span, error: unknown): void {
  if (error !== undefined) {
    const { message, shortMessage = message } = error as Partial<GuestfsError>;
    span.recordException(error as Error);
    span.setAttribute('error.type', typeOf(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message: shortMessage ?? String(error) });
  }
  span.end();
}

function typeOf(error: unknown): string {
  if (error instanceof GuestfsError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}
