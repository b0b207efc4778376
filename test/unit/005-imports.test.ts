import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

import { root } from '../support/script';

/** The rooms of `lib/` from the ground up, as CONTRIBUTING.md shows them; those of one storey do not import each other. */
const storeys = (
  /^text ← .*$/m.exec(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'))?.[0].split(' ← ') ?? []
).map((storey) => storey.replace(/[{}]/g, '').split(', '));
const heights = new Map(storeys.flatMap((rooms, height) => rooms.map((room) => [room, height] as const)));

/** Where the command and the doctor have nothing to look for. */
const closed = { to: new Set(['cli', 'doctor']), rooms: new Set(['native', 'calls']) };

const files = filesBelow(join(root, 'lib'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { encoding: 'utf8', recursive: true });
  return names.filter((name) => name.endsWith('.ts')).sort();
}

/** The files of `lib/` that a file imports, requires, or takes types from. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, 'lib', file), 'utf8'), true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.') && !fileName.endsWith('.node'))
    .map(({ fileName }) => {
      const path = posix.join(posix.dirname(file), fileName);
      const found = [`${path}.ts`, posix.join(path, 'index.ts')].find((each) =>
        existsSync(join(root, 'lib', each)),
      );
      if (found === undefined) throw new Error(`${file} imports ${fileName}, which is not there`);
      return found;
    });
}

/** A room that the list lacks is nowhere, so that every import of it is wrong. */
function heightOf(room: string): number {
  return heights.get(room) ?? Number.NaN;
}

function roomOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : posix.basename(file, '.ts');
}

test('every file of lib/ is in a room that CONTRIBUTING.md knows, and every room is there', () => {
  expect([...new Set(files.map(roomOf))].sort()).toEqual([...heights.keys()].sort());
});

test('no import points upwards, or to a room of the same storey', () => {
  const wrong = [...imports].flatMap(([file, imported]) =>
    imported
      .filter((each) => {
        const [from, to] = [roomOf(file), roomOf(each)];
        return from !== to && !(heightOf(to) < heightOf(from));
      })
      .map((each) => `${file} → ${each}`),
  );
  expect(wrong).toEqual([]);
});

test('the command and the doctor reach neither into native nor into calls', () => {
  const wrong = [...imports].flatMap(([file, imported]) =>
    imported
      .filter((each) => closed.to.has(roomOf(file)) && closed.rooms.has(roomOf(each)))
      .map((each) => `${file} → ${each}`),
  );
  expect(wrong).toEqual([]);
});

test('no files import each other in a circle', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (way.includes(file) || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test('only native/load.ts loads a binary', () => {
  const loads = files.filter((file) =>
    /\bdlopen\(|require\('[^']*\.node'\)/.test(readFileSync(join(root, 'lib', file), 'utf8')),
  );
  expect(loads).toEqual(['native/load.ts']);
});
