import { entryOf, type WalkEntry } from '../bulk/entry';
import { isRefusal } from '../guests/problems';
import { entryToJson, LongLines, styleOf } from './entries';
import { type GuestCommand, guestCommand } from './guest';
import { guestOptions, imageOperand, windowsPaths } from './options';
import type { Guest } from './session';

interface Listing {
  readonly json: boolean;
  readonly long: boolean;
  readonly recursive: boolean;
  readonly human: boolean;
}

const definition: GuestCommand = {
  description: {
    name: 'ls',
    summary: 'List folders of a guest',
    operands: [imageOperand, { name: 'PATH', optional: true, repeated: true, guestPath: true }],
    about: [
      'Lists folders of a guest, or says what a file is; without a PATH the root folder. Names that begin with a dot are listed like the others. To a file or another program names go byte for byte, one a line; a name may contain a line break: with --json nothing is ambiguous.',
      windowsPaths,
    ],
    options: [
      { name: 'long', short: 'l', about: 'Permissions, links, owner, group, size, time (UTC), link target' },
      { name: 'recursive', short: 'R', about: 'What is in folders too, with paths instead of names' },
      { name: 'human-readable', short: 'h', about: 'With -l, sizes as 1.5KiB' },
      {
        name: 'json',
        about:
          'Print NDJSON, an object a line: path, type, mode (octal), nlink, uid, gid, size, allocated, ino, atime, mtime, ctime, target, device (of device nodes, "major,minor"). Bytes of a name that are not UTF-8 are \\udc80 to \\udcff',
      },
      ...guestOptions,
    ],
    examples: [
      { args: '-l disk.qcow2 /etc', about: 'One folder' },
      { args: '-R --json disk.qcow2 / | jq -r "select(.size > 1e8).path"', about: 'Large files' },
    ],
    exitCodes: { 0: 'success', 1: 'something could not be listed; the rest is' },
  },
  access: 'read',
  plan(args) {
    const [, ...paths] = args.operands;
    const listing: Listing = {
      json: args.has('json'),
      long: args.has('long'),
      recursive: args.has('recursive'),
      human: args.has('human-readable'),
    };
    return (guest) => list(guest, paths.length > 0 ? paths : ['/'], listing);
  },
};

export const command = guestCommand(definition);

export async function list(guest: Guest, paths: readonly string[], listing: Listing): Promise<void> {
  const { results, job, at, failed } = guest;
  const lines = new LongLines(listing.human);
  const isTitled = paths.length > 1 && !listing.recursive && !listing.json;
  for (const [index, given] of paths.entries()) {
    try {
      const path = await at(given);
      const top = await topOf(guest, path, listing);
      if (isTitled && !top) await results.line(index > 0 ? '\n' : '', [path, 'bold'], ':');
      for await (const entry of top ? [top] : contentOf(guest, path, listing)) {
        job.at(entry.path);
        const name = listing.recursive || top ? entry.path : entry.name;
        if (listing.json) await results.json(entryToJson(entry));
        else
          await results.line(
            ...(listing.long ? lines.pieces(entry, name) : [[name, styleOf(entry)] as const]),
          );
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, given);
    }
  }
}

function contentOf({ g, signal, failed }: Guest, path: string, { recursive }: Listing) {
  return g.walk(path, { signal, maxDepth: recursive ? undefined : 1, onError: failed });
}

/** Entry of a path that is to be listed itself; undefined for a folder, whose content is. */
async function topOf({ g, signal }: Guest, path: string, { long }: Listing): Promise<WalkEntry | undefined> {
  const own = await g.lstatns(path, { signal });
  const entry = entryOf(path, path, 0, own);
  if (entry.type === 'directory') return undefined;
  if (entry.type !== 'symlink') return entry;
  // As ls(1): a link to a folder is listed as the folder, unless details of the link are wanted.
  if (!long && (await g.isDir(path, { followsymlinks: true, signal }))) return undefined;
  return { ...entry, target: await g.readlink(path, { signal }) };
}
