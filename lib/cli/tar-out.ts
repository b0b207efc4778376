import type { TarOutOptions } from '../generated/methods';
import { humanSize } from '../text/size';
import { UsageError } from './command';
import { type GuestCommand, guestCommand } from './guest';
import { checkNewFile } from './local';
import { guestOptions, imageOperand } from './options';
import type { Guest } from './session';

/** Compressions that libguestfs may know; the appliance may lack the tool. */
const compressions = ['gzip', 'bzip2', 'xz', 'zstd', 'lzma', 'lzop', 'compress'] as const;

const definition: GuestCommand = {
  description: {
    name: 'tar-out',
    summary: 'Make a tar archive of a folder of a guest',
    operands: [
      imageOperand,
      { name: 'FOLDER', guestPath: true },
      { name: 'FILE', optional: true, file: true },
    ],
    about: [
      'Makes a tar archive of the content of FOLDER of the guest, in FILE of this machine, or on stdout where none is named, or -. When it fails, no part of FILE is left.',
    ],
    options: [
      { name: 'compress', value: 'HOW', choices: compressions, about: 'Default: uncompressed' },
      {
        name: 'exclude',
        value: 'PATTERN',
        multiple: true,
        about: "Leave out what the shell pattern matches, as '*.log'",
      },
      { name: 'numeric-owner', about: 'Store numbers of owners only, no names' },
      { name: 'xattrs', about: 'Store extended attributes, SELinux labels and access control lists too' },
      ...guestOptions,
    ],
    examples: [
      { args: '--compress xz disk.qcow2 /etc etc.tar.xz', about: 'Into a file' },
      { args: 'disk.qcow2 /srv | tar -tv', about: 'Into another program' },
    ],
    exitCodes: { 0: 'success', 1: 'the archive could not be made' },
  },
  access: 'read',
  plan(args) {
    const [, folder = '/', file = '-'] = args.operands;
    const all = args.has('xattrs') || undefined;
    const options: TarOutOptions = {
      compress: args.value('compress'),
      excludes: args.has('exclude') ? args.values('exclude') : undefined,
      numericowner: args.has('numeric-owner') || undefined,
      ...{ xattrs: all, selinux: all, acls: all },
    };
    return (guest) => makeArchive(guest, folder, file, options);
  },
  check: async ({ operands: [, , file = '-'] }) => {
    if (file !== '-') return await checkNewFile('tar-out', file);
    if (!process.stdout.isTTY) return;
    throw new UsageError(
      'tar-out: an archive is nothing for a terminal: name a FILE, or redirect the output',
    );
  },
};

export const command = guestCommand(definition);

export async function makeArchive(
  { g, results, job, signal, at }: Guest,
  path: string,
  file: string,
  options: TarOutOptions,
): Promise<void> {
  const folder = await at(path);
  if (file !== '-') {
    // libguestfs would follow links on the way there in the appliance, not in the guest.
    await g.tarOut(await g.realpath(folder, { signal }), file, { ...options, signal });
    return;
  }
  let size = 0;
  for await (const bytes of g.tarOutStream(folder, { ...options, signal })) {
    size += (bytes as Buffer).length;
    job.at(humanSize(size));
    await results.bytes(bytes as Buffer);
  }
}
