// What the host can tell of an image before anything is launched.
import { constants as fsConstants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { AbortError, errorFor } from '../faults/errors';
import { type Fault, noQemuImg, ownBackingFile } from '../faults/faults';
import { faultIn, reasonOfQemuImg } from '../faults/words';
import { isText } from '../text/bytes';
import { type ImageInfo, parseImageInfo } from './image-info';
import type { BackingFile, ImageFile, ImageReport } from './image-types';
import { runQemuImg } from './qemu-img';
import { onceAnswering } from './storage';

export interface ImageFacts
  extends Pick<ImageReport, 'path' | 'format' | 'virtualSize' | 'actualSize' | 'backingChain'> {
  /** Absolute path, for libguestfs. */
  readonly absolutePath: string;
  /** Size of the file, bytes. */
  readonly fileSize: number;
}

/**
 * Checks an image and its backing files, and reads their formats and sizes. `signal` ends that also where their storage
 * does not answer.
 *
 * @param operation in whose name errors are told
 * @throws GuestfsError `ENOENT`, `EACCES`, `EISDIR`, … where it is no file that can be read, else the codes of launches:
 * `ERR_GUESTFS_IMAGE_INVALID`, `ERR_GUESTFS_BACKING_FILE`, `ERR_GUESTFS_BACKING_LOOP`; AbortError when `signal` is aborted
 */
export async function readImage(
  file: ImageFile,
  signal: AbortSignal | undefined,
  operation = 'inspect',
): Promise<ImageFacts> {
  try {
    return await factsOf(file, signal);
  } catch (error) {
    if (signal?.aborted) throw new AbortError(operation, signal.reason);
    if (!(error instanceof UnusableImage)) throw error;
    const { code, errnoName, message: problem, hint, cause } = error;
    const errno = (constants.errno as Record<string, number>)[errnoName] ?? 0;
    throw errorFor({ code, errno, operation, cause, problem, hint });
  }
}

/** Error of an image that cannot be used; its message is what is wrong. */
class UnusableImage extends Error {
  readonly code: string;
  readonly errnoName: string;
  /** Hint: what to do. */
  readonly hint: string | undefined;

  constructor(code: string, problem: string, cause?: unknown, errnoName = code, hint?: string) {
    super(problem, { cause });
    this.code = code;
    this.errnoName = errnoName;
    this.hint = hint;
  }

  static for({ code, errno, problem, advice }: Fault, cause?: unknown): UnusableImage {
    return new UnusableImage(code, problem, cause, errno, advice);
  }
}

async function factsOf({ path, format }: ImageFile, signal: AbortSignal | undefined): Promise<ImageFacts> {
  const absolutePath = resolve(path);
  if (!isText(absolutePath)) {
    const problem = `${absolutePath} is no UTF-8, which qemu-img has to be told`;
    const hint = 'rename it, or make a link to it whose name is';
    throw new UnusableImage('EINVAL', problem, undefined, undefined, hint);
  }
  const file = await checkFile(absolutePath, absolutePath, signal);
  const info = await qemuImgInfo(absolutePath, format, signal);
  return {
    path,
    absolutePath,
    fileSize: file.size,
    format: info.format,
    virtualSize: info.virtualSize,
    actualSize: file.isBlockDevice() ? info.virtualSize : (info.actualSize ?? file.blocks * 512),
    backingChain: await readBackingChain(absolutePath, info, signal),
  };
}

async function readBackingChain(
  image: string,
  top: ImageInfo,
  signal: AbortSignal | undefined,
): Promise<BackingFile[]> {
  const chain: BackingFile[] = [];
  const seen = new Set([image]);
  let above = top;
  for (;;) {
    const { backingFile: path, backingFormat: format } = above;
    if (path === undefined) return chain;
    if (seen.has(path)) throw UnusableImage.for(ownBackingFile(path));
    seen.add(path);
    if (isRemote(path)) return [...chain, { path, format: format ?? null }];
    above = await readBackingFile(path, format, image, signal);
    chain.push({ path, format: above.format });
  }
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
    const { message, cause, errnoName, hint } = error;
    throw new UnusableImage('ERR_GUESTFS_BACKING_FILE', message, cause, errnoName, hint);
  }
}

/** Whether a path leads to another machine, by qemu's own rule. */
function isRemote(path: string): boolean {
  return /^[^/]*:/.test(path);
}

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
  const said = await runQemuImg(args, signal).catch((error: Error) => {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 127) throw UnusableImage.for(noQemuImg(), error);
    // Of the image's own faults only: short memory is our limit for qemu-img, not the machine's.
    const fault = faultIn({ said: stderr, path });
    if (fault?.code.startsWith('ERR_GUESTFS_IMAGE_')) throw UnusableImage.for(fault, error);
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
