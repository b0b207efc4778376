// Commands that a reader copies to a shell.
import { shellWord } from '../text/shell';
import type { Machine } from './machine';

/** Command that only root may run. */
export function asRoot({ uid }: Machine, command: string): string {
  return uid === 0 ? command : `sudo ${command}`;
}

/** Takes away the variable that says so; undefined where none does. */
export function unset({ env }: Machine, value: string, ...names: readonly string[]): string | undefined {
  const name = names.find((each) => env[each] === value);
  return name && `unset ${name}`;
}

/** Names the first folder for something that is good for it; null where none is. */
export function useFolder(
  machine: Machine,
  variable: string,
  folders: readonly (string | undefined)[],
  bytes: number,
): string | null {
  const good = folders.find(
    (folder) =>
      folder &&
      !machine.refusal(folder, 'write') &&
      !machine.refusal(folder, 'execute') &&
      (machine.space(folder) ?? bytes) >= bytes,
  );
  return good ? `export ${variable}=${shellWord(good)}` : null;
}
