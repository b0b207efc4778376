// A description of a disk that is no command line: an empty qcow2 image whose backing file is the disk. Others can see
// the arguments of programs, and not what is in a file of this user's.

const cluster = 65_536;
const entriesOfTable = cluster / 8;

/** Bytes that the name of a backing file can have. */
export const longestName = 1023;

/**
 * The content of the file.
 *
 * @param backing what qemu calls the disk, at most 1023 bytes
 * @param size of the disk, bytes
 */
export function description(backing: string, size: number, format?: 'raw'): Buffer {
  const name = Buffer.from(backing);
  const tables = Math.ceil(size / cluster / entriesOfTable);
  const clustersOfTable = Math.max(1, Math.ceil(tables / entriesOfTable));
  const image = Buffer.alloc((3 + clustersOfTable) * cluster);
  const extension = extensionOf(format);
  const [nameAt, refcountTable, refcountBlock, l1Table] = [104 + extension.length, 1, 2, 3];
  image.write('QFI\xfb', 0, 'latin1');
  image.writeUInt32BE(3, 4); // version
  image.writeBigUInt64BE(BigInt(nameAt), 8);
  image.writeUInt32BE(name.length, 16);
  image.writeUInt32BE(16, 20); // bits of a cluster
  image.writeBigUInt64BE(BigInt(size), 24);
  image.writeUInt32BE(tables, 36);
  image.writeBigUInt64BE(BigInt(l1Table * cluster), 40);
  image.writeBigUInt64BE(BigInt(refcountTable * cluster), 48);
  image.writeUInt32BE(1, 56); // clusters of the refcount table
  image.writeUInt32BE(4, 96); // refcounts have 16 bits
  image.writeUInt32BE(104, 100); // length of the header
  extension.copy(image, 104);
  name.copy(image, nameAt);
  image.writeBigUInt64BE(BigInt(refcountBlock * cluster), refcountTable * cluster);
  for (let used = 0; used < 3 + clustersOfTable; used++)
    image.writeUInt16BE(1, refcountBlock * cluster + used * 2);
  return image;
}

/** Header extension for the format of the backing file, and the end of the extensions. */
function extensionOf(format: string | undefined): Buffer {
  if (format === undefined) return Buffer.alloc(8);
  const extension = Buffer.alloc(8 + Math.ceil(format.length / 8) * 8 + 8);
  extension.writeUInt32BE(0xe2792aca, 0);
  extension.writeUInt32BE(format.length, 4);
  extension.write(format, 8, 'latin1');
  return extension;
}
