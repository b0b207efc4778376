// Files of this machine that are named in a command line.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesOf } from '../text/bytes';
import { UsageError } from './command';

/** @throws UsageError where there is no such folder */
export async function checkFolder(command: string, folder: string): Promise<void> {
  if (!(await isFolder(folder))) throw new UsageError(`${command}: ${folder} is no folder of this machine`);
}

/** @throws UsageError where no file of that name can be made */
export async function checkNewFile(command: string, file: string): Promise<void> {
  await checkFolder(command, dirname(file));
  if (await isFolder(file)) throw new UsageError(`${command}: ${file} is a folder: name a file in it`);
}

async function isFolder(path: string): Promise<boolean> {
  const facts = await stat(bytesOf(path)).catch(() => undefined);
  return facts?.isDirectory() === true;
}
