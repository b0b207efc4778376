// What the host can tell of an image before anything is launched.
import { constants as fsConstants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { backingFile, type Fault, noQemuImg, ownBackingFile } from '../faults/faults';
import { backingFormat, dataFile, imageCut, otherFormat, remoteFile } from '../faults/image-faults';
import { uriRefused } from '../faults/source-faults';
import { faultIn, reasonOfQemuImg } from '../faults/words';
import { isText } from '../text/bytes';
import { headOfFile } from './heads';
import { faultOfInfo, notesOf } from './image-condition';
import { type ImageInfo, parseImageInfo } from './image-info';
import type { ImageFile, ImageReport } from './image-types';
import { leastSizeOfImage } from './least-size';
import { formatOfHead, headOfImage, isUri, namedFiles } from './named-files';
import { forbiddenByNode } from './permissions';
import { runQemuImg } from './qemu-img';
import { onceAnswering, unlessAborted } from './storage';
import { inTheNameOf, UnusableImage } from './unusable-image';
import { faultOfVhd } from './vhd';
import { refuseOutside } from './within';

export interface ImageFacts
  extends Pick<ImageReport, 'path' | 'format' | 'virtualSize' | 'actualSize' | 'backingChain'> {
  /** Absolute path, for libguestfs. */
  readonly absolutePath: string;
  /** Size of the file, bytes. */
  readonly fileSize: number;
  /** What people should know of the image, and what stops nobody from reading it. */
  readonly notes: readonly Fault[];
  /** Size of the disk's sectors, bytes; undefined where nothing tells it. */
  readonly blocksize?: number | undefined;
}

/**
 * Checks an image and the files that it needs, and reads their formats and sizes. `signal` ends that also where their
 * storage does not answer; servers have some seconds to do so.
 *
 * @param operation in whose name errors are told
 * @param shown what is told of the image in the place of its path
 * @throws GuestfsError `ENOENT`, `EACCES`, `EISDIR`, … where it is no file that can be read, else the codes of launches:
 * `ERR_GUESTFS_IMAGE_INVALID`, `ERR_GUESTFS_IMAGE_ENCRYPTED`, `ERR_GUESTFS_BACKING_FILE`, `ERR_GUESTFS_DATA_FILE`, …;
 * AbortError when `signal` is aborted
 */
export async function readImage(
  file: ImageFile,
  signal: AbortSignal | undefined,
  operation = 'inspect',
  shown?: string,
): Promise<ImageFacts> {
  return await inTheNameOf(operation, signal, () =>
    shown === undefined ? factsOf(file, signal) : factsUnder(shown, file, signal),
  );
}

/** Facts of a file that lies under a passing name: people are told that which they have given. */
async function factsUnder(
  shown: string,
  file: ImageFile,
  signal: AbortSignal | undefined,
): Promise<ImageFacts> {
  const path = resolve(file.path);
  const named = (text: string) => text.replaceAll(path, shown).replaceAll(`${dirname(path)}/`, '');
  try {
    const facts = await factsOf(file, signal);
    const notes = facts.notes.map((note) => ({ ...note, problem: named(note.problem) }));
    return { ...facts, path: shown, notes };
  } catch (error) {
    if (error instanceof UnusableImage) error.message = named(error.message);
    throw error;
  }
}

async function factsOf(image: ImageFile, signal: AbortSignal | undefined): Promise<ImageFacts> {
  const { path, format } = image;
  const absolutePath = resolve(path);
  if (!isText(absolutePath)) {
    const problem = `${absolutePath} is no UTF-8, which qemu-img has to be told`;
    const hint = 'rename it, or make a link to it whose name is';
    throw new UnusableImage('EINVAL', problem, undefined, undefined, hint);
  }
  const allowed = { uris: image.followUris ?? false, files: true, within: image.within };
  await refuseOutside(absolutePath, absolutePath, allowed.within, signal);
  const file = await checkFile(absolutePath, absolutePath, signal);
  await refuseNamed(absolutePath, format, allowed, signal);
  const info = await infoOf(absolutePath, format, signal);
  refuse(faultOfInfo(absolutePath, info) ?? (await faultOfVhd(absolutePath, info.format)));
  const actualSize = file.isBlockDevice() ? info.virtualSize : (info.actualSize ?? file.blocks * 512);
  const needed = await readNeededFiles({ path, name: absolutePath }, info, allowed, signal);
  const fileSize = file.isFile() ? file.size : undefined;
  const notes = [
    ...notesOf(path, info, fileSize),
    ...(await notesOfContent({ path, name: absolutePath, format }, info, signal)),
    ...needed.notes,
  ];
  return { ...needed, path, absolutePath, fileSize: file.size, actualSize, notes };
}

/** An image, or a file below it, by the name that is shown and its own, with the format that somebody has said it has. */
interface Named {
  readonly path: string;
  readonly name: string;
  readonly format: string | undefined;
}

/** Tells of a file that is not whole, or of another format than it is read as, by its own tables. */
async function notesOfContent(
  { path, name, format }: Named,
  info: ImageInfo,
  signal: AbortSignal | undefined,
): Promise<Fault[]> {
  const other = format === 'raw' ? await formatOfFile(name, signal) : undefined;
  if (other !== undefined) return [otherFormat(path, other)];
  // One that was not closed may have counts that are out of date.
  const found = info.isDirty ? undefined : await unlessAborted(leastSizeOfImage(name, info.format), signal);
  return found !== undefined && found.least > found.size ? [imageCut(path, found.size, found.least)] : [];
}

async function formatOfFile(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const head = await headOfFile(path, 512, signal);
  return head && formatOfHead(head);
}

/** What an image may have qemu open that the user has not named. */
export interface Allowed {
  /** What is on other machines, or is described to qemu. */
  readonly uris: boolean;
  /** Files of this machine. */
  readonly files: boolean;
  /** Folders in which those must lie; undefined: anywhere. */
  readonly within?: readonly string[] | undefined;
}

/** Checks the files that an image needs beside itself, and tells what is known of it and of them. */
export async function readNeededFiles(
  { path, name }: { readonly path: string; readonly name: string },
  info: ImageInfo,
  allowed: Allowed,
  signal: AbortSignal | undefined,
): Promise<Pick<ImageFacts, 'format' | 'virtualSize' | 'backingChain' | 'notes'>> {
  await checkDataFile(path, name, info, allowed, signal);
  const layers = await readBackingChain(path, name, info, allowed, signal);
  return {
    format: info.format,
    virtualSize: info.virtualSize,
    backingChain: layers.map(({ path: layer, info: { format: itsFormat } }) => ({
      path: layer,
      format: itsFormat,
    })),
    notes: layers.flatMap(({ path: layer, info: itsInfo, notes }) => [
      ...notesOf(layer, itsInfo, undefined),
      ...notes,
    ]),
  };
}

/** Refuses an image whose header names what qemu must not open, before qemu sees it. */
async function refuseNamed(
  path: string,
  format: string | undefined,
  { uris, within }: Allowed,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((uris && within === undefined) || format === 'raw') return;
  const head = await headOfFile(path, headOfImage, signal);
  for (const { name, isData } of head ? namedFiles(head) : []) {
    const local = isData ? name.replace(/^file:/, '') : name;
    if (!isUri(local)) await refuseOutside(resolve(dirname(path), local), path, within, signal);
    else if (!uris) throw UnusableImage.for(uriRefused(path, name, isData));
  }
}

/** LUKS on a whole disk is taken for qemu's own encryption, for which it would need the key: it is the guest's. */
async function infoOf(
  path: string,
  format: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ImageInfo> {
  const info = await qemuImgInfo(path, format, signal);
  return format === undefined && info.format === 'luks' ? await qemuImgInfo(path, 'raw', signal) : info;
}

function refuse(fault: Fault | undefined): void {
  if (fault) throw UnusableImage.for(fault);
}

/** A file of a backing chain. */
interface Layer {
  readonly path: string;
  readonly info: ImageInfo;
  readonly notes: readonly Fault[];
}

async function readBackingChain(
  shown: string,
  image: string,
  top: ImageInfo,
  allowed: Allowed,
  signal: AbortSignal | undefined,
): Promise<Layer[]> {
  const chain: Layer[] = [];
  const seen = new Set([image]);
  for (let above = top; ; ) {
    const { backingFile: path, backingFormat: format } = above;
    if (path === undefined) return chain;
    if (seen.has(path)) throw UnusableImage.for(ownBackingFile(path));
    seen.add(path);
    if (isUri(path) ? !allowed.uris : !allowed.files)
      throw UnusableImage.for(uriRefused(chain.at(-1)?.path ?? shown, path, false));
    if (!isUri(path)) await refuseOutside(path, image, allowed.within, signal);
    if (!isUri(path)) await refuseNamed(path, format, allowed, signal);
    const info = isUri(path)
      ? await readRemoteFile('ERR_GUESTFS_BACKING_FILE', path, format, signal)
      : await readBackingFile(path, format, shown, signal);
    refuse(faultOfInfo(path, info));
    await checkDataFile(path, path, info, allowed, signal);
    const notes = isUri(path) ? [] : await notesOfContent({ path, name: path, format }, info, signal);
    chain.push({ path, info, notes });
    above = info;
  }
}

/** Milliseconds in which a server has to answer. */
const patienceMs = 10_000;

/** What qemu-img finds out of a file on another machine, or of one that the image describes to qemu. */
async function readRemoteFile(
  code: Parameters<typeof remoteFile>[0],
  path: string,
  format: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ImageInfo> {
  const as = format === undefined ? [] : ['-f', format];
  try {
    return parseImageInfo(
      await runQemuImg(['info', '--force-share', '--output=json', ...as, path], signal, patienceMs),
    );
  } catch (error) {
    const { stderr, killed } = error as { stderr?: string; killed?: boolean };
    if (signal?.aborted) throw error;
    const why = killed ? `no answer within ${patienceMs / 1000} s` : reasonOfQemuImg(stderr ?? '');
    throw UnusableImage.for(remoteFile(code, path, why || String(error)), error);
  }
}

/** The file in which a qcow2 image keeps its content, where it is another one. */
async function checkDataFile(
  shown: string,
  image: string,
  { dataFile: named }: ImageInfo,
  allowed: Allowed,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (named === undefined) return;
  const local = named.replace(/^file:/, '');
  if (isUri(local) ? !allowed.uris : !allowed.files) throw UnusableImage.for(uriRefused(shown, named, true));
  if (isUri(local)) return void (await readRemoteFile('ERR_GUESTFS_DATA_FILE', named, 'raw', signal));
  const path = resolve(dirname(image), local);
  await refuseOutside(path, shown, allowed.within, signal);
  try {
    await checkFile(path, path, signal);
  } catch (error) {
    if (!(error instanceof UnusableImage)) throw error;
    const fault = dataFile(path, whyIn(error), shown);
    throw new UnusableImage(fault.code, fault.problem, error, error.errnoName, fault.advice);
  }
}

/** Words of the C library for what the host says of a file. */
function whyIn({ code, message }: UnusableImage): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EACCES: 'Permission denied',
  };
  return words[code] ?? message;
}

async function readBackingFile(
  path: string,
  format: string | undefined,
  image: string,
  signal: AbortSignal | undefined,
): Promise<ImageInfo> {
  try {
    await checkFile(path, image, signal);
    return await qemuImgInfo(path, format, signal);
  } catch (error) {
    if (!(error instanceof UnusableImage) || error.code === 'ERR_GUESTFS_QEMU_IMG_MISSING') throw error;
    if (!ofItsPlace.has(error.code) && error.code.startsWith('ERR_GUESTFS_')) throw error;
    const { code, message, cause, errnoName } = error;
    const isFormat = format !== undefined && ['ERR_GUESTFS', 'ERR_GUESTFS_IMAGE_INVALID'].includes(code);
    throw new UnusableImage(
      'ERR_GUESTFS_BACKING_FILE',
      message,
      cause,
      errnoName === code ? code : errnoName,
      isFormat ? backingFormat : backingFile(path, '').advice,
    );
  }
}

/** Codes of a file that is not what the image takes it for; others say more of it. */
const ofItsPlace: ReadonlySet<string> = new Set([
  'ERR_GUESTFS_IMAGE_INVALID',
  'ERR_GUESTFS_IMAGE_UNREADABLE',
]);

async function checkFile(path: string, image: string, signal: AbortSignal | undefined): Promise<Stats> {
  const what = path === image ? path : `${path}, a backing file of ${image},`;
  try {
    return await onceAnswering([path], signal, async () => {
      const file = await stat(path);
      if (file.isDirectory()) throw new UnusableImage('EISDIR', `${what} is a directory, not a disk image`);
      if (!file.isFile() && !file.isBlockDevice()) {
        throw new UnusableImage('EINVAL', `${what} is neither a file nor a block device`);
      }
      await access(path, fsConstants.R_OK);
      return file;
    });
  } catch (error) {
    if (error instanceof UnusableImage || signal?.aborted) throw error;
    const forbidden = forbiddenByNode(error, path);
    if (forbidden) throw forbidden;
    const { code = 'ERR_GUESTFS' } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: `${what} does not exist`,
      EACCES: `${what} may not be read by this user`,
    };
    throw new UnusableImage(
      code,
      reasons[code] ?? `${what} cannot be read: ${(error as Error).message}`,
      error,
    );
  }
}

/** Milliseconds: an old qemu-img opens data files too, and these may be anywhere. */
const mostTimeMs = 60_000;

async function qemuImgInfo(
  path: string,
  format: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ImageInfo> {
  // Shared: a running guest may hold the lock of its image.
  const args = [
    'info',
    '--force-share',
    '--output=json',
    ...(format === undefined ? [] : ['-f', format]),
    path,
  ];
  const said = await runQemuImg(args, signal, mostTimeMs).catch((error: Error) => {
    const { code, stderr, killed } = error as { code?: unknown; stderr?: string; killed?: boolean };
    if (killed && !signal?.aborted) {
      const problem = `qemu-img has not told within ${mostTimeMs / 1000} s what ${path} is`;
      throw new UnusableImage('ERR_GUESTFS_TIMEOUT', problem, error, '');
    }
    if (code === 127) throw UnusableImage.for(noQemuImg(), error);
    const forbidden = forbiddenByNode(error, path);
    if (forbidden) throw forbidden;
    // Of the image's own faults only: short memory is our limit for qemu-img, not the machine's.
    const fault = faultIn({ said: stderr, path });
    if (fault && /^ERR_GUESTFS_(?:IMAGE_|DATA_FILE$)/.test(fault.code)) throw UnusableImage.for(fault, error);
    const reason = reasonOfQemuImg(stderr ?? '') || String(error);
    throw new UnusableImage(
      'ERR_GUESTFS',
      `${path} cannot be opened${format === undefined ? '' : ` as ${format}`}: ${reason}`,
      error,
    );
  });
  try {
    return parseImageInfo(said);
  } catch (error) {
    const why = (error as Error).message;
    const problem = `what qemu-img says of ${path} cannot be used: ${why}`;
    throw new UnusableImage('ERR_GUESTFS_IMAGE_INVALID', problem, error, '');
  }
}
