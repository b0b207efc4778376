// Files of this machine that are named in a command line.
import { stat } from 'node:fs/promises';
import { bytesOf } from '../bulk/names';
import { UsageError } from './command';

/** @throws UsageError where there is no such folder */
export async function checkFolder(command: string, folder: string): Promise<void> {
  const facts = await stat(bytesOf(folder)).catch(() => undefined);
  if (!facts?.isDirectory()) throw new UsageError(`${command}: ${folder} is no folder of this machine`);
}
