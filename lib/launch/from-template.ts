// Launches from a template where that can be, and by booting where not.
import type { MakeCall } from '../calls/make-call';
import { errorFor } from '../faults/errors';
import { missingFlags } from '../host/permissions';
import { isRefusal, type Refusal, type RefusalReason, refusal } from '../templates/refusal';
import { Start } from '../templates/start';
import { holds, TemplateStore } from '../templates/store';
import type { AttemptFailure, Attempts, Way } from './attempt';
import { notForLong } from './last-moment';
import type { CheckedLaunchOptions, TemplateMode } from './options';

/** How an appliance came up. */
export interface LaunchWay {
  /** `'template'`: it went on from an appliance that had been booted before; `'boot'`: it was booted. */
  readonly from: 'template' | 'boot';
  /** Whether this launch has made the template. */
  readonly made: boolean;
  /** Key of the template, as {@link Guestfs.listTemplates} names it; undefined for a launch that was a boot. */
  readonly key?: string | undefined;
  /** Why it was booted; undefined for a launch from a template. */
  readonly reason?: RefusalReason | undefined;
  /** The reason in words. */
  readonly why?: string | undefined;
}

/** Settings of a launch on which it depends whether there can be a template. */
interface Settings {
  readonly options: CheckedLaunchOptions;
  readonly backend: string;
  /** The program that the handle has for qemu. */
  readonly qemu: string;
}

/** Of libguestfs 1.x: from then on its daemon lists the disks, for their names, before it answers. */
const firstWithPause = 42n;

export class FromTemplate {
  readonly #attempts: Attempts;
  readonly #call: MakeCall;
  readonly #options: CheckedLaunchOptions;
  readonly #backend: string;
  /** The last start of an appliance that was to be a template or a clone. */
  #start: { readonly start: Start; readonly store: TemplateStore } | undefined;
  readonly #qemu: string;
  /** How the appliance came up. */
  way: LaunchWay | undefined;

  constructor(attempts: Attempts, call: MakeCall, { options, backend, qemu }: Settings) {
    this.#attempts = attempts;
    this.#qemu = qemu;
    this.#call = call;
    this.#options = options;
    this.#backend = backend;
  }

  /** Launches; as `Attempts.make`. */
  async launch(way: Way, isEmulated: boolean): Promise<AttemptFailure | undefined> {
    const mode = this.#options.template ?? usualMode(isEmulated);
    const refused = (await this.#whyNot(mode)) ?? (await this.#fromTemplate(way, mode));
    if (refused === undefined || !isRefusal(refused)) return refused;
    if (mode === 'only') throw noTemplate(refused);
    const failure = await this.#attempts.make(way);
    if (failure) return failure;
    this.#isUp('boot', refused);
    await notForLong(this.#blame(refused));
    return undefined;
  }

  async #whyNot(mode: TemplateMode | Refusal): Promise<Refusal | undefined> {
    if (typeof mode === 'object') return mode;
    if (mode === 'never') return refusal('off', 'templates are switched off');
    if (this.#backend !== 'direct') return refusal('backend', `the backend is ${this.#backend}`);
    const flags = missingFlags();
    if (flags.length > 0) {
      const why = `Node's permission model forbids what templates need: start Node.js with ${flags.join(' ')} too`;
      return refusal('permissions', why);
    }
    if (mode === 'auto' && (await this.#call<boolean>('getVerbose'))) {
      return refusal('verbose', 'the launch is verbose');
    }
    const { major, minor } = await this.#call<{ major: bigint; minor: bigint }>('version');
    if (major === 1n && minor < firstWithPause)
      return refusal('library', `libguestfs ${major}.${minor} looks for disks before a template could wait`);
    return undefined;
  }

  /**
   * Returns why not, or why not even a boot; undefined where the appliance is up. A template that was made or found and did
   * not work is blamed only if a boot works.
   */
  async #fromTemplate(way: Way, mode: TemplateMode | Refusal): Promise<Refusal | AttemptFailure | undefined> {
    const store = new TemplateStore(await this.#call<string>('getCachedir'));
    let made = false;
    for (;;) {
      const start = new Start({
        ...{ store, qemu: this.#qemu, only: mode === 'only', lenses: this.#options.lenses },
        onKind: (kind) => kind !== 'boot' && this.#attempts.enter(kind === 'make' ? 'template' : 'restore'),
      });
      this.#start = { start, store };
      const failure = await this.#attempts.make({ ...way, start });
      if (!failure) {
        // The script that stood in qemu's place could not ask, and has become qemu.
        if (start.kind === undefined)
          start.refused ??= refusal('missing', 'nobody was asked how to start qemu');
        this.#isUp(start.kind === 'restore' ? 'template' : 'boot', start.refused, made);
        if (start.template) await notForLong(store.use(start.template));
        if (start.refused) await notForLong(this.#blame(start.refused));
        return undefined;
      }
      if (start.made && !made) {
        made = true;
        continue;
      }
      if (start.kind === 'boot') return failure;
      if (start.refused) return start.refused;
      if (start.kind !== 'restore') return refusal('making', failure.why);
      return refusal(failure.remember ? 'restoring' : 'busy', failure.why);
    }
  }

  /** The same appliance runs without a template. */
  async #blame({ refused, why }: Refusal): Promise<void> {
    const { start, store } = this.#start ?? {};
    if (!start || !store || start.key === undefined) return;
    if (start.template && refused === 'restoring') await store.discard(start.template, why);
    else if (refused === 'making') {
      await store.noteFailure(start.key, why, start.markers.failure === why ? holds.forSure : holds.perhaps);
    }
  }

  #isUp(from: LaunchWay['from'], refused: Refusal | undefined, made = false): void {
    this.way = {
      from,
      made,
      ...(from === 'template' && { key: this.#start?.start.key }),
      ...(from === 'boot' && refused && { reason: refused.refused, why: refused.why }),
    };
  }
}

/**
 * Use of templates where nobody has said anything. Nobody has measured yet what they are worth with KVM, or on other
 * processors.
 */
export function usualMode(isEmulated: boolean): TemplateMode | Refusal {
  if (!isEmulated) return refusal('accelerator', 'the appliance may run under KVM');
  if (process.arch !== 'x64') return refusal('accelerator', `the processor is ${process.arch}`);
  return 'auto';
}

const refusals = new WeakMap<object, Refusal>();

/** Why a launch could not be made from a template, given the error of one that was to be; undefined for other errors. */
export function refusalOf(error: object): Refusal | undefined {
  return refusals.get(error);
}

function noTemplate(refused: Refusal) {
  const { why } = refused;
  const error = errorFor({
    ...{ code: 'ERR_GUESTFS_TEMPLATE', operation: 'launch' },
    problem: `the appliance cannot be launched from a template: ${why}`,
    hint: "Use template: 'auto', which boots where there can be no template.",
  });
  refusals.set(error, refused);
  return error;
}
