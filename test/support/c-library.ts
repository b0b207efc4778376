/** C code that is put before libguestfs, or beside it in the same process: it uses or replaces its functions. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { headerFlags } from './api';
import type { TemporaryFolder } from './folder';

/** Returns the path of the library, for `LD_PRELOAD`. */
export function compileLibrary(code: string, folder: TemporaryFolder): string {
  const source = folder.file('library.c');
  writeFileSync(source, `#define GUESTFS_NO_WARN_DEPRECATED 1\n#include <guestfs.h>\n${code}`);
  const library = folder.file('library.so');
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-Wno-unused-parameter'];
  execFileSync('cc', ['-shared', '-fPIC', ...warnings, ...headerFlags, '-o', library, source, '-lguestfs']);
  return library;
}
