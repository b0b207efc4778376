// What a partition holds, by how it begins: enough to know that it begins there.

/** Bytes of a partition that are needed: btrfs says what it is behind its first 64 KiB. */
export const headOfContent = 132 * 512;

const signs: readonly (readonly [offset: number, sign: string])[] = [
  [0x438, '\x53\xef'], // ext2, ext3, ext4
  [0, 'XFSB'],
  [0x10040, '_BHRfS_M'],
  [0x400, '\x10\x20\xf5\xf2'], // f2fs
  [3, 'NTFS    '],
  [3, 'EXFAT   '],
  [54, 'FAT1'],
  [82, 'FAT32'],
  [0, 'LUKS\xba\xbe'],
  [512, 'LABELONE'], // LVM
  [4096, '\xfc\x4e\x2b\xa9'], // md, version 1.2
  [0, '\xfc\x4e\x2b\xa9'],
  [4086, 'SWAPSPACE2'],
  [0, 'hsqs'], // squashfs
  [0x8001, 'CD001'],
];

/** Whether a filesystem or volume begins here. */
export function holdsContent(head: Buffer): boolean {
  return signs.some(([offset, sign]) => head.toString('latin1', offset, offset + sign.length) === sign);
}
