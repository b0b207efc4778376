// The templates that there are, and their removal.
import { invalidType } from '../faults/arguments';
import type { GuestfsMethods } from '../generated/methods';
import { isArray, reading, readOptions } from '../options/read';
import { type Template, TemplateStore } from '../templates/store';
import type { GuestfsOptions } from './handle-options';

/** A template, as {@link Guestfs.listTemplates} tells of it. */
export interface TemplateReport {
  /** Name of the template: the same for all launches that can go on from it. */
  readonly key: string;
  /** Folder of its files. */
  readonly folder: string;
  /** When it was made. */
  readonly made: Date;
  /** When a launch came up from it last; null where none has, or where that could not be noted. */
  readonly used: Date | null;
  /** Size on the disk, bytes, with its part of the appliance's root, which templates share. */
  readonly bytes: number;
  /** Facts of the machine that a launch has to have in common with it: contents of files, qemu, its arguments. */
  readonly words: readonly string[];
  /** Whether it is root's, for all users, and this user is another. */
  readonly shared: boolean;
}

/** Options of {@link Guestfs.removeTemplates}: those of handles, of which `cachedir` counts, and which to remove. */
export interface RemoveTemplatesOptions extends GuestfsOptions {
  /** Keys of the templates to remove; default: all. */
  readonly keys?: readonly string[] | undefined;
}

type MakeHandle = (
  options: GuestfsOptions,
) => Pick<GuestfsMethods, 'getCachedir'> & { close(): Promise<void> };

/** `Guestfs.listTemplates()`. */
export async function listTemplates(
  makeHandle: MakeHandle,
  options: GuestfsOptions | undefined,
): Promise<TemplateReport[]> {
  const store = await storeOf(makeHandle, readOptions('listTemplates', options));
  return (await store.list()).map(reportOf);
}

/** `Guestfs.removeTemplates()`. */
export async function removeTemplates(
  makeHandle: MakeHandle,
  options: RemoveTemplatesOptions | undefined,
): Promise<TemplateReport[]> {
  const { keys, ...settings } = readOptions('removeTemplates', options);
  const wanted = checkKeys(keys);
  const removed = await (await storeOf(makeHandle, settings)).remove(wanted);
  return removed.map(reportOf);
}

function reportOf({ key, folder, made, used, bytes, words, shared }: Template): TemplateReport {
  return { key, folder, made, used: used ?? null, bytes, words, shared };
}

function checkKeys(keys: unknown): string[] | undefined {
  if (keys === undefined) return undefined;
  const wrong = () => invalidType('removeTemplates', 'options.keys', 'array of strings', keys);
  if (!isArray(keys)) throw wrong();
  const read = reading('removeTemplates', 'options.keys', () => [...keys]);
  if (!read.every((key) => typeof key === 'string')) throw wrong();
  return read;
}

async function storeOf(makeHandle: MakeHandle, settings: GuestfsOptions): Promise<TemplateStore> {
  const g = makeHandle(settings);
  try {
    return new TemplateStore(await g.getCachedir());
  } finally {
    await g.close();
  }
}
