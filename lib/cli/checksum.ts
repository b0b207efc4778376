import { checksumOf } from '../bulk/checksum';
import type { ChecksumType } from '../bulk/walk-options';
import { isRefusal } from '../guests/problems';
import { sizeOfFile } from './entries';
import { type GuestCommand, guestCommand } from './guest';
import { guestOptions, imageOperand } from './options';
import type { Guest } from './session';

const types = [
  'md5',
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'crc',
] as const satisfies ChecksumType[];

const definition: GuestCommand = {
  description: {
    name: 'checksum',
    summary: 'Checksums of files, or of whole trees',
    operands: [imageOperand, { name: 'PATH', repeated: true, guestPath: true }],
    about: [
      'Prints the checksums of files of a guest, and for a folder those of all files in it, in the format of sha256sum(1): in a name with line breaks or backslashes these are written as \\n, \\r and \\\\, and the line begins with a backslash. Symbolic links in a folder are not followed.',
    ],
    options: [
      { name: 'type', short: 't', value: 'TYPE', choices: types, about: 'Default sha256' },
      { name: 'json', about: 'Print NDJSON, an object a line: path, type, checksum, size' },
      ...guestOptions,
    ],
    examples: [
      { args: 'disk.qcow2 /boot > boot.sha256', about: 'Of a folder' },
      { args: '-t md5 disk.qcow2 /etc/passwd /etc/shadow', about: 'Of files' },
    ],
    exitCodes: { 0: 'success', 1: 'a file could not be read; the checksums of the others are printed' },
  },
  access: 'read',
  plan(args) {
    const [, ...paths] = args.operands;
    const type = (args.value('type') ?? 'sha256') as ChecksumType;
    return (guest) => printChecksums(guest, paths, type, args.has('json'));
  },
};

export const command = guestCommand(definition);

interface Summed {
  readonly path: string;
  readonly size: bigint;
  readonly checksum: string;
}

export async function printChecksums(
  guest: Guest,
  paths: readonly string[],
  type: ChecksumType,
  json: boolean,
): Promise<void> {
  const { results, job, at, failed } = guest;
  for (const path of paths) {
    try {
      for await (const { path: file, size, checksum } of filesOf(guest, await at(path), type)) {
        job.at(file);
        if (json) await results.json({ path: file, type, checksum, size });
        else await results.line(checksumLine(file, checksum));
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, path);
    }
  }
}

async function* filesOf(
  { g, signal, failed }: Guest,
  path: string,
  type: ChecksumType,
): AsyncGenerator<Summed> {
  if (!(await g.isDir(path, { followsymlinks: true, signal }))) {
    const file = { path, size: await sizeOfFile(g, 'checksum', path, { signal }) };
    yield { ...file, checksum: await checksumOf(g, type, file, { signal }) };
    return;
  }
  const files = g.walk(path, {
    ...{ signal, checksum: type, onError: failed },
    filter: (entry) => entry.type === 'file',
  });
  for await (const { path: file, size, checksum } of files) {
    if (checksum !== null) yield { path: file, size, checksum };
  }
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

/** Line of a checksum as coreutils write it. */
export function checksumLine(path: string, checksum: string): string {
  const escaped = path.replace(/[\n\r\\]/g, (character) => escapes[character] ?? character);
  return `${escaped === path ? '' : '\\'}${checksum}  ${escaped}`;
}
