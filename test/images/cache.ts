/** Results of slow recipes: built once per version of the recipe, then shared by all runs and processes. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'guestfs-node', 'test-images');

/**
 * The directory that `build` filled, now or earlier. `sources` are the files of this folder that make up the
 * recipe: a change in any of them builds anew; `name` tells what else one recipe makes.
 */
export async function cached(
  sources: readonly string[],
  build: (directory: string) => Promise<void>,
  name = '',
): Promise<string> {
  const hash = createHash('sha256').update(name);
  for (const source of sources) hash.update(source).update(await readFile(join(__dirname, source)));
  const directory = join(root, hash.digest('hex').slice(0, 20));
  if (existsSync(directory)) return directory;

  await mkdir(root, { recursive: true });
  const unlock = await lock(`${directory}.lock`);
  try {
    if (!existsSync(directory)) {
      const partial = `${directory}.partial`;
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial);
      await build(partial);
      await rename(partial, directory);
    }
  } finally {
    await unlock();
  }
  return directory;
}

/** Waits for the lock; the kernel drops it even when this process dies without a word. */
async function lock(file: string): Promise<() => Promise<void>> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(holder, 'close');
  const failed = closed.then(() => Promise.reject(new Error(`flock ${file} failed`)));
  await Promise.race([once(holder.stdout, 'data'), failed]);
  failed.catch(() => {}); // the holder's ordinary end
  return async () => {
    holder.stdin.end();
    await closed;
  };
}
