/** A Windows registry hive that holds nothing but its root key: what hivex needs to begin with. */
const page = 4096;
const root = 0x20;
const security = 0x80;
const rest = 0xb0;
const none = 0xffff_ffff;
const name = 'root';

/** Offsets inside a hive count from the end of its header. */
export function emptyHive(): Buffer {
  const hive = Buffer.alloc(2 * page);
  const bin = hive.subarray(page);
  writeHeader(hive);

  bin.write('hbin');
  bin.writeUInt32LE(page, 8);

  bin.writeInt32LE(root - security, root); // the sizes of cells in use are negative
  bin.write('nk', root + 4);
  bin.writeUInt16LE(0x2c, root + 6); // the root key, not to be deleted, its name in ASCII
  for (const list of [32, 36, 44, 52]) bin.writeUInt32LE(none, root + list); // keys, volatile keys, values, class
  bin.writeUInt32LE(security, root + 48);
  bin.writeUInt16LE(name.length, root + 76);
  bin.write(name, root + 80);

  bin.writeInt32LE(security - rest, security);
  bin.write('sk', security + 4);
  for (const neighbour of [8, 12]) bin.writeUInt32LE(security, security + neighbour);
  bin.writeUInt32LE(1, security + 16); // one key uses it
  bin.writeUInt32LE(20, security + 20); // an empty security descriptor, relative to itself
  bin.writeUInt16LE(1, security + 24);
  bin.writeUInt16LE(0x8000, security + 26);

  bin.writeInt32LE(page - rest, rest); // free
  return hive;
}

function writeHeader(hive: Buffer): void {
  hive.write('regf');
  hive.writeUInt32LE(1, 4);
  hive.writeUInt32LE(1, 8); // the same number twice: written completely
  hive.writeUInt32LE(1, 20); // format 1.5
  hive.writeUInt32LE(5, 24);
  hive.writeUInt32LE(1, 32);
  hive.writeUInt32LE(root, 36);
  hive.writeUInt32LE(page, 40);
  hive.writeUInt32LE(1, 44);
  let checksum = 0;
  for (let at = 0; at < 508; at += 4) checksum ^= hive.readUInt32LE(at);
  hive.writeUInt32LE(checksum >>> 0, 508);
}
