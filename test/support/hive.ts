/** An empty Windows registry hive, as hivex reads and writes it: a root key and the security record it shares. */
export function emptyHive(): Buffer {
  const hive = Buffer.alloc(0x2000);
  const header = hive.subarray(0, 0x200);
  const bin = hive.subarray(0x1000);
  const rootAt = 0x20;
  const securityAt = 0x80;
  const freeAt = 0xb0;

  header.write('regf');
  header.writeUInt32LE(1, 0x14); // version 1.3
  header.writeUInt32LE(3, 0x18);
  header.writeUInt32LE(1, 0x20);
  header.writeUInt32LE(rootAt, 0x24);
  header.writeUInt32LE(bin.length, 0x28);
  header.writeUInt32LE(1, 0x2c);

  bin.write('hbin');
  bin.writeUInt32LE(bin.length, 0x8);

  const none = 0xffff_ffff;
  const root = bin.subarray(rootAt, securityAt);
  root.writeInt32LE(-root.length, 0); // negative: in use
  root.write('nk', 4);
  root.writeUInt16LE(0x2c, 6); // the root, which cannot be deleted, with a name in Latin-1
  root.writeUInt32LE(none, 0x20); // no subkeys
  root.writeUInt32LE(none, 0x24);
  root.writeUInt32LE(none, 0x2c); // no values
  root.writeUInt32LE(securityAt, 0x30);
  root.writeUInt32LE(none, 0x34); // no class name
  root.writeUInt16LE(4, 0x4c);
  root.write('root', 0x50);

  const security = bin.subarray(securityAt, freeAt);
  security.writeInt32LE(-security.length, 0);
  security.write('sk', 4);
  security.writeUInt32LE(securityAt, 0x8); // a ring of one
  security.writeUInt32LE(securityAt, 0xc);
  security.writeUInt32LE(1, 0x10);
  security.writeUInt32LE(0x14, 0x14); // a descriptor that grants nothing
  security.writeUInt8(1, 0x18);

  bin.writeInt32LE(bin.length - freeAt, freeAt);

  let checksum = 0;
  for (let i = 0; i < 0x1fc; i += 4) checksum ^= header.readUInt32LE(i);
  header.writeUInt32LE(checksum >>> 0, 0x1fc);
  return hive;
}
