// Which images a worker opens: jobs come from the network, and may name anything.
import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, normalize, sep } from 'node:path';
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
      allowed.servers.some(({ scheme, host }) => scheme === protocol && host === hostOf(location));
    if (!isAllowed) throw refused(image.path, 'this worker opens nothing from that server');
    return { path: image.path, format, blocksize, within: [] };
  }
  if (!isAbsolute(location.path)) throw refused(image.path, 'it is no absolute path');
  await checkBelow(location.path, image.path, allowed.roots);
  return { path: location.path, format, blocksize, within: allowed.roots };
}

type RemoteLocation = Extract<ReturnType<typeof locationOf>, { kind: 'remote' }>;

function place(path: string): ReturnType<typeof locationOf> | undefined {
  try {
    return locationOf(path);
  } catch {
    return undefined;
  }
}

/** Ports that a URI need not name; URL knows those of HTTP and FTP. */
const usualPorts: Readonly<Record<string, string>> = { nbd: '10809', ssh: '22', iscsi: '3260' };

function hostOf({ protocol, server }: RemoteLocation): string {
  const host = (server[0] ?? '').toLowerCase();
  const port = `:${usualPorts[protocol]}`;
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}

/**
 * Servers as they are compared with those of images.
 *
 * @throws FleetError ERR_GUESTFS_FLEET_OPTION
 */
export function checkedServers(servers: readonly AllowedServer[]): AllowedServer[] {
  return servers.map(({ scheme, host }) => {
    const location = /^[^/?#@\s]+$/.test(host) ? place(`${scheme}://${host}/image`) : undefined;
    if (
      location?.kind !== 'remote' ||
      location.server.length !== 1 ||
      /^unix:/.test(location.server[0] ?? '')
    )
      throw new FleetError(
        'ERR_GUESTFS_FLEET_OPTION',
        `no server is called ${JSON.stringify(`${scheme}://${host}`).slice(0, 200)}: a scheme and a host, as https and images.example`,
      );
    return { scheme: location.protocol, host: hostOf(location) };
  });
}

/**
 * Roots of a worker, all of which must be there: with a storage that is not mounted it would fail one job after the other.
 *
 * @throws FleetError ERR_GUESTFS_FLEET_ROOT
 */
export async function checkRoots(roots: readonly string[]): Promise<void> {
  for (const root of roots)
    await realpath(root).catch((cause: NodeJS.ErrnoException) => {
      throw unreachable(root, cause);
    });
}

/** The same answer for what is not there and what is elsewhere: else jobs could look around on the worker. */
async function checkBelow(path: string, shown: string, roots: readonly string[]): Promise<void> {
  const found = await Promise.all(roots.map(lookUp));
  const folders = found.map(({ real }) => real).filter((each) => each !== undefined);
  const { real, error } = await lookUp(path);
  if (real !== undefined && isBelow(real, folders)) return;
  if (error && isBelow(await nearest(path), folders)) throw unusable(shown, error);
  const away = found.findIndex((each, n) => each.error && isBelow(normalize(path), [roots[n] as string]));
  if (away >= 0) throw unreachable(roots[away] as string, found[away]?.error as NodeJS.ErrnoException);
  throw refused(shown, 'it lies in no folder that this worker opens images from');
}

/** Whether a path without links is one of the folders, or lies below one. */
export function isBelow(path: string | undefined, folders: readonly string[]): boolean {
  return folders.some(
    (folder) => path === folder || path?.startsWith(folder.endsWith(sep) ? folder : folder + sep),
  );
}

async function lookUp(path: string): Promise<{ real?: string; error?: NodeJS.ErrnoException }> {
  return await realpath(path).then(
    (real) => ({ real }),
    (error: NodeJS.ErrnoException) => ({ error }),
  );
}

/** The nearest folder above that can be looked up; undefined where a link leads on from there, which may lead anywhere. */
async function nearest(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  if (isLink || folder === path) return undefined;
  return (await lookUp(folder)).real ?? (await nearest(folder));
}

function unusable(path: string, { code = 'ENOENT' }: NodeJS.ErrnoException): Error {
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  const problem = isMissing ? 'does not exist on the worker' : `cannot be looked up on the worker (${code})`;
  return Object.assign(new Error(`${brief(path)} ${problem}`), { code });
}

function unreachable(root: string, cause: NodeJS.ErrnoException): FleetError {
  return new FleetError(
    'ERR_GUESTFS_FLEET_ROOT',
    `the worker cannot reach its root ${brief(root)} (${cause.code}): is its storage mounted?`,
    { cause },
  );
}

function refused(path: string, why: string): FleetError {
  return new FleetError('ERR_GUESTFS_FLEET_IMAGE_REFUSED', `${brief(path)} is not opened: ${why}`);
}

function brief(path: string): string {
  const text = JSON.stringify(path.replace(/\/\/[^/]*@/, '//…@'));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
