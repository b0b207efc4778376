// The disks of libvirt's guests, which libvirt itself names.
import type { Guestfs } from '../guestfs';
import { readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import type { Opening, Source } from '../sources/opening';

/** Adds the disks of a guest of libvirt, and tells what the host knows of them. */
export async function addDomain(
  g: Guestfs,
  name: string,
  { libvirturi, followUris, within }: ImageFile,
  { operation, signal, writable }: Opening,
): Promise<Source[]> {
  const before = (await g.debugDrives()).length;
  await g.addDomain(name, {
    ...{ libvirturi, readonly: !writable, allowuuid: true, signal },
    // A CD that is never written to stands in no one's way.
    readonlydisk: 'read',
  });
  const sources: Source[] = [];
  for (const { path, format, blocksize, protocol } of (await g.debugDrives()).slice(before).map(partsOf)) {
    const drive = { filename: path };
    if (protocol !== 'file') {
      const unknown = { fileSize: 0, virtualSize: 0, actualSize: null, backingChain: [], notes: [] };
      const shown = `${protocol}:${path}`;
      sources.push({
        ...unknown,
        path: shown,
        absolutePath: shown,
        format: format ?? 'unknown',
        blocksize,
        drive,
      });
    } else {
      const facts = await readImage({ path, format, followUris, within }, signal, operation);
      sources.push({ ...facts, blocksize, drive });
    }
  }
  return sources;
}

/** Parts of what libguestfs says of a drive: `PATH readonly format=raw protocol=file …`. */
export function partsOf(drive: string) {
  const [, path = drive, format, protocol = 'file', rest = ''] =
    /^(.*?)(?: readonly)?(?: format=(\w+))? protocol=(\w+)((?: [a-z]+(?:=\S*)?)*)$/s.exec(drive) ?? [];
  const blocksize = / blocksize=(\d+)/.exec(rest)?.[1];
  return { path, format, protocol, blocksize: blocksize === undefined ? undefined : Number(blocksize) };
}
