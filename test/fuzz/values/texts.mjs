// Texts: as good as any, or with what no C string has.
import fc from 'fast-check';
import { MiB, shortened, Value } from './value.mjs';

/** Words that mean something to libguestfs, to a shell or to a C program. */
const words = [
  ...['', ' ', '.', '..', '/', '//', '-', '--help', '-1', '0', '1', '9'.repeat(30), 'raw', 'ext4'],
  ...['/dev/sda', '/dev/sda1', '/dev/sdzzz', '/dev/', '/dev/VG/LV', 'btrfsvol:/dev/sda/x'],
  ...['/nonexistent', '/../..', 'UUID=0', 'LABEL=x', 'true', 'null', '__proto__', 'constructor'],
  ...['%s%n%s%n', '$(exit)', '; exit', '\n', 'a\nb', '\t', '"', '\\', "'", '\u007f', '\u00a0'],
  ...['é', 'e\u0301', '漢字', '😀', '\u{10ffff}', '\ufeff', '\ufffd', '\uffff', '\u202e'],
  ...['\udc80', '\udcff', 'a\udc80b', '\udce2\udc82\udcac', '\ud800\udc80', '\udbff\udcff'],
  ...['x'.repeat(300), 'x'.repeat(5000)],
];

/** A NUL, or a lone surrogate that stands for no byte. */
const brokenWords = [
  ...['\0', 'a\0', '\0b', '/dev/sda\0', `${'x'.repeat(5000)}\0`, `${'x'.repeat(5000)}\udfff`],
  ...['\ud800', '\udbff', 'a\ud800', '\ud800b', '\udc00', '\udc7f', '\udd00', '\udfff'],
  ...['\udc80\udc00', '\ud800\ud800\udc00', '\udc80\ud800'],
];

/** In an appliance with two disks. */
const deviceWords = [
  ...['/dev/sda', '/dev/sda1', '/dev/sdb', '/dev/sdb1', '/dev/sdd', '/dev/sda999999', '/dev/vda'],
  ...['/dev/null', '/dev/md0', '/dev/mapper/x', '/dev/VG/LV', '/dev/../dev/sda', '/dev/sda\udcff'],
  ...['sda', 'btrfsvol:/dev/sda/x', 'btrfsvol:', 'UUID=0'],
];

/** On a filesystem with a file, a folder and a link. */
const pathWords = [
  ...['/', '/file', '/folder', '/folder/file', '/link', '/missing', '//file', '/folder/', '/fil*'],
  ...['/../..', '/dev/sda', '/proc/self/mem', 'file', '/file\udcff'],
  ...[`/${'x'.repeat(300)}`, '/x'.repeat(3000)],
];

const labelled = (label, value) => new Value(label, { is: 'text', text: value }, () => value);
export const aText = (value) => labelled(shortened(JSON.stringify(value)), value);

const codePoints = fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }));
const unicode = fc.array(codePoints, { maxLength: 12 }).map((codes) => String.fromCodePoint(...codes));
const codeUnits = fc.integer({ min: 0, max: 0xffff });
const utf16 = fc.array(codeUnits, { maxLength: 12 }).map((codes) => String.fromCharCode(...codes));
const escapedBytes = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) =>
    [...bytes].map((byte) => String.fromCharCode(byte < 0x80 ? byte || 1 : 0xdc00 + byte)).join(''),
  );

/** Ten million characters. */
export const long = 'x'.repeat(10 * MiB);
const anyText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...words) },
  { weight: 2, arbitrary: fc.constantFrom(...brokenWords) },
  { weight: 3, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 2, arbitrary: unicode },
  { weight: 2, arbitrary: escapedBytes },
  { weight: 1, arbitrary: utf16 },
);
export const longTexts = [
  labelled('10 MiB of "x"', long),
  labelled('10 MiB of "x" and a NUL', `${long}\0`),
  labelled('10 MiB of "x" and a lone surrogate', `${long}\ud800`),
  labelled('10 MiB of "€"', '€'.repeat((10 * MiB) / 3)),
  labelled('1 MiB of bytes that are not UTF-8', '\udcff'.repeat(MiB)),
];

export const texts = anyText.map(aText);
export const devices = fc.oneof(fc.constantFrom(...deviceWords), anyText).map(aText);
export const paths = fc.oneof(fc.constantFrom(...pathWords), anyText).map(aText);

// On the host: nothing that is worth anything, and nothing without end.
export const inputFiles = fc
  .constantFrom('../input', '../missing', '..', '/dev/null', '', '../input\0')
  .map(aText);
export const outputFiles = fc
  .constantFrom('output', 'missing/output', '.', '/dev/null', '/dev/full', '', 'output\udcff')
  .map(aText);
