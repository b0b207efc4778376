import { stat } from 'node:fs/promises';
import type { Owner } from '../bulk/copy-options';
import { bytesOf } from '../text/bytes';
import type { Arguments } from './arguments';
import { UsageError } from './command';
import { type GuestCommand, guestCommand } from './guest';
import { guestOptions, imageOperand } from './options';
import type { Guest } from './session';

const definition: GuestCommand = {
  description: {
    name: 'copy-in',
    summary: 'Copy files and trees of this machine into a guest (changes the image)',
    operands: [
      imageOperand,
      { name: 'LOCAL', repeated: true, file: true },
      { name: 'FOLDER', guestPath: true },
    ],
    about: [
      'Copies each LOCAL, a file or a tree of this machine, into FOLDER of the guest, which must be there, under its own name; of . and .. the content. It changes the image, so it wants to be told: --write. The guest must not run meanwhile: both would write, and destroy its filesystems.',
      'All filesystems of the system must be mountable, or --mount name the one to change.',
      'When it fails or is interrupted, what has been copied so far stays, whole files only, and the filesystem is left in order. A file that was being replaced then is gone.',
    ],
    options: [
      { name: 'write', about: 'Yes, change the image' },
      {
        name: 'owner',
        value: 'UID:GID',
        about: 'Numbers of the owner and group of the copies; default: those on this machine',
      },
      ...guestOptions,
    ],
    examples: [
      { args: '--write --owner 33:33 disk.qcow2 ./site /srv', about: 'A tree, for www-data of Debian' },
    ],
    exitCodes: { 0: 'success', 1: 'not everything could be copied' },
  },
  access: 'write',
  plan(args) {
    if (!args.has('write')) throw args.wrong('it changes the image: say --write if that is what you want');
    const [, ...locals] = args.operands;
    const folder = locals.pop() as string;
    const owner = ownerOf(args);
    return (guest) => copyAllIn(guest, locals, folder, owner);
  },
  check: async ({ operands }) => {
    for (const local of operands.slice(1, -1)) {
      const facts = await stat(bytesOf(local)).catch((error: NodeJS.ErrnoException) => {
        throw new UsageError(`copy-in: ${local} cannot be read: ${error.code}`);
      });
      if (!facts.isFile() && !facts.isDirectory()) {
        throw new UsageError(`copy-in: ${local} is neither a file nor a folder`);
      }
    }
  },
};

export const command = guestCommand(definition);

function ownerOf(args: Arguments): Owner | undefined {
  const text = args.value('owner');
  if (text === undefined) return undefined;
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  const owner = { uid: Number(uid), gid: Number(gid) };
  if (owner.uid < 2 ** 32 && owner.gid < 2 ** 32) return owner;
  throw args.wrong('--owner must be two numbers, UID:GID');
}

/** The first failure ends it: nobody wants half of it to go unnoticed. */
export async function copyAllIn(
  { g, job, signal, at, note }: Guest,
  locals: readonly string[],
  folder: string,
  owner: Owner | undefined,
): Promise<void> {
  const target = await at(folder);
  for (const local of locals) {
    await g.copyIn(local, target, {
      ...{ owner, signal },
      onProgress: ({ path, bytes, totalBytes }) => {
        job.at(path);
        job.progress(Number(bytes), Number(totalBytes));
      },
      onSkip: ({ path, type }) => note(`${path} is left out: no file, folder or link (${type})`),
    });
  }
}
