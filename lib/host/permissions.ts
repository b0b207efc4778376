import { shellWord } from '../text/shell';
import { UnusableImage } from './unusable-image';

/** What Node's permission model (`--permission`) has forbidden to do with an image; undefined for another error. */
export function forbiddenByNode(error: unknown, path: string): UnusableImage | undefined {
  const { code, permission } = error as { code?: unknown; permission?: unknown };
  if (code !== 'ERR_ACCESS_DENIED') return undefined;
  const isProgram = permission === 'ChildProcess';
  const problem = isProgram
    ? `Node's permission model does not allow to run qemu-img on ${path}`
    : `Node's permission model does not allow to read ${path}`;
  const flag = isProgram ? '--allow-child-process' : `--allow-fs-read=${shellWord(path)}`;
  return new UnusableImage(code, problem, error, 'EACCES', `start Node.js with ${flag} too`);
}
