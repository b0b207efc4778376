// How often each line of lib/ has run, by what V8 has counted in Jest and in the processes that run dist/.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export class TypeScriptLines {
  /** The modules of dist/ by their paths. */
  #modules;

  constructor(root) {
    const dist = path.join(root, 'dist');
    const names = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'));
    this.#modules = new Map(
      names.map((name) => [path.join(dist, name), compiledModule(path.join(dist, name))]),
    );
  }

  /** Adds what processes have counted, and removes their files. */
  addProcesses(folder) {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name);
      let counted;
      try {
        counted = JSON.parse(readFileSync(file, 'utf8')).result;
      } catch {
        continue; // it is being written, or its process was killed over it
      }
      for (const { url, functions } of counted) {
        const module = url.startsWith('file:') && this.#modules.get(fileURLToPath(url));
        if (module) addRanges(module, functions);
      }
      rmSync(file);
    }
  }

  /** Adds what Jest has counted. */
  addJest(file) {
    if (!existsSync(file)) return;
    const counted = JSON.parse(readFileSync(file, 'utf8'));
    for (const { lines, source } of this.#modules.values()) {
      const { statementMap = {}, s = {} } = counted[source] ?? {};
      for (const [id, { start }] of Object.entries(statementMap)) add(lines, start.line, s[id]);
    }
  }

  /** The lines with code, and how often they have run, by source. */
  files() {
    return new Map([...this.#modules.values()].map(({ source, lines }) => [source, lines]));
  }
}

/** A compiled module: where the code of each line of its source begins in it. */
function compiledModule(file) {
  const text = readFileSync(file, 'utf8');
  const payload = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  const map = new SourceMap(payload);
  const places = [];
  let offset = 0;
  for (const [number, line] of text.split('\n').entries()) {
    const column = line.search(/\S/);
    const isCode = column >= 0 && !/^(?:\/[/*]|\*|[\])}]+[;,]?$|"use strict";)/.test(line.slice(column));
    const { originalLine } = isCode ? map.findEntry(number, column) : {};
    if (originalLine !== undefined) places.push({ offset: offset + column, line: originalLine + 1 });
    offset += line.length + 1;
  }
  const source = path.resolve(path.dirname(file), payload.sources[0]);
  return { source, size: text.length, places, lines: new Map(places.map(({ line }) => [line, 0])) };
}

/** V8 counts ranges of code; a range within another one is the more exact. */
function addRanges({ size, places, lines }, functions) {
  const ranges = functions.flatMap((fn) => fn.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const counts = new Uint32Array(size + 1);
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  for (const { offset, line } of places) add(lines, line, counts[offset]);
}

/** Lines without code of their own are in nobody's way. */
function add(lines, line, count) {
  const before = lines.get(line);
  if (before !== undefined) lines.set(line, before + count);
}
