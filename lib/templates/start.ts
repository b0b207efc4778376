// One start of the appliance: by what libguestfs wants to run, and what is there, it is decided what is run.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { later } from '../options/own-timers';
import { type CommandLine, controlWord, escaped, parseCommandLine, templateDevices } from './command-line';
import { cycles, type Identity, identify, isMachineProgram, pathOfProgram } from './identity';
import { Maker } from './maker';
import { Markers } from './markers';
import { isRefusal, type Refusal, refusal } from './refusal';
import { files, type Template, type TemplateStore } from './store';
import { inherited, Wrapper } from './wrapper';

/** Milliseconds between two looks whether another maker is done. */
const pollMs = 50;

/** Milliseconds for which another maker is waited for: longer than it takes on a busy machine. */
const longestWaitMs = 60_000;

/** By how much cycles in a second may differ: one measurement differs from another. */
const steady = 0.0005;

/** What a start was: a clone of a template, the making of one, or a boot. */
export type StartKind = 'restore' | 'make' | 'boot';

/** How a clone is started. */
interface Clone {
  readonly args: readonly string[];
  /** File that it gets open. */
  readonly file: string | undefined;
}

export interface StartParts {
  readonly store: TemplateStore;
  /** The handle's program for qemu. */
  readonly qemu: string;
  /** Only from a template: no boot where there can be none. */
  readonly only: boolean;
  /** Set of augeas's lenses. */
  readonly lenses: 'all' | 'inspection';
  /** Called when it is known what is started. */
  onKind(kind: StartKind): void;
}

/** What a start has got ready. */
interface Prepared {
  readonly wrapper: Wrapper;
  /** Path of qemu. */
  readonly qemu: string;
}

/** Serves one start of libguestfs's appliance. */
export class Start {
  readonly markers = new Markers();
  readonly #parts: StartParts;
  readonly #over = new AbortController();
  #prepared: Promise<Prepared> | undefined;
  /** Undefined before libguestfs has come so far. */
  kind: StartKind | undefined;
  /** Why it is, or has to be, a boot. */
  refused: Refusal | undefined;
  /** The template that it goes on from. */
  template: Template | undefined;
  key: string | undefined;
  /** Whether a template has been saved. */
  made = false;

  constructor(parts: StartParts) {
    this.#parts = parts;
  }

  /** Whether a template could not be saved, though the guest runs that was to be it. */
  get hasFailedToMake(): boolean {
    return this.kind === 'make' && this.refused !== undefined;
  }

  /** Paths of what `prepare` looks at. */
  get places(): string[] {
    return [this.#parts.qemu, folderForWrappers()];
  }

  /**
   * Gets ready, and returns the program that libguestfs is to start.
   *
   * @throws where that cannot be; `refused` says why
   */
  async prepare(): Promise<string> {
    this.#prepared = this.#getReady();
    return (await this.#prepared).wrapper.program;
  }

  async #getReady(): Promise<Prepared> {
    const qemu = await pathOfProgram(this.#parts.qemu);
    if (!(await isMachineProgram(qemu))) {
      this.refused = refusal('hypervisor', `${this.#parts.qemu} is no program of this machine`);
      throw new Error(this.refused.why);
    }
    const { only } = this.#parts;
    const wrapper = await Wrapper.make(folderForWrappers(), { qemu, only }).catch((error: Error) => {
      this.refused = refusal('missing', error.message);
      throw error;
    });
    return { wrapper, qemu };
  }

  /** Removes what it has got ready, also where the launch was given up meanwhile. */
  async remove(): Promise<void> {
    const prepared = await this.#prepared?.catch(() => undefined);
    await prepared?.wrapper.remove();
  }

  /** Notes what only the script knows that stood in qemu's place, once the launch has ended. */
  async note(): Promise<void> {
    const prepared = await this.#prepared;
    if (this.kind !== undefined || !(await prepared?.wrapper.couldNotAsk())) return;
    this.refused ??= refusal('missing', 'what starts qemu found no mkfifo or mv on the PATH');
  }

  /** Waits for libguestfs's questions, answers them, and sees to what follows from the answers. */
  async serve(): Promise<void> {
    const prepared = await this.#prepared;
    for (;;) {
      const args = await prepared?.wrapper.question(this.#over.signal);
      if (!prepared || !args) return;
      await this.#serve(prepared, args, this.#over.signal);
    }
  }

  async #serve(prepared: Prepared, args: readonly string[], signal: AbortSignal): Promise<void> {
    const { wrapper, qemu } = prepared;
    try {
      const found = await this.#decide(prepared, args, signal);
      if (signal.aborted) return;
      if (isRefusal(found)) return await this.#boot(prepared, args, found, signal);
      if (found instanceof Maker) return await this.#make(prepared, args, found, signal);
      this.#is('restore');
      await wrapper.run([qemu, ...found.args], signal, found.file);
    } catch (error) {
      if (!signal.aborted && this.kind === undefined) {
        await this.#boot(prepared, args, refusal('missing', (error as Error).message), signal);
      } else this.refused ??= refusal('restoring', (error as Error).message);
    }
  }

  /** To be called when libguestfs's launch has ended, and with it qemu unless it is up. */
  end(): void {
    this.markers.end();
    this.#over.abort();
  }

  async #decide(
    { wrapper, qemu }: Prepared,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<Refusal | Maker | Clone> {
    const { store } = this.#parts;
    const line = parseCommandLine(args);
    if (isRefusal(line)) return line;
    const identity = await identify(line, qemu);
    this.key = identity.key;
    const began = Date.now();
    while (!signal.aborted) {
      const template = await store.find(identity.key);
      if (template) return this.#cloneOf(template, line, wrapper);
      const failure = await store.failureOf(identity.key);
      if (failure !== undefined) return refusal('making', failure);
      const why = await store.prepare();
      if (why !== undefined) return refusal('cache', why);
      const maker = await Maker.begin({
        ...{ store, identity, line, qemu, folder: wrapper.folder, markers: this.markers, signal },
      });
      // Somebody may have been quicker since the look before.
      if (maker && !(await store.find(identity.key))) return maker;
      await maker?.discard();
      await this.#otherMaker(identity, signal);
      if (Date.now() - began > longestWaitMs)
        return refusal('busy', 'another process is making the template');
    }
    return refusal('off', 'the launch is given up');
  }

  /** Waits for somebody who makes this template. */
  async #otherMaker({ key }: Identity, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    while (!signal.aborted && (await this.#parts.store.isBeingMade(key))) {
      if (Date.now() - began > longestWaitMs) return;
      await new Promise((resolve) => later(resolve, pollMs));
    }
  }

  async #cloneOf(template: Template, line: CommandLine, wrapper: Wrapper): Promise<Clone> {
    const { lenses } = this.#parts;
    this.template = template;
    const control = join(wrapper.folder, 'control');
    const seed = randomBytes(64).toString('hex');
    const now = (Date.now() / 1000).toFixed(3);
    // Under emulation a guest counts the cycles of the host, and knows how many its maker's host had in a second.
    const isSteady = Math.abs(template.cycles / (await cycles()) - 1) < steady;
    const clock = isSteady ? 'tsc' : 'acpi_pm';
    const word = controlWord(['go', line.disks, now, seed, lenses, clock, '']);
    await writeFile(control, word, { mode: 0o600 });
    const overlay = join(template.folder, files.overlay);
    const state = join(template.folder, files.state);
    const byName = template.incoming === 'file';
    const args = [
      ...line.clone,
      ...templateDevices({ root: `file=${escaped(overlay)},format=qcow2,snapshot=on`, control }),
      ...['-incoming', byName ? `file:${state}` : `fd:${inherited}`],
    ];
    return { args, file: byName ? undefined : state };
  }

  async #make(prepared: Prepared, args: readonly string[], maker: Maker, signal: AbortSignal): Promise<void> {
    const { wrapper, qemu } = prepared;
    try {
      const own = await maker.prepare();
      this.#is('make');
      await wrapper.run([qemu, ...own], signal);
      await maker.save();
      this.made = true;
    } catch (error) {
      // Before others try: what the guest has said holds for them too.
      const { failure } = this.markers;
      if (failure !== undefined && this.key !== undefined)
        await this.#parts.store.noteFailure(this.key, failure);
      await maker.discard();
      this.refused = refusal('making', failure ?? (error as Error).message);
      if (this.kind === undefined && !signal.aborted) await this.#boot(prepared, args, this.refused, signal);
    }
  }

  async #boot(
    { wrapper, qemu }: Prepared,
    args: readonly string[],
    refused: Refusal,
    signal: AbortSignal,
  ): Promise<void> {
    this.refused = refused;
    if (this.#parts.only) return wrapper.refuse(signal);
    this.#is('boot');
    await wrapper.run([qemu, ...args], signal);
  }

  #is(kind: StartKind): void {
    this.kind = kind;
    this.#parts.onKind(kind);
  }
}

/** qemu's socket there has a name of at most 107 bytes. */
function folderForWrappers(): string {
  return Buffer.byteLength(tmpdir()) <= 30 ? tmpdir() : '/tmp';
}
