// Images in xz that are read in their place: nbdkit unpacks the blocks that are asked for.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Opening } from './opening';
import { ServerFailed, startServer } from './server';
import { patienceMs } from './server-faults';
import type { RemoteLocation } from './uri';

/** Bytes of the largest blocks that are worth it: each is unpacked whole, for whatever is read of it. */
const largestBlock = 32 * 2 ** 20;

/** Bytes of unpacked blocks that nbdkit keeps. */
const keptBytes = 512 * 2 ** 20;

/** Serves what is in a file of xz; undefined where it has to be unpacked: its blocks are too large, or nbdkit is missing. */
export async function serveInPlace(
  path: string,
  shown: string,
  { signal, workspace }: Opening,
): Promise<RemoteLocation | undefined> {
  const block = await blockOf(path, signal);
  if (block === undefined || block > largestBlock) return undefined;
  const socket = await workspace.path('nbd');
  const depth = Math.min(Math.floor(keptBytes / block), 1024);
  const command = [
    ...['nbdkit', '--foreground', '--readonly', `--unix=${socket}`, '--filter=xz', 'file'],
    ...[`file=${path}`, `xz-max-block=${largestBlock}`, `xz-max-depth=${depth}`],
  ];
  try {
    workspace.owns(await startServer(command, socket, patienceMs, signal));
  } catch (error) {
    if (error instanceof ServerFailed) return undefined;
    throw error;
  }
  return { kind: 'remote', protocol: 'nbd', server: [`unix:${socket}`], name: '', shown };
}

/** Bytes of an unpacked block on average; undefined where the file does not tell, or xz is missing. */
async function blockOf(path: string, signal: AbortSignal | undefined): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('xz', ['--robot', '--list', '--', path], { signal });
    const [, , blocks, , size] = (/^totals\t.*$/m.exec(stdout)?.[0] ?? '').split('\t').map(Number);
    return blocks && size ? Math.ceil(size / blocks) : undefined;
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}
