import { open } from 'node:fs/promises';
import type { Fault } from '../faults/faults';
import { imageUnsupported } from '../faults/image-faults';

/** Offset of the type in the footer, a copy of which begins the file unless it is of a fixed size. */
const typeAt = 60;
const differencing = 4;

/** The fault of a VHD image that holds only the differences to another one: qemu would read zeros for all the rest. */
export async function faultOfVhd(path: string, format: string): Promise<Fault | undefined> {
  if (format !== 'vpc') return undefined;
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(typeAt + 4), 0, typeAt + 4, 0);
    const isDifferencing =
      buffer.toString('latin1', 0, 8) === 'conectix' && buffer.readUInt32BE(typeAt) === differencing;
    return isDifferencing
      ? imageUnsupported(path, 'it is a differencing VHD, which is nothing without its parent')
      : undefined;
  } finally {
    await file.close();
  }
}
