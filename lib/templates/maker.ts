// The making of a template: an appliance boots without any disk, and is saved in the moment before it looks for them.
import { chmod, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runQemuImg } from '../host/qemu-img';
import { later } from '../options/own-timers';
import { type CommandLine, controlWord, escaped, templateDevices } from './command-line';
import { cycles, type Identity, identify } from './identity';
import type { Markers } from './markers';
import type { OwnedFolder } from './owned-folder';
import { Qmp } from './qmp';
import { provideRoot } from './root';
import { leaveOutEmptyPages } from './saved-memory';
import { files, type Incoming, type TemplateStore } from './store';

/**
 * Milliseconds between the guest's last word and its saving: a serial port that is saved while it sends may stand still in
 * the clone, and with it whoever writes to the console.
 */
const quietMs = 500;

/** Bytes of the disk that comes and goes. */
const scratchSize = 16 * 2 ** 20;

/** What a maker works with. */
export interface MakerParts {
  readonly store: TemplateStore;
  readonly identity: Identity;
  readonly line: CommandLine;
  readonly qemu: string;
  /** Private folder of the launch. */
  readonly folder: string;
  /** What the guest says of its progress. */
  readonly markers: Markers;
  /** Aborted when the maker is to give up, or its qemu has ended. */
  readonly signal: AbortSignal;
}

/** One making: `prepare`, start qemu with the arguments, `save`; or `discard` at any time. */
export class Maker {
  readonly #parts: MakerParts;
  readonly #draft: OwnedFolder;

  private constructor(parts: MakerParts, draft: OwnedFolder) {
    this.#parts = parts;
    this.#draft = draft;
  }

  /** Undefined where somebody else makes this template. */
  static async begin(parts: MakerParts): Promise<Maker | undefined> {
    const draft = await parts.store.begin(parts.identity.key);
    return draft && new Maker(parts, draft);
  }

  /** Returns the arguments of a qemu that boots to the template. */
  async prepare(): Promise<string[]> {
    const { store, identity, line, qemu, folder, signal } = this.#parts;
    const source = { name: identity.rootKey, source: line.root, target: this.#path('root') };
    await provideRoot(store, source, signal);
    const { key } = await identify(line, qemu);
    if (key !== identity.key) throw new Error('the appliance has been built anew meanwhile');
    const overlay = this.#path('overlay');
    await runQemuImg(['create', '-q', '-f', 'qcow2', '-b', files.root, '-F', 'raw', overlay], signal);
    const control = join(folder, 'control');
    await writeFile(control, controlWord(['wait']), { mode: 0o600 });
    const scratch = join(folder, 'scratch');
    await writeFile(scratch, '', { mode: 0o600 });
    await truncate(scratch, scratchSize);
    return [
      ...line.maker,
      ...templateDevices({ root: `file=${escaped(overlay)},format=qcow2`, control }),
      ...['-drive', `file=${escaped(scratch)},format=raw,if=none,id=scratch`],
      // A machine that is saved while it stands still would stand still when it is restored, if it knew.
      ...['-global', 'migration.store-global-state=off'],
      ...['-qmp', `unix:${escaped(this.#monitor)},server=on,wait=off`],
    ];
  }

  /** Goes with the guest through its preparations, saves it, and ends it. */
  async save(): Promise<void> {
    const { store, identity, markers } = this.#parts;
    await markers.reached('warm');
    const qmp = await Qmp.open(this.#monitor);
    let incoming: Incoming;
    try {
      await qmp.run('device_add', {
        ...{ driver: 'scsi-hd', bus: 'scsi.0', drive: 'scratch', id: 'scratch', 'scsi-id': 0 },
      });
      await markers.reached('cold');
      await qmp.run('device_del', { id: 'scratch' });
      await markers.reached('ready');
      await new Promise((resolve) => later(resolve, quietMs));
      await this.#saveState(qmp);
      incoming = (await qmp.knowsFiles()) ? 'file' : 'descriptor';
      await qmp.run('quit').catch(() => undefined);
    } finally {
      qmp.close();
    }
    await markers.ended();
    for (const name of ['overlay', 'state'] as const) await chmod(this.#path(name), 0o444);
    await store.publish(this.#draft, {
      ...{ key: identity.key, words: identity.words, incoming, cycles: await cycles() },
    });
  }

  /** A stream that is not as known is as good: clones take more memory then, and the time in which the host finds it. */
  async #saveState(qmp: Qmp): Promise<void> {
    const state = this.#path('state');
    try {
      await this.#saveWithoutEmptyPages(qmp, state);
    } catch {
      await rm(state, { force: true });
      await qmp.saveToFile(state);
    }
  }

  /** Lets qemu send what it saves, and takes it in while it comes. */
  async #saveWithoutEmptyPages(qmp: Qmp, state: string): Promise<void> {
    const path = join(this.#parts.folder, 'state');
    let copied: Promise<void> | undefined;
    const server = createServer((socket) => {
      // Where the stream is not as known qemu's saving fails, too.
      copied = leaveOutEmptyPages(socket, state).finally(() => socket.destroy());
      copied.catch(() => undefined);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    try {
      await qmp.save(`unix:${path}`);
      await copied;
    } finally {
      server.close();
      await copied?.catch(() => undefined);
    }
  }

  async discard(): Promise<void> {
    await this.#draft.remove();
  }

  get #monitor(): string {
    return join(this.#parts.folder, 'monitor');
  }

  #path(name: keyof typeof files): string {
    return join(this.#draft.path, files[name]);
  }
}
