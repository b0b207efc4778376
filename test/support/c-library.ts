/** C code that is put before libguestfs, or beside it in the same process: it uses or replaces its functions. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { TemporaryFolder } from './folder';

const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-Wno-unused-parameter'];

/** Returns the path of the library, for `LD_PRELOAD`. */
export function compileLibrary(code: string, folder: TemporaryFolder, flags: readonly string[] = []): string {
  const source = folder.file('library.c');
  writeFileSync(source, code);
  const library = folder.file('library.so');
  execFileSync('cc', ['-shared', '-fPIC', ...warnings, '-o', library, source, ...flags]);
  return library;
}

/** The same, for code that uses what the installed guestfs.h declares. */
export function compileWithHeader(code: string, folder: TemporaryFolder): string {
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'libguestfs'], { encoding: 'utf8' });
  return compileLibrary(
    `#define _GNU_SOURCE\n#include <guestfs.h>\n${code}`,
    folder,
    flags.split(/\s+/).filter(Boolean),
  );
}
