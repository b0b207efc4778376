// The lines of a file of a guest, which may be of any length.
import type { Guestfs } from '../guestfs';

const newline = 0x0a;
/** Length, bytes, beyond which a line comes in parts. */
const longest = 1 << 20;
/** Bytes that are looked at together, from the end. */
const step = 1 << 20;

/** Lines of a text, without their ends. */
export async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (...last: Buffer[]) => {
    const line = Buffer.concat([...parts, ...last]);
    parts = [];
    length = 0;
    return line;
  };
  for await (const each of content) {
    const bytes = Buffer.from(each);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      yield take(bytes.subarray(start, end));
      start = end + 1;
    }
    if (start === bytes.length) continue;
    parts.push(bytes.subarray(start));
    length += bytes.length - start;
    if (length >= longest) yield take();
  }
  if (length > 0) yield take();
}

/** Offset at which the last `count` lines of a file begin. */
export async function startOfLast(
  g: Pick<Guestfs, 'pread'>,
  path: string,
  size: number,
  count: number,
): Promise<number> {
  let missing = count;
  for (let end = size; end > 0; ) {
    const start = Math.max(end - step, 0);
    const bytes = await g.pread(path, end - start, start);
    // What ends the last line begins no other.
    let at = end === size ? bytes.length - 1 : bytes.length;
    while (at > 0) {
      at = bytes.lastIndexOf(newline, at - 1);
      if (at < 0) break;
      if (--missing === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}
