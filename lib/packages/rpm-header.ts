// RPM's header, as its databases keep one for each package: an index of tags, and their data behind it.
// https://rpm-software-management.github.io/rpm/manual/format_header.html
import { BadDatabase, type Package, packageOf, timeOf } from './package';

const tags = {
  ...{ name: 1000, version: 1001, release: 1002, epoch: 1003, summary: 1004, description: 1005 },
  ...{ installTime: 1008, size: 1009, distribution: 1010, vendor: 1011, license: 1014, packager: 1015 },
  ...{ url: 1020, arch: 1022, sourceRpm: 1044, provideName: 1047, requireName: 1049, longSize: 5009 },
  module: 5096,
} as const;

const types = { int16: 3, int32: 4, int64: 5, string: 6, stringArray: 8, translated: 9 } as const;

const entrySize = 16;

/** As in RPM itself: an index of more entries, or more bytes of data, is none. */
const mostEntries = 0xffff;
const mostData = 256 * 2 ** 20;

/** Strings of one tag that are read. */
const mostStrings = 0xffff;

/** Files of one package that are read. */
const mostFiles = 1_000_000;

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** Package that a header describes. @throws BadDatabase */
export function packageIn(header: Buffer): Package {
  const { entries, data } = indexOf(header);
  const strings = (tag: number) => stringsAt(data, entries.get(tag));
  const text = (tag: number) => strings(tag)[0] || null;
  const number = (tag: number) => numberAt(data, entries.get(tag));
  const name = text(tags.name);
  if (name === null) throw new BadDatabase('a package without a name');
  const size = number(tags.longSize) ?? number(tags.size);
  return packageOf({
    ...{ name, epoch: number(tags.epoch) ?? 0, version: text(tags.version), release: text(tags.release) },
    ...{
      arch: text(tags.arch),
      ...sourceIn(text(tags.sourceRpm)),
      vendor: text(tags.vendor) ?? text(tags.packager),
    },
    ...{
      license: text(tags.license),
      installedSize: size,
      installTime: timeOf(number(tags.installTime) ?? 0),
    },
    ...{ origin: text(tags.distribution), url: text(tags.url), summary: text(tags.summary) },
    ...{ description: text(tags.description), module: text(tags.module) },
    ...{
      depends: [...new Set(strings(tags.requireName))],
      provides: [...new Set(strings(tags.provideName))],
    },
  });
}

/** Values of a header by their tags. */
export interface Header {
  /** Strings of a tag; none where it is not there. */
  strings(tag: number): string[];
  /** Whole numbers of 16 or 32 bits of a tag; none where it is not there. */
  numbers(tag: number): number[];
}

/** @throws BadDatabase */
export function headerOf(header: Buffer): Header {
  const { entries, data } = indexOf(header);
  return {
    strings: (tag) => stringsAt(data, entries.get(tag), mostFiles),
    numbers: (tag) => numbersAt(data, entries.get(tag)),
  };
}

function numbersAt(data: Buffer, entry: Entry | undefined): number[] {
  if (!entry) return [];
  const size = entry.type === types.int16 ? 2 : entry.type === types.int32 ? 4 : 0;
  const { offset } = entry;
  const count = Math.min(entry.count, size === 0 ? 0 : Math.floor((data.length - offset) / size), mostFiles);
  return Array.from({ length: Math.max(count, 0) }, (_, index) =>
    size === 2 ? data.readUInt16BE(offset + index * size) : data.readUInt32BE(offset + index * size),
  );
}

/** `NAME-VERSION-RELEASE.src.rpm`. */
function sourceIn(file: string | null): Pick<Package, 'source' | 'sourceVersion'> {
  const [, source, version, release] = /^(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm$/.exec(file ?? '') ?? [];
  if (source === undefined) return { source: null, sourceVersion: null };
  return { source, sourceVersion: `${version}-${release}` };
}

function indexOf(header: Buffer): { entries: ReadonlyMap<number, Entry>; data: Buffer } {
  if (header.length < 8) throw new BadDatabase('a header of RPM that ends before it begins');
  const [count, length] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const start = 8 + count * entrySize;
  if (count > mostEntries || length > mostData || start + length > header.length)
    throw new BadDatabase('a header of RPM that is longer than what it lies in');
  const entries = new Map<number, Entry>();
  for (let at = 8; at < start; at += entrySize) {
    const tag = header.readUInt32BE(at);
    const entry = {
      type: header.readUInt32BE(at + 4),
      offset: header.readUInt32BE(at + 8),
      count: header.readUInt32BE(at + 12),
    };
    if (!entries.has(tag)) entries.set(tag, entry);
  }
  return { entries, data: header.subarray(start, start + length) };
}

function stringsAt(data: Buffer, entry: Entry | undefined, most = mostStrings): string[] {
  if (!entry) return [];
  const { type, offset } = entry;
  const isString = type === types.string;
  if (!isString && type !== types.stringArray && type !== types.translated) return [];
  const count = isString ? 1 : Math.min(entry.count, most);
  const found: string[] = [];
  for (let at = offset; found.length < count && at < data.length; ) {
    const end = data.indexOf(0, at);
    if (end < 0) throw new BadDatabase('a string of RPM without an end');
    found.push(data.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}

function numberAt(data: Buffer, entry: Entry | undefined): number | null {
  if (!entry || entry.count < 1) return null;
  const { type, offset } = entry;
  if (type === types.int32 && offset + 4 <= data.length) return data.readUInt32BE(offset);
  if (type !== types.int64 || offset + 8 > data.length) return null;
  const value = Number(data.readBigUInt64BE(offset));
  return Number.isSafeInteger(value) ? value : null;
}
