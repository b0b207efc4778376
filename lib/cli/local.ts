// Files of this machine that are named in a command line.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesOf } from '../text/bytes';
import { UsageError } from './command';

/** @throws UsageError where there is no such folder, or nothing may be written into it */
export async function checkFolder(command: string, folder: string): Promise<void> {
  if (!(await isFolder(folder))) throw new UsageError(`${command}: ${folder} is no folder of this machine`);
  const code = await refusal(folder, constants.W_OK | constants.X_OK);
  if (code !== undefined)
    throw new UsageError(`${command}: nothing can be written into ${folder}: ${refused(code)}`);
}

/** @throws UsageError where no file of that name can be made */
export async function checkNewFile(command: string, file: string): Promise<void> {
  if (await isFolder(file)) throw new UsageError(`${command}: ${file} is a folder: name a file in it`);
  // What is there already may be a device, or a file that this user may write in a folder that he may not.
  const code = await refusal(file, constants.W_OK);
  if (code === undefined) return;
  if (code !== 'ENOENT') throw new UsageError(`${command}: ${file} cannot be written: ${refused(code)}`);
  await checkFolder(command, dirname(file));
}

/** Why a file may not be used so: the errno's name; undefined when it may. */
async function refusal(path: string, mode: number): Promise<string | undefined> {
  return access(bytesOf(path), mode).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

function refused(code: string): string {
  if (code === 'EACCES') return 'this user may not (EACCES)';
  return code === 'EROFS' ? 'its filesystem is read-only (EROFS)' : code;
}

async function isFolder(path: string): Promise<boolean> {
  const facts = await stat(bytesOf(path)).catch(() => undefined);
  return facts?.isDirectory() === true;
}
