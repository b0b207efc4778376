import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from './cache';

const run = promisify(execFile);

/** A real bootable ISO: GRUB's rescue disk, as Debian packs it or as this machine's GRUB makes it. */
export async function bootableIso(): Promise<string> {
  const packed = '/usr/lib/grub-rescue/grub-rescue-cdrom.iso';
  if (existsSync(packed)) return packed;
  const directory = await cached(['iso.ts'], async (directory) => {
    try {
      await run('grub-mkrescue', [`--output=${join(directory, 'rescue.iso')}`]);
    } catch (cause) {
      throw new Error('No bootable ISO to test with: sudo apt-get install grub-rescue-pc xorriso', { cause });
    }
  });
  return join(directory, 'rescue.iso');
}
