// File names as libguestfs's strings have them: bytes that are not UTF-8 are lone surrogates U+DC80–U+DCFF.
import { isUtf8 } from 'node:buffer';

const strayByte = /[\udc80-\udcff]/u;
const strayBytes = /[\udc80-\udcff]|[^\udc80-\udcff]+/gu;

/** Whether a name is text throughout: it can be told to a program that knows nothing else. */
export function isText(name: string): boolean {
  return !strayByte.test(name);
}

/** The bytes of a name. */
export function bytesOf(name: string): Buffer {
  if (isText(name)) return Buffer.from(name);
  const parts = name.match(strayBytes) ?? [];
  return Buffer.concat(
    parts.map((part) => (strayByte.test(part) ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part))),
  );
}

/** The name that has these bytes. */
export function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    name +=
      length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(0xdc00 | (bytes[at] ?? 0));
    at += Math.max(length, 1);
  }
  return name;
}

/** How many bytes the UTF-8 character takes that begins here; 0 when none does. */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/**
 * Whether a name is that of something in a folder, and nothing else: what a broken filesystem says is not to be
 * trusted.
 */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
