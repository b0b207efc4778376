// Which images a worker opens: jobs come from the network, and may name anything.
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, sep } from 'node:path';
import type { ImageFile } from 'guestfs';
import { locationOf } from 'guestfs/internal';
import { FleetError } from './errors';
import type { WireImage } from './wire/schema';

/** Servers from which a worker opens images. */
export interface AllowedServer {
  /** Scheme of the URI: `'https'`, `'nbd'`, `'ssh'`, … */
  readonly scheme: string;
  /** Host as the URI has it, with its port where that has one: `'images.example'`, `'10.0.0.5:10809'`. */
  readonly host: string;
}

/** What a worker may open. */
export interface AllowedImages {
  /** Folders below which images lie, as absolute paths. */
  readonly roots: readonly string[];
  readonly servers: readonly AllowedServer[];
}

/**
 * An image as guestfs is to open it. A path lies below a root once links are followed; that so does every file that the
 * image names, and the image itself still, is checked when it is opened (`within`).
 *
 * @throws FleetError ERR_GUESTFS_FLEET_IMAGE_REFUSED
 */
export async function allowedImage(image: WireImage, allowed: AllowedImages): Promise<ImageFile> {
  const location = place(image.path);
  const { format, blocksize } = image;
  if (location === undefined || location.kind === 'json' || /^domain:/i.test(image.path))
    throw refused(image.path, 'it is neither a path nor a URI of a server');
  if (location.kind === 'remote') {
    const { protocol, server, username, secret } = location;
    const isAllowed =
      server.length === 1 &&
      username === undefined &&
      secret === undefined &&
      allowed.servers.some(({ scheme, host }) => scheme === protocol && host === server[0]);
    if (!isAllowed) throw refused(image.path, 'this worker opens nothing from that server');
    return { path: image.path, format, blocksize, within: [] };
  }
  if (!isAbsolute(location.path)) throw refused(image.path, 'it is no absolute path');
  await checkBelow(location.path, image.path, allowed.roots);
  return { path: location.path, format, blocksize, within: allowed.roots };
}

function place(path: string): ReturnType<typeof locationOf> | undefined {
  try {
    return locationOf(path);
  } catch {
    return undefined;
  }
}

/** The same answer for what is not there and what is elsewhere: else jobs could look around on the worker. */
async function checkBelow(path: string, shown: string, roots: readonly string[]): Promise<void> {
  const folders = (await Promise.all(roots.map(realOf))).filter((each) => each !== undefined);
  const isBelow = (real: string | undefined) =>
    real !== undefined &&
    folders.some(
      (folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep) || real === folder,
    );
  const real = await realOf(path);
  if (real !== undefined && isBelow(real)) return;
  if (real === undefined && isBelow(await realOf(dirname(path)))) throw missing(shown);
  throw refused(shown, 'it lies in no folder that this worker opens images from');
}

async function realOf(path: string): Promise<string | undefined> {
  return await realpath(path).catch(() => undefined);
}

function missing(path: string): Error {
  return Object.assign(new Error(`${brief(path)} does not exist on the worker`), { code: 'ENOENT' });
}

function refused(path: string, why: string): FleetError {
  return new FleetError('ERR_GUESTFS_FLEET_IMAGE_REFUSED', `${brief(path)} is not opened: ${why}`);
}

function brief(path: string): string {
  const text = JSON.stringify(path.replace(/\/\/[^/]*@/, '//…@'));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
