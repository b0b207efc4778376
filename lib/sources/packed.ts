// Packed images: what is in them is read in its place where qemu can, else unpacked.
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { image } from '../faults/faults';
import { brokenPack, diskMissing, noDiskIn, onlyRead } from '../faults/source-faults';
import { headOfFile } from '../host/heads';
import { readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { inTheNameOf, UnusableImage } from '../host/unusable-image';
import { refuseOutside } from '../host/within';
import { serve } from './hidden';
import { serveInPlace } from './in-place';
import type { Opening, Source } from './opening';
import { disksInDescription } from './ovf';
import { headOfPacked, looksLikeImage, type Packing, packingOf } from './packing';
import { headOfServed, openServed } from './remote';
import { strangerIn } from './strangers';
import { CutArchive, type TarEntry, tarEntries } from './tar';
import { sizeOf, unpack } from './unpack';

/** How often something may be packed in something else: an image in gzip in an archive in xz. */
const deepest = 4;

/** The disks in a file that is packed; undefined where it is not, or its format is said. */
export async function openPacked(file: ImageFile, opening: Opening): Promise<Source[] | undefined> {
  if (file.format !== undefined) return undefined;
  const path = resolve(file.path);
  await inTheNameOf(opening.operation, opening.signal, () =>
    refuseOutside(path, file.path, file.within, opening.signal),
  );
  const packing = await packingIn(path, file.path, opening);
  if (packing === undefined) return undefined;
  if (opening.writable) throw UnusableImage.for(onlyRead(file.path, `it is packed (${packing})`));
  return await disksIn({ path, shown: file.path, packing }, file, opening, 1);
}

/** @throws UnusableImage where the file is evidently something else */
async function packingIn(path: string, shown: string, { signal }: Opening): Promise<Packing | undefined> {
  const head = await headOfFile(path, headOfPacked, signal);
  const packing = head && packingOf(head);
  const stranger = head && packing === undefined ? strangerIn(head, shown) : undefined;
  if (stranger) throw UnusableImage.for(stranger);
  return packing;
}

interface Container {
  readonly path: string;
  readonly shown: string;
  readonly packing: Packing;
}

async function disksIn(
  container: Container,
  file: ImageFile,
  opening: Opening,
  depth: number,
): Promise<Source[]> {
  const { path, shown, packing } = container;
  if (depth > deepest) throw UnusableImage.for(image(shown, 'it is packed too often', undefined));
  if (packing === 'tar') return await disksInArchive(path, shown, file, opening, depth);
  const served = packing === 'xz' ? await serveInPlace(path, shown, opening) : undefined;
  // Where it is damaged, the unpacking says so.
  const head = served && (await headOfServed(served, opening).catch(() => opening.signal?.throwIfAborted()));
  if (served && head && packingOf(head) === undefined) return [await openServed(file, served, opening)];
  return await unpacked({ path, shown, packing, offset: 0, size: await sizeOf(path) }, file, opening, depth);
}

async function unpacked(
  packed: Parameters<typeof unpack>[0],
  file: ImageFile,
  opening: Opening,
  depth: number,
): Promise<Source[]> {
  const { signal, workspace, onUnpack } = opening;
  const path = await workspace.path('unpacked');
  const { shown } = packed;
  onUnpack?.(shown, 0, packed.size);
  await unpack(packed, path, signal, (read) => onUnpack?.(shown, read, packed.size));
  const packing = await packingIn(path, shown, opening);
  if (packing !== undefined) return await disksIn({ path, shown, packing }, file, opening, depth + 1);
  // What was unpacked lies in a folder of our own.
  const within = file.within && [...file.within, dirname(path)];
  const facts = await readImage({ ...file, path, within }, signal, opening.operation, shown);
  return [{ ...facts, drive: { filename: facts.absolutePath } }];
}

/** Names are shown, and no more: nothing is written under them. */
async function disksInArchive(
  path: string,
  shown: string,
  file: ImageFile,
  opening: Opening,
  depth: number,
): Promise<Source[]> {
  const disks: Source[] = [];
  const images = await imagesIn(path).catch((error: unknown) => {
    if (!(error instanceof CutArchive)) throw error;
    throw UnusableImage.for(brokenPack(shown, `it is cut within ${error.entry}`));
  });
  for (const { entry, packing } of images.found) {
    const name = `${shown}:${entry.name}`;
    if (packing === undefined || packing === 'tar')
      disks.push(await inPlace(path, name, entry, file, opening));
    else disks.push(...(await unpacked({ ...entry, path, shown: name, packing }, file, opening, depth + 1)));
  }
  const [first, ...others] = disks;
  if (first === undefined) throw UnusableImage.for(noDiskIn(shown));
  const missing = images.missing.map((name) => diskMissing(shown, name));
  return [{ ...first, notes: [...first.notes, ...missing] }, ...others];
}

/** Bytes of the longest description of a machine that is read. */
const longestDescription = 2 ** 20;

/** The images in an archive, and the names of disks that it describes and does not have. */
async function imagesIn(
  path: string,
): Promise<{ found: { entry: TarEntry; packing: Packing | undefined }[]; missing: string[] }> {
  const found: { entry: TarEntry; packing: Packing | undefined }[] = [];
  const names = new Set<string>();
  const described: string[] = [];
  const file = await open(path);
  try {
    for await (const entry of tarEntries(file, await sizeOf(path))) {
      const { buffer } = await file.read(
        Buffer.alloc(headOfPacked),
        0,
        Math.min(headOfPacked, entry.size),
        entry.offset,
      );
      names.add(plainName(entry.name));
      if (/\.ovf$/i.test(entry.name) && entry.size <= longestDescription) {
        const text = await file.read(Buffer.alloc(entry.size), 0, entry.size, entry.offset);
        described.push(...disksInDescription(text.buffer.toString()));
      }
      const isNamed = /\.(?:raw|img|vmdk|qcow2|vhdx?)$/i.test(entry.name);
      if (isNamed || looksLikeImage(buffer)) found.push({ entry, packing: packingOf(buffer) });
    }
  } finally {
    await file.close();
  }
  return { found, missing: described.filter((name) => !names.has(plainName(name))) };
}

const plainName = (name: string) => name.replace(/^(?:\.\/)+/, '');

/** Part of a file as the disk that it is. */
async function inPlace(
  path: string,
  shown: string,
  { offset, size }: TarEntry,
  file: ImageFile,
  opening: Opening,
): Promise<Source> {
  const whole = Math.ceil(size / 512) * 512;
  const part = { driver: 'raw', offset, size: whole, file: { driver: 'file', filename: path } };
  const served = await serve({ backing: `json:${JSON.stringify(part)}`, shown, secrets: [] }, opening);
  return await openServed(file, served, opening);
}
