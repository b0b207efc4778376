// Images that libguestfs cannot be told of in its own words, or not without everybody seeing what lets one in: qemu-nbd
// hands them on over a socket of this user's.
import { writeFile } from 'node:fs/promises';
import { errnoOf, image } from '../faults/faults';
import { missingProgram, serverFailed } from '../faults/source-faults';
import { reasonOfQemuImg } from '../faults/words';
import { runQemuImg } from '../host/qemu-img';
import { UnusableImage } from '../host/unusable-image';
import { description, longestName } from './description';
import type { Opening } from './opening';
import { ServerFailed, startServer } from './server';
import { faultOfServer, patienceMs } from './server-faults';
import type { RemoteLocation } from './uri';

export interface Hidden {
  /** What qemu calls the disk. */
  readonly backing: string;
  /** Undefined where what qemu calls it says so. */
  readonly format?: 'raw';
  /** What may be shown of it. */
  readonly shown: string;
  /** Texts that nobody must see. */
  readonly secrets: readonly string[];
}

/** Serves the bytes of an image on a socket, until the workspace is removed. */
export async function serve(hidden: Hidden, { signal, workspace }: Opening): Promise<RemoteLocation> {
  const { backing, format, shown } = hidden;
  if (Buffer.byteLength(backing) > longestName) {
    const problem = `${shown} is too long: qemu takes no more than ${longestName} bytes`;
    throw new UnusableImage('EINVAL', problem, undefined, undefined, 'use a shorter URI');
  }
  const file = await workspace.path('description.qcow2');
  const write = (size: number) => writeFile(file, description(backing, size, format), { mode: 0o600 });
  await write(0);
  const said = await runQemuImg(
    ['info', '-f', 'qcow2', '--backing-chain', '--output=json', file],
    signal,
    patienceMs,
  ).catch((error: unknown) => {
    throw faultOf(error, hidden, file);
  });
  await write(sizeOfBacking(said));
  const socket = await workspace.path('nbd');
  const options = ['--persistent', '--read-only', '--shared=0', '--format=qcow2', '--cache=writeback'];
  const command = ['qemu-nbd', ...options, `--socket=${socket}`, file];
  try {
    workspace.owns(await startServer(command, socket, patienceMs, signal));
  } catch (error) {
    if (!(error instanceof ServerFailed)) throw error;
    if (error.exitCode === 127) throw UnusableImage.for(missingProgram('qemu-nbd', shown, ['qemu-nbd']));
    const why = withoutSecrets(error.said.trim(), hidden) || 'qemu-nbd does not serve it';
    throw UnusableImage.for(serverFailed(shown, why));
  }
  return { kind: 'remote', protocol: 'nbd', server: [`unix:${socket}`], name: '', shown };
}

function sizeOfBacking(said: string): number {
  const [, backing] = JSON.parse(said) as { 'virtual-size'?: unknown }[];
  const size = backing?.['virtual-size'];
  if (Number.isSafeInteger(size)) return size as number;
  throw new Error('qemu-img tells no size');
}

/** What stands before it is about our file, and quotes the name of the disk. */
function faultOf(error: unknown, hidden: Hidden, file: string): unknown {
  const { stderr = '', ...rest } = error as { stderr?: string };
  const own = reasonOfQemuImg(stderr)
    .replaceAll(`Could not open '${file}': `, '')
    .replace(/^Could not open backing file: /, '')
    .replace(`Could not open '${hidden.backing}': `, '');
  const why = withoutSecrets(own, hidden);
  // A description names files of this machine too.
  const errno = hidden.format === undefined ? errnoOf(why) : undefined;
  if (errno !== undefined) return UnusableImage.for(image(hidden.shown, why, errno));
  const clean = Object.assign(new Error(why), { ...rest, stderr: `qemu-img: ${why}` });
  return faultOfServer(clean, { shown: hidden.shown });
}

function withoutSecrets(text: string, { backing, secrets, shown }: Hidden): string {
  return secrets
    .flatMap((each) => [each, encodeURIComponent(each)])
    .filter((each) => each !== '')
    .reduce((clean, each) => clean.replaceAll(each, '…'), text.replaceAll(backing, shown));
}
