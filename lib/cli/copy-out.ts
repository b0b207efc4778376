import type { CopyOutOptions } from '../bulk/copy-options';
import { isRefusal } from '../guests/problems';
import { type GuestCommand, guestCommand } from './guest';
import { checkFolder } from './local';
import { guestOptions, imageOperand, windowsPaths } from './options';
import type { Guest } from './session';

const links = ['inside', 'keep', 'skip'] as const;

const definition: GuestCommand = {
  description: {
    name: 'copy-out',
    summary: 'Copy files and trees of a guest onto this machine',
    operands: [
      imageOperand,
      { name: 'PATH', repeated: true, guestPath: true },
      { name: 'FOLDER', file: true },
    ],
    about: [
      'Copies each PATH, a file or a tree, into FOLDER, which must be there, under its own name; of / the content. Whatever the guest contains, nothing is written outside of FOLDER. Permissions and times come along; owners, devices, fifos and sockets do not. What is left out is told on stderr.',
      windowsPaths,
    ],
    options: [
      {
        name: 'links',
        value: 'WHICH',
        choices: links,
        about:
          'Symbolic links to copy: inside (default), those that cannot lead out of the tree; keep, all; skip, none',
      },
      { name: 'no-overwrite', about: 'Fail where there is a file already, instead of replacing it' },
      { name: 'setuid', about: 'Keep the bits for setuid, setgid and sticky' },
      { name: 'max-bytes', value: 'N', about: 'Copy nothing of a PATH that has more than N bytes in all' },
      ...guestOptions,
    ],
    examples: [
      { args: 'disk.qcow2 /etc /var/log rescued/', about: 'Two trees' },
      { args: '--max-bytes 1000000000 untrusted.img / out/', about: 'Everything, if it is not too much' },
    ],
    exitCodes: { 0: 'success', 1: 'something could not be copied; the rest is' },
  },
  access: 'read',
  plan(args) {
    const [, ...paths] = args.operands;
    const folder = paths.pop() as string;
    const options: CopyOutOptions = {
      links: args.value('links') as CopyOutOptions['links'],
      overwrite: !args.has('no-overwrite'),
      setuid: args.has('setuid'),
      maxBytes: args.count('max-bytes'),
    };
    return (guest) => copyAll(guest, paths, folder, options);
  },
  check: ({ operands }) => checkFolder('copy-out', operands.at(-1) as string),
};

export const command = guestCommand(definition);

export async function copyAll(
  { g, job, signal, at, failed, note }: Guest,
  paths: readonly string[],
  folder: string,
  options: CopyOutOptions,
): Promise<void> {
  for (const path of paths) {
    try {
      await g.copyOut(await at(path), folder, {
        ...options,
        signal,
        killOnAbort: true,
        onProgress: ({ path: file, bytes, totalBytes }) => {
          job.at(file);
          job.progress(Number(bytes), Number(totalBytes));
        },
        onSkip: ({ path: skipped, type, reason }) =>
          note(`${skipped} is left out: ${reasons[reason]} (${type})`),
        onError: failed,
      });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, path);
    }
  }
}

export const reasons = {
  special: 'no file, folder or link',
  link: 'the link may lead out of the tree, and comes along by --links keep',
  vanished: 'it is no longer there',
} as const;
