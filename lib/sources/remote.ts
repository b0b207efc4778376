// Images on servers.
import { onlyRead, packedElsewhere, uriRefused } from '../faults/source-faults';
import { headOfDiskIn } from '../host/heads';
import { faultOfInfo, notesOf } from '../host/image-condition';
import { readNeededFiles } from '../host/image-facts';
import { type ImageInfo, parseImageInfo } from '../host/image-info';
import type { ImageFile } from '../host/image-types';
import { headOfImage, namedFiles } from '../host/named-files';
import { runQemuImg } from '../host/qemu-img';
import { UnusableImage } from '../host/unusable-image';
import { serve } from './hidden';
import type { Opening, Source } from './opening';
import { packingOf } from './packing';
import { faultOfServer, patienceMs } from './server-faults';
import { isPlain, type Location, qemuName, type RemoteLocation, shownName } from './uri';

/** Finds out what an image on a server is, or one that the user describes to qemu. */
export async function openRemote(
  file: ImageFile,
  location: Exclude<Location, { kind: 'file' }>,
  opening: Opening,
): Promise<Source> {
  if (location.kind === 'json') {
    const { json } = location;
    const backing = `json:${json}`;
    const shown = shownName(backing);
    refuseToWrite(shown, 'what is described as JSON can only be read', opening);
    const served = await serve({ backing, shown, secrets: [] }, opening);
    // The description says of what format it is.
    return await openServed({ ...file, format: file.format ?? 'raw' }, served, opening);
  }
  const { secret = file.secret, ...rest } = location;
  const remote = withSecret(rest, secret);
  if (isPlain(remote)) return await openServed(file, remote, opening);
  const { shown, query = '' } = remote;
  refuseToWrite(shown, 'with a password, or a query behind it, it can only be read', opening);
  const hidden = {
    backing: qemuName(remote, true),
    format: 'raw',
    shown,
    secrets: [secret ?? '', query],
  } as const;
  return await openServed(file, await serve(hidden, opening), opening);
}

/** Finds out what is served. */
export async function openServed(image: ImageFile, found: RemoteLocation, opening: Opening): Promise<Source> {
  try {
    return await factsOf(image, found, opening);
  } catch (error) {
    if (opening.signal?.aborted || error instanceof UnusableImage) throw error;
    throw faultOfServer(error, { shown: found.shown, format: image.format });
  }
}

/** How an image that is served begins. */
export async function headOfServed(found: RemoteLocation, { signal, workspace }: Opening): Promise<Buffer> {
  const name = qemuName(found);
  const at = await workspace.path('head');
  return await headOfDiskIn({ name, format: 'raw' }, { at: 0, length: headOfImage }, at, signal, patienceMs);
}

/** A password means something only with somebody whose it is. */
function withSecret(location: Omit<RemoteLocation, 'secret'>, secret: string | undefined): RemoteLocation {
  const { protocol, username } = location;
  const takesOne = username !== undefined && protocol !== 'nbd' && protocol !== 'ssh';
  return takesOne && secret !== undefined ? { ...location, secret } : location;
}

function refuseToWrite(shown: string, why: string, { writable }: Opening): void {
  if (writable) throw UnusableImage.for(onlyRead(shown, why));
}

async function factsOf(
  { format: given, followUris = false }: ImageFile,
  location: RemoteLocation,
  opening: Opening,
): Promise<Source> {
  const { signal } = opening;
  const { protocol, server, name: filename, username, shown } = location;
  const name = qemuName(location);
  if (given !== 'raw') {
    const head = await headOfServed(location, opening);
    const packing = given === undefined ? packingOf(head) : undefined;
    if (packing) throw UnusableImage.for(packedElsewhere(shown, packing));
    const [file] = followUris ? [] : namedFiles(head);
    if (file) throw UnusableImage.for(uriRefused(shown, file.name, file.isData));
  }
  const info = await infoOf(name, given, signal);
  const fault = faultOfInfo(shown, info);
  if (fault) throw UnusableImage.for(fault);
  // What a server keeps has no business with the files of this machine.
  const allowed = { uris: followUris, files: followUris };
  const needed = await readNeededFiles({ path: shown, name }, info, allowed, signal);
  return {
    ...needed,
    ...{ path: shown, absolutePath: name, fileSize: info.virtualSize, actualSize: info.actualSize ?? null },
    notes: [...notesOf(shown, info, undefined), ...needed.notes],
    drive: { filename, protocol, server, username },
  };
}

/** LUKS on a whole disk is the guest's. */
async function infoOf(
  name: string,
  format: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ImageInfo> {
  const as = format === undefined ? [] : ['-f', format];
  const said = await runQemuImg(['info', '--force-share', '--output=json', ...as, name], signal, patienceMs);
  const info = parseImageInfo(said);
  return format === undefined && info.format === 'luks' ? await infoOf(name, 'raw', signal) : info;
}
