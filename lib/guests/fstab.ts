// What a guest's tables of volumes say: fstab(5), crypttab(5), mdadm.conf(5). Nothing in them is trusted: what cannot be
// understood is told by its line, and the rest is read.
import { bytesOf, nameOf } from '../text/bytes';

/** A line of fstab that mounts a filesystem, or uses a swap space. */
export interface FstabLine {
  /** Number of the line, from 1. */
  readonly line: number;
  /** Name of what is mounted, as the guest calls it: `UUID=…`, `/dev/sda1`. */
  readonly spec: string;
  /** Mount point, absolute and without `.` and `..`; of swap what stands there, as `none`. */
  readonly path: string;
  readonly type: string;
  readonly options: ReadonlyMap<string, string>;
}

export interface Fstab {
  readonly lines: readonly FstabLine[];
  /** Numbers of the lines that mount(8) would not understand either. */
  readonly bad: readonly number[];
}

/** Options by which a system comes up all the same when that filesystem is not there. */
const optional = ['nofail', 'noauto', '_netdev', 'x-systemd.automount', 'failok'] as const;

export function isOptional({ options }: FstabLine): boolean {
  return optional.some((option) => options.has(option));
}

/** Whether the line mounts what is mounted elsewhere already. */
export function isBound({ options, type }: FstabLine): boolean {
  return options.has('bind') || options.has('rbind') || type === 'bind' || type === 'none';
}

export function parseFstab(text: string): Fstab {
  const lines: FstabLine[] = [];
  const bad: number[] = [];
  for (const [index, fields] of fieldsOfLines(text)) {
    const parsed = fstabLine(index + 1, fields);
    if (parsed) lines.push(parsed);
    else bad.push(index + 1);
  }
  return { lines, bad };
}

function fstabLine(line: number, fields: readonly string[]): FstabLine | undefined {
  const [spec = '', file = '', type = '', options = 'defaults', ...numbers] = fields.map(unescaped);
  if (file === '' || type === '' || [spec, file, type, options].some((each) => each.includes('\0'))) return;
  const behind = numbers.findIndex((each) => each.startsWith('#'));
  const [frequency = '0', pass = '0'] = behind === -1 ? numbers : numbers.slice(0, behind);
  if (!isNumber(frequency) || !isNumber(pass)) return;
  const path = file.startsWith('/') ? canonical(file) : /^[\w-]+$/.exec(file)?.[0];
  if (path === undefined) return;
  // udev's names of hardware may be written as tags.
  const id = /^ID=["']?(.*?)["']?$/s.exec(spec)?.[1];
  const name = id === undefined ? spec : `/dev/disk/by-id/${id}`;
  return { line, spec: name, path, type, options: optionsIn(options) };
}

const isNumber = (field: string) => /^-?\d+$/.test(field);

/** Path without double and last slashes; undefined where it goes up. */
function canonical(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : `/${parts.join('/')}`;
}

/** Options by their names. A comma within quotes divides nothing: labels of SELinux have some. */
function optionsIn(text: string): ReadonlyMap<string, string> {
  const parts = text.match(/(?:[^,"]|"[^"]*"?)+/g) ?? [];
  return new Map(
    parts.map((part) => part.split(/=(.*)/s, 2)).map(([name = '', value = '']) => [name, value]),
  );
}

/** Text of a field, in which `\040` is a blank; the bytes of a name may be written so, one by one. */
function unescaped(field: string): string {
  if (!field.includes('\\')) return field;
  const bytes = bytesOf(field)
    .toString('latin1')
    .replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return nameOf(Buffer.from(bytes, 'latin1'));
}

/** Fields of the lines that are neither empty nor comments, with their places from 0. */
function fieldsOfLines(text: string): [index: number, fields: string[]][] {
  return text
    .split('\n')
    .map((line, index): [number, string[]] => [index, line.split(/[ \t\r]+/).filter((field) => field !== '')])
    .filter(([, [first]]) => first !== undefined && !first.startsWith('#'));
}

/** Names of opened volumes in /dev/mapper, with what they are made of: `UUID=…`, `/dev/sda2`. */
export function parseCrypttab(text: string): ReadonlyMap<string, string> {
  return new Map(
    fieldsOfLines(text)
      .filter(([, [, source]]) => source !== undefined)
      .map(([, [name = '', source = '']]) => [name, source]),
  );
}

/** Names of RAID devices, `/dev/md0` or `/dev/md/root`, with their UUIDs as {@link plainArrayUuid} has them. */
export function parseMdadmConf(text: string): ReadonlyMap<string, string> {
  const arrays = new Map<string, string>();
  // A line that begins with a blank goes on with the one before.
  for (const [, [keyword = '', name = '', ...details]] of fieldsOfLines(text.replace(/\n[ \t]+/g, ' '))) {
    const uuid = details.map((each) => /^uuid=(.+)$/i.exec(each)?.[1]).find((each) => each !== undefined);
    if (/^array$/i.test(keyword) && uuid !== undefined) arrays.set(arrayName(name), plainArrayUuid(uuid));
  }
  return arrays;
}

const arrayName = (name: string) => (name.startsWith('/') ? name : `/dev/md/${name}`);

/** UUID of a RAID: digits only, for mdadm groups them by colons and others by dashes. */
export function plainArrayUuid(uuid: string): string {
  return uuid.replace(/[^0-9a-f]/gi, '').toLowerCase();
}
