/** What libguestfs reads of an ISO image: its primary volume descriptor, here with nothing behind it. */
export function volumeDescriptor(): Buffer {
  const sector = 2048;
  const image = Buffer.alloc(18 * sector);
  const primary = image.subarray(16 * sector, 17 * sector);
  const text = (value: string, at: number, length: number) =>
    primary.write(value.padEnd(length), at, 'latin1');
  const both16 = (value: number, at: number) => {
    primary.writeUInt16LE(value, at);
    primary.writeUInt16BE(value, at + 2);
  };

  primary.writeUInt8(1, 0);
  primary.write('CD001', 1);
  primary.writeUInt8(1, 6);
  text('SYSTEM', 8, 32);
  text('VOLUME', 40, 32);
  primary.writeUInt32LE(18, 80);
  primary.writeUInt32BE(18, 84);
  both16(1, 120);
  both16(1, 124);
  both16(sector, 128);
  text('SET', 190, 128);
  text('PUBLISHER', 318, 128);
  text('PREPARER', 446, 128);
  text('APPLICATION', 574, 128);
  text('COPYRIGHT.TXT', 702, 37);
  text('ABSTRACT.TXT', 739, 37);
  text('BIBLIO.TXT', 776, 37);
  const date = (digits: string, quarters: number, at: number) => {
    primary.write(digits, at);
    primary.writeInt8(quarters, at + 16);
  };
  date('2001020304050600', 4, 813); // an hour ahead of UTC
  date('2002020304050600', 0, 830);
  date('0000000000000000', 0, 847); // none
  date('2004020304050600', -8, 864);

  image.writeUInt8(255, 17 * sector);
  image.write('CD001', 17 * sector + 1);
  return image;
}
