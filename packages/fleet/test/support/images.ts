import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with files to work on, which goes with the tests. */
export function imageFolder(): {
  path: string;
  file(name: string, content?: string): string;
  remove(): void;
} {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'guestfs-fleet-')));
  return {
    path,
    file(name, content = name) {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of results) all.push(each);
  return all;
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
