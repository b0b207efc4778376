/** Small filesystems that can be full or read-only. Mounting them needs root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';

/** A tmpfs that goes when its block is left. */
export class SmallFilesystem implements Disposable {
  readonly path: string;

  /** @param options - of mount(8), as `size=1m` or `ro` */
  constructor(options: string) {
    this.path = mkdtempSync(join(tmpdir(), 'guestfs-small-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'guestfs-test', this.path], { stdio: 'pipe' });
    } catch (error) {
      rmdirSync(this.path);
      throw error;
    }
  }

  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.path]);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmdirSync(this.path);
  }
}

function whyNoMounts(): string | undefined {
  try {
    new SmallFilesystem('size=64k')[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `a tmpfs cannot be mounted here: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`;
  }
}

const why = whyNoMounts();
if (why !== undefined) console.warn(`The tests of full and read-only folders are skipped: ${why}.`);

export function testWithMounts(name: string, body: () => Promise<void>): void {
  if (why === undefined) test(name, body);
  else test.skip(`${name} [skipped: ${why}]`, body);
}
