// RPM's own database of packages, `Packages.db`: slots that say where each header lies, and the headers.
import { BadDatabase } from './package';
import type { SystemFile } from './system-files';

const magic = 'RpmP';
const slotSize = 16;
const pageSize = 4096;
const blockSize = 16;

/** Pages of slots of the largest database that is read: a million packages. */
const mostPages = 4096;

/** Bytes of the largest header that is read. */
const mostBytes = 256 * 2 ** 20;

export function isNdb(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === magic;
}

/** Headers of the packages. @throws BadDatabase */
export async function* headersInNdb(file: SystemFile): AsyncGenerator<Buffer> {
  const pages = (await file.read(0, 32)).readUInt32LE(12);
  if (pages < 1 || pages > mostPages)
    throw new BadDatabase(`a database of RPM (ndb) with ${pages} pages of slots`);
  const slots = await file.read(0, pages * pageSize);
  if (slots.length < pages * pageSize) throw new BadDatabase('slots of RPM (ndb) that end too early');
  // The header takes the place of the first two.
  for (let at = 2 * slotSize; at + slotSize <= slots.length; at += slotSize) {
    if (slots.toString('latin1', at, at + 4) !== 'Slot')
      throw new BadDatabase('a slot of RPM (ndb) that is none');
    const [index, block, blocks] = [4, 8, 12].map((field) => slots.readUInt32LE(at + field)) as [
      number,
      number,
      number,
    ];
    if (index !== 0 && blocks !== 0) yield await blobAt(file, index, block * blockSize, blocks * blockSize);
  }
}

async function blobAt(file: SystemFile, index: number, offset: number, room: number): Promise<Buffer> {
  const head = await file.read(offset, 16);
  const isBlob =
    head.length === 16 && head.toString('latin1', 0, 4) === 'BlbS' && head.readUInt32LE(4) === index;
  const length = isBlob ? head.readUInt32LE(12) : 0;
  if (!isBlob || length > room || length > mostBytes || offset + 16 + length > file.size)
    throw new BadDatabase(`package ${index} of RPM (ndb) does not lie where it should`);
  return await file.read(offset + 16, length);
}
