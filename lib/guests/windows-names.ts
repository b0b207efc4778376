// How Windows writes a path.

/** Whether a path is written as Windows does: `C:\Users`, `c:/Users`, `\Users`. */
export function isWindowsPath(path: string): boolean {
  return /^(?:[a-z]:(?:[\\/]|$)|\\)/i.test(path);
}
