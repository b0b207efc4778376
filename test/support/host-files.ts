import { lstatSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ChunkedFile, type SystemFile, type SystemFiles } from '../../lib/packages/system-files';

/** The files of a tree of this machine, as readers of databases see those of a guest. */
export class HostFiles implements SystemFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(path: string): Promise<SystemFile | undefined> {
    const place = join(this.#root, path);
    const stat = statOf(place);
    if (!stat?.isFile()) return undefined;
    return new ChunkedFile(stat.size, async (offset, length) => {
      await using file = await open(place);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  }

  async list(folder: string): Promise<string[]> {
    try {
      return readdirSync(join(this.#root, folder)).sort();
    } catch {
      return [];
    }
  }

  async times(folder: string, names: readonly string[]): Promise<Map<string, number>> {
    const stats = names.map(
      (name) => [name, lstatSync(join(this.#root, folder, name), { throwIfNoEntry: false })] as const,
    );
    return new Map(stats.flatMap(([name, stat]) => (stat ? [[name, Math.floor(stat.mtimeMs / 1000)]] : [])));
  }
}

function statOf(place: string) {
  try {
    return lstatSync(place);
  } catch {
    return undefined;
  }
}
