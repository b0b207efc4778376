// What the coverage is printed as: a row a folder, and then the lines that nothing has run.

import path from 'node:path';
import { root } from '../steps.mjs';

export function printTables(...tables) {
  for (const files of tables) {
    console.log('\n  lines    run  not run  folder');
    for (const [folder, members] of byFolder(files)) printRow(folder, members);
    printRow('all', [...files.values()]);
  }
  console.log('\nLines that nothing has run:');
  for (const files of tables) {
    for (const [file, lines] of [...files].sort()) {
      const ranges = rangesOf(lines);
      if (ranges.length > 0) console.log(`  ${path.relative(root, file)}: ${ranges.join(', ')}`);
    }
  }
}

function byFolder(files) {
  const folders = new Map();
  for (const [file, lines] of [...files].sort()) {
    const folder = path.relative(root, path.dirname(file));
    folders.set(folder, [...(folders.get(folder) ?? []), lines]);
  }
  return folders;
}

function printRow(name, members) {
  const counts = members.flatMap((lines) => [...lines.values()]);
  const run = counts.filter((count) => count > 0).length;
  const percent = counts.length === 0 ? '' : `${((100 * run) / counts.length).toFixed(1)} %`;
  const cells = [counts.length, percent, counts.length - run].map((cell, i) =>
    `${cell}`.padStart([7, 8, 8][i]),
  );
  console.log(`${cells.join(' ')}  ${name}`);
}

/** `12-14` for lines with code that follow each other, whatever is in between. */
function rangesOf(lines) {
  const ranges = [];
  let begin;
  let last;
  const end = () => begin !== undefined && ranges.push(begin === last ? `${begin}` : `${begin}-${last}`);
  for (const [line, count] of [...lines].sort(([a], [b]) => a - b)) {
    if (count === 0) {
      begin ??= line;
      last = line;
      continue;
    }
    end();
    begin = undefined;
  }
  end();
  return ranges;
}
