// Files that people take for images of disks, and that are none: told by how they begin, before anything is launched.
import type { Fault } from '../faults/faults';
import { noDisk } from '../faults/source-faults';

const unpackIt = 'Unpack it, and name the disk that is in it';
const again = 'Download the image again, and look at what the server says';

type Kind = readonly [begin: RegExp, what: string, advice: string];

/** What their first bytes are, in hexadecimal. */
const magics: readonly Kind[] = [
  [/^504b(?:0304|0506)/, 'a zip archive', unpackIt],
  [/^377abcaf271c/, 'a 7z archive', unpackIt],
  [/^526172211a07/, 'a RAR archive', unpackIt],
  [/^(?:04224d18|02214c18)/, 'packed by lz4', unpackIt],
  [/^4c5a4950/, 'packed by lzip', unpackIt],
  [/^894c5a4f00/, 'packed by lzop', unpackIt],
  [/^1f9d/, 'packed by compress', unpackIt],
  // The size of what is packed, or that it is not known; what is packed begins with a zero.
  [/^5d0000.{4}(?:.{12}0000|f{16})00/, 'packed by lzma', unpackIt],
  [
    /^4d5357494d000000/,
    'an image of files for the setup of Windows (WIM)',
    'Apply it to a disk by wimapply(1)',
  ],
  [/^3aff26ed/, 'a sparse image of Android', 'Make a raw image of it by simg2img(1)'],
];

const beginnings: readonly Kind[] = [
  [/^07070[12][\da-f]{8}/i, 'a cpio archive', unpackIt],
  [/^\s*<(?:!doctype html|html)\b/i, 'a page of the web', again],
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    'a pointer of Git LFS',
    'Fetch what it points to by `git lfs pull`',
  ],
  [/^%PDF-/, 'a PDF document', again],
];

/** The fault of such a file; undefined where the beginning may be that of a disk. */
export function strangerIn(head: Buffer, shown: string): Fault | undefined {
  // A disk from which a machine starts may begin with anything.
  if (head.length >= 512 && head.readUInt16BE(510) === 0x55aa) return undefined;
  const [hex, text] = [head.toString('hex', 0, 16), head.toString('latin1', 0, 64)];
  const found = magics.find(([begin]) => begin.test(hex)) ?? beginnings.find(([begin]) => begin.test(text));
  return found && noDisk(shown, found[1], found[2]);
}
