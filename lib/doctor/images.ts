// Whether images can be opened, and by whom else they are.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GuestfsError, tell } from '../faults/errors';
import { type FaultCode, textOf } from '../faults/faults';
import { faultIn } from '../faults/words';
import { readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { runQemuImg } from '../host/qemu-img';
import { onceAnswering } from '../host/storage';
import { shellWord } from '../text/shell';
import { type Finding, type FindingCode, failure, ok, warning } from './finding';

export async function checkImage(image: ImageFile, signal: AbortSignal | undefined): Promise<Finding> {
  const path = resolve(image.path);
  try {
    const { format, virtualSize, notes } = await readImage(image, signal);
    const locked = await lockOf(path, format, signal);
    if (locked) return locked;
    const [note] = notes;
    if (note)
      return warning(
        note.code,
        'The image is not as it should be',
        textOf(note),
        commandFor(note.code, path),
      );
    const detail = `${path}: ${format}, ${virtualSize} bytes`;
    return (await unwritable(path, signal)) ?? ok('IMAGE', 'The image can be opened', detail);
  } catch (error) {
    if (signal?.aborted || !(error instanceof GuestfsError)) throw error;
    return explainImage(path, error);
  }
}

/** Reading takes a lock too, where nobody forbids it: it tells of those who write. */
async function lockOf(
  path: string,
  format: string,
  signal: AbortSignal | undefined,
): Promise<Finding | undefined> {
  try {
    await runQemuImg(['info', '-f', format, path], signal);
    return undefined;
  } catch (error) {
    if (signal?.aborted) throw error;
    const fault = faultIn({ said: (error as { stderr?: string }).stderr, path });
    if (fault?.code !== 'ERR_GUESTFS_IMAGE_LOCKED') return undefined;
    return warning(fault.code, 'The image is in use', textOf(fault), `fuser --verbose ${shellWord(path)}`);
  }
}

async function unwritable(path: string, signal: AbortSignal | undefined): Promise<Finding | undefined> {
  try {
    await onceAnswering([path], signal, () => access(path, constants.W_OK));
    return undefined;
  } catch (error) {
    if (signal?.aborted) throw error;
    const detail = `${path} can be inspected, and added with readonly: true. To change it, this user needs the right to write to it`;
    return warning('IMAGE_UNWRITABLE', 'The image may not be written', detail);
  }
}

/** The codes of launches, for what the host itself tells of a file. */
const codes: Readonly<Record<string, FaultCode>> = {
  EISDIR: 'ERR_GUESTFS_IMAGE_INVALID',
  EINVAL: 'ERR_GUESTFS_IMAGE_INVALID',
  ERR_GUESTFS: 'ERR_GUESTFS_IMAGE_INVALID',
};

/** Finding of an image that cannot be opened; `error` is that of reading what the image is. */
function explainImage(path: string, error: GuestfsError): Finding {
  const { code } = error;
  const told = code.startsWith('ERR_GUESTFS_')
    ? (code as FindingCode)
    : (codes[code] ?? 'ERR_GUESTFS_IMAGE_UNREADABLE');
  return failure(told, 'The image cannot be opened', tell(error), commandFor(told, path));
}

function commandFor(code: FindingCode, path: string): string | null {
  switch (code) {
    case 'ERR_GUESTFS_IMAGE_INVALID':
      return `qemu-img info ${shellWord(path)}`;
    case 'ERR_GUESTFS_IMAGE_UNREADABLE':
      return `namei --long ${shellWord(path)}`;
    case 'ERR_GUESTFS_IMAGE_CORRUPT':
    case 'ERR_GUESTFS_IMAGE_DIRTY':
      return `qemu-img check ${shellWord(path)}`;
    case 'ERR_GUESTFS_DATA_FILE':
    case 'ERR_GUESTFS_IMAGE_ENCRYPTED':
    case 'ERR_GUESTFS_IMAGE_UNSUPPORTED':
      return `qemu-img info ${shellWord(path)}`;
    case 'ERR_GUESTFS_BACKING_FILE':
      return `qemu-img info --backing-chain ${shellWord(path)}`;
    default:
      return null;
  }
}
