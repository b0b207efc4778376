// How often each line of src-native/ has run, by what gcov makes of the counts of a build with GUESTFS_COVERAGE.

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const countsOf = (build) =>
  readdirSync(build, { recursive: true })
    .filter((name) => name.endsWith('.gcda'))
    .map((name) => path.join(build, name));

/** Every process adds to the counts of those before. */
export function removeCounts(build) {
  for (const file of countsOf(build)) rmSync(file);
}

/** The lines with code, and how often they have run, by source. */
export function nativeLines(root, build) {
  const sources = new Map();
  for (const counts of countsOf(build)) {
    const output = execFileSync('gcov', ['--json-format', '--stdout', counts], {
      cwd: build,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    for (const document of output.split('\n').filter(Boolean)) {
      for (const { file, lines } of JSON.parse(document).files) {
        const source = path.resolve(build, file);
        if (source.startsWith(`${root}/src-native/`)) addLines(sources, source, lines);
      }
    }
  }
  return sources;
}

/** A header's lines are counted once in each file that includes it, and a template's for each of its types. */
function addLines(sources, source, counted) {
  const lines = sources.get(source) ?? new Map();
  sources.set(source, lines);
  for (const { line_number, count } of counted) lines.set(line_number, (lines.get(line_number) ?? 0) + count);
}
