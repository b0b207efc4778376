// Which of two versions is the newer one, as their package managers decide it.
import type { Package } from './package';

type Versioned = Pick<Package, 'epoch' | 'version' | 'release'>;

/** Less than 0 where `a` is older than `b`, more than 0 where it is newer. */
export function compareVersions(format: string, a: Versioned, b: Versioned): number {
  const compare = format === 'deb' ? compareDebian : format === 'apk' ? compareAlpine : compareRpm;
  return (
    a.epoch - b.epoch ||
    compare(a.version ?? '', b.version ?? '') ||
    compare(a.release ?? '', b.release ?? '')
  );
}

/** deb-version(7): what is no digit by letters before all else, `~` before the end, then digits by their value. */
function compareDebian(a: string, b: string): number {
  for (let [left, right] = [a, b]; left !== '' || right !== ''; ) {
    const words = [left, right].map((text) => /^\D*/.exec(text)?.[0] ?? '') as [string, string];
    const byWord = compareWords(...words);
    if (byWord !== 0) return byWord;
    const rest = [left.slice(words[0].length), right.slice(words[1].length)] as const;
    const digits = rest.map((text) => /^\d*/.exec(text)?.[0] ?? '') as [string, string];
    const byNumber = compareDigits(...digits);
    if (byNumber !== 0) return byNumber;
    [left, right] = [rest[0].slice(digits[0].length), rest[1].slice(digits[1].length)];
  }
  return 0;
}

function compareWords(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = weight(a[at]) - weight(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `~` before the end, the end before letters, letters before all else. */
function weight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function compareDigits(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^0+/, '')) as [string, string];
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}

/** rpmvercmp: runs of digits and of letters one by one; a number is newer than letters, `~` is older and `^` newer than the end. */
function compareRpm(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]];
    const order = rank(one) - rank(other);
    if (order !== 0) return order;
    if (one === undefined || other === undefined) return 0;
    const difference = /^\d/.test(one) ? compareDigits(one, other) : one < other ? -1 : one > other ? 1 : 0;
    if (difference !== 0) return difference;
  }
  return 0;
}

const partsOf = (text: string) => text.match(/\d+|[A-Za-z]+|[~^]/g) ?? [];

function rank(part: string | undefined): number {
  if (part === undefined) return 1;
  if (part === '~') return 0;
  if (part === '^') return 2;
  return /^\d/.test(part) ? 4 : 3;
}

/** Suffixes of apk, in their order; what has none stands between those before and those after a release. */
const before = ['alpha', 'beta', 'pre', 'rc'];
const after = ['cvs', 'svn', 'git', 'hg', 'p'];

/** apk-package(5): numbers, a letter, suffixes, and the number of a release. */
function compareAlpine(a: string, b: string): number {
  const [left, right] = [a, b].map(alpineParts) as [number[], number[]];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function alpineParts(text: string): number[] {
  const [, numbers = '', letter = '', suffixes = ''] =
    /^r?([\d.]*)([a-z]?)((?:_[a-z]+\d*)*)/.exec(text) ?? [];
  const values = numbers.split('.').map(Number);
  // As many numbers as any version has, so that the rest stands in one place.
  const padded = Array.from({ length: 16 }, (_, place) =>
    place < values.length ? (values[place] as number) + 1 : 0,
  );
  const found = [...suffixes.matchAll(/_([a-z]+)(\d*)/g)].flatMap(([, name = '', number]) => [
    before.includes(name) ? before.indexOf(name) - before.length : after.indexOf(name) + 1,
    Number(number),
  ]);
  return [...padded, letter === '' ? 0 : letter.charCodeAt(0), ...found];
}
