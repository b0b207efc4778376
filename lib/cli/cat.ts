import { isRefusal } from '../guests/problems';
import { sizeOfFile } from './entries';
import { type GuestCommand, guestCommand } from './guest';
import { guestOptions, imageOperand, windowsPaths } from './options';
import type { Guest } from './session';

const definition: GuestCommand = {
  description: {
    name: 'cat',
    summary: 'Print files of a guest',
    operands: [imageOperand, { name: 'PATH', repeated: true, guestPath: true }],
    about: [
      'Prints files of a guest, one after the other. To a file or another program they go byte for byte; on a terminal they are shown as text, without what could play with it.',
      windowsPaths,
    ],
    options: guestOptions,
    examples: [
      { args: 'disk.qcow2 /etc/fstab', about: 'One file' },
      { args: 'windows.qcow2 C:/autoexec.bat', about: 'A file of Windows, by its name there' },
      { args: 'disk.qcow2 /var/log/dpkg.log.1.gz | zcat', about: 'Bytes for another program' },
    ],
    exitCodes: { 0: 'success', 1: 'a file could not be read to its end; the others are printed' },
  },
  access: 'read',
  plan: (args) => (guest) => printFiles(guest, args.operands.slice(1)),
};

export const command = guestCommand(definition);

export async function printFiles(
  { g, results, job, signal, at, failed }: Pick<Guest, 'g' | 'results' | 'job' | 'signal' | 'at' | 'failed'>,
  paths: readonly string[],
): Promise<void> {
  for (const [index, path] of paths.entries()) {
    job.phase(path);
    try {
      const file = await at(path);
      await sizeOfFile(g, 'cat', file, { signal });
      await results.content(g.createReadStream(file, { signal }));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, path);
    }
    job.progress(index + 1, paths.length);
  }
}
