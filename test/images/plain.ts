/** Files that need no recipe: what `inspect()` meets when an image is not what its user thinks. */
import { access, chmod, constants, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache';

/** 64 MiB of nothing. */
export async function emptyDisk(): Promise<string> {
  return join(await files(), 'empty.img');
}

/** A text file of some KiB. */
export async function notADisk(): Promise<string> {
  return join(await files(), 'not-a-disk.txt');
}

/** A path where nothing is. */
export async function missing(): Promise<string> {
  return join(await files(), 'missing.img');
}

/** A file of mode 000; `effective` is false where that stops nobody, as for root. */
export async function unreadable(): Promise<{ path: string; effective: boolean }> {
  const path = join(await files(), 'unreadable.img');
  const effective = await access(path, constants.R_OK).then(
    () => false,
    () => true,
  );
  return { path, effective };
}

async function files(): Promise<string> {
  return cached(['plain.ts'], async (directory) => {
    for (const name of ['empty.img', 'unreadable.img']) {
      await writeFile(join(directory, name), '');
      await truncate(join(directory, name), 64 << 20);
    }
    await chmod(join(directory, 'unreadable.img'), 0);
    await writeFile(join(directory, 'not-a-disk.txt'), 'This is a letter, not a disk.\n'.repeat(200));
  });
}
