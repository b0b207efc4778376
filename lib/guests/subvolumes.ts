// Subvolumes of btrfs: a system mounts them by their paths or numbers, and libguestfs names them `btrfsvol:DEVICE/PATH`.
import type { Guestfs } from '../guestfs';
import { orNull } from './problems';

/** Number of the subvolume in which all others are. */
const top = 5n;

export interface Subvolumes {
  /** Number of the subvolume that is mounted where none is named: the device's own name stands for it. */
  readonly whole: bigint;
  /** Paths from the top, by their numbers. */
  readonly paths: ReadonlyMap<bigint, string>;
}

export class SubvolumeLists {
  readonly #g: Pick<Guestfs, 'btrfsSubvolumeGetDefault' | 'btrfsSubvolumeList'>;
  readonly #lists = new Map<string, Promise<Subvolumes | null>>();

  constructor(g: Pick<Guestfs, 'btrfsSubvolumeGetDefault' | 'btrfsSubvolumeList'>) {
    this.#g = g;
  }

  /** Subvolumes of the btrfs on a device; null where they cannot be listed. */
  of(device: string): Promise<Subvolumes | null> {
    const list = this.#lists.get(device) ?? this.#list(device);
    this.#lists.set(device, list);
    return list;
  }

  async #list(device: string): Promise<Subvolumes | null> {
    const all = await orNull(this.#g.btrfsSubvolumeList(device));
    const whole = all === null ? null : await orNull(this.#g.btrfsSubvolumeGetDefault(device));
    if (all === null || whole === null) return null;
    return { whole, paths: new Map(all.map((each) => [each.btrfssubvolumeId, each.btrfssubvolumePath])) };
  }
}

/** Name of the top where another subvolume is mounted by the device's own name: its path is `/`. */
const topOf = (device: string) => `btrfsvol:${device}//`;

/** Names of the subvolumes that can be mounted by names of their own. */
export function volumesOf(device: string, { whole, paths }: Subvolumes): string[] {
  const named = [...paths].filter(([id]) => id !== whole).map(([, path]) => `btrfsvol:${device}/${path}`);
  return whole === top ? named : [topOf(device), ...named];
}

/** What the options of a line of fstab mount of the btrfs on a device; undefined where that is not there. */
export function subvolumeFor(
  device: string,
  options: ReadonlyMap<string, string>,
  subvolumes: Subvolumes | null,
): string | undefined {
  const path = options.get('subvol')?.replace(/^\/+|\/+$/g, '');
  const id = options.get('subvolid');
  if (path === undefined && id === undefined) return device;
  if (subvolumes === null) return path ? `btrfsvol:${device}/${path}` : undefined;
  const { whole, paths } = subvolumes;
  // A number that is taken anew, as by a snapshot that was restored, counts less than the path beside it.
  const wanted = path === undefined ? numbered(id) : path === '' ? top : numberOf(paths, path);
  if (wanted === undefined) return undefined;
  if (wanted === whole) return device;
  if (wanted === top) return topOf(device);
  const found = paths.get(wanted);
  return found === undefined ? undefined : `btrfsvol:${device}/${found}`;
}

const numbered = (id = '') => (/^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(id) ? BigInt(id) || top : undefined);

function numberOf(paths: Subvolumes['paths'], path: string): bigint | undefined {
  return [...paths].find(([, each]) => each === path)?.[0];
}

/** Device and path of a subvolume's name; undefined for other names. */
export function partsOf(
  mountable: string,
  devices: readonly string[],
): { readonly device: string; readonly path: string } | undefined {
  const rest = /^btrfsvol:(.+)$/s.exec(mountable)?.[1];
  if (rest === undefined) return undefined;
  const device = devices.find((each) => rest.startsWith(`${each}/`)) ?? /^\/dev\/[^/]+/.exec(rest)?.[0];
  return device === undefined ? undefined : { device, path: rest.slice(device.length + 1) };
}
