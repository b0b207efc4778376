// Node's permission model (`--permission`): what it forbids to JavaScript. Native code it does not watch.
import { shellWord } from '../text/shell';
import { UnusableImage } from './unusable-image';

/** Scopes of what looks at the whole machine, writes to several of its folders and runs programs, with their flags. */
const flags: Readonly<Record<string, string>> = {
  child: '--allow-child-process',
  'fs.read': "'--allow-fs-read=*'",
  'fs.write': "'--allow-fs-write=*'",
};

/** Flags without which this process may not look at all of the machine; none where it may, as usual. */
export function missingFlags(): string[] {
  const permission = process.permission as typeof process.permission | undefined;
  if (!permission) return [];
  // Node.js 20 says of some files what others say of all.
  const isAllowed = (scope: string) =>
    permission.has(scope) && (!scope.startsWith('fs.') || permission.has(scope, '/'));
  return Object.keys(flags)
    .filter((scope) => !isAllowed(scope))
    .map((scope) => flags[scope] as string);
}

/** Whether Node's permission model was in the way, and not the machine. */
export function isForbidden(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_ACCESS_DENIED';
}

/** What Node's permission model has forbidden to do with an image; undefined for another error. */
export function forbiddenByNode(error: unknown, path: string): UnusableImage | undefined {
  if (!isForbidden(error)) return undefined;
  const isProgram = (error as { permission?: unknown }).permission === 'ChildProcess';
  const problem = isProgram
    ? `Node's permission model does not allow to run qemu-img on ${path}`
    : `Node's permission model does not allow to read ${path}`;
  const flag = isProgram ? '--allow-child-process' : `--allow-fs-read=${shellWord(path)}`;
  return new UnusableImage('ERR_ACCESS_DENIED', problem, error, 'EACCES', `start Node.js with ${flag} too`);
}
