/** Storage that stops answering: whoever looks at a file there hangs, and only SIGKILL ends him. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { testUnless } from './conditions';

export interface DeadStorage extends AsyncDisposable {
  /** The path of a file there, of which nobody can tell whether it exists. */
  file(name: string): string;
  /** Lets those who hang go, with an error. */
  end(): Promise<void>;
}

/** Mounts a FUSE filesystem whose server never answers, in a folder within `parent`. */
export async function deadStorage(parent: string): Promise<DeadStorage> {
  const folder = join(parent, 'dead');
  mkdirSync(folder);
  const server = spawn('python3', [join(__dirname, 'dead-storage.py'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(server, 'exit');
  await Promise.race([
    once(server.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the dead storage could not be mounted'))),
  ]);
  const end = async () => {
    server.stdin.end();
    await ended;
  };
  return { file: (name) => join(folder, name), end, [Symbol.asyncDispose]: end };
}

function whyNoFuse(): string | undefined {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch (error) {
    return `/dev/fuse cannot be opened (${(error as NodeJS.ErrnoException).code})`;
  }
  return process.getuid?.() === 0 ? undefined : 'only root may mount a filesystem';
}

export const testWithDeadStorage = testUnless(whyNoFuse());
