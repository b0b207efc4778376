// Where the space of a guest goes: its tree, folded until it is small enough to be shown.
import type { WalkEntry } from '../bulk/entry';
import type { Guestfs } from '../guestfs';
import type { UsageNode } from './report';

/** Depth below which a folder counts as part of the one above it. */
const deepest = 6;
/** Folders that are told apart while the tree is walked; what comes later counts as part of what is known. */
const mostFolders = 50_000;
/** Nodes of the result. */
const mostNodes = 400;
/** Inodes with several names of which it is known that they have been counted. */
const mostLinks = 1_000_000;

interface Folder {
  readonly name: string;
  readonly folders: Map<string, Folder>;
  /** What lies in the folder itself, or so deep below that it is not told apart. */
  bytes: number;
  files: number;
}

/** Walks what is mounted at `/`. */
export async function treeUsage(g: Pick<Guestfs, 'walk'>, signal?: AbortSignal): Promise<UsageNode> {
  const tree = new UsageTree();
  for await (const entry of g.walk('/', { signal, onError: () => undefined })) tree.add(entry);
  return tree.folded();
}

export class UsageTree {
  readonly #root: Folder = newFolder('/');
  readonly #links = new Set<string>();
  #folders = 1;

  add({
    path,
    type,
    blocks,
    nlink,
    dev,
    ino,
  }: Pick<WalkEntry, 'path' | 'type' | 'blocks' | 'nlink' | 'dev' | 'ino'>): void {
    if (type !== 'directory' && nlink > 1 && this.#isCounted(`${dev}:${ino}`)) return;
    const parts = path.split('/').filter(Boolean);
    if (type !== 'directory') parts.pop();
    const folder = this.#folderAt(parts);
    folder.bytes += Number(blocks) * 512;
    if (type !== 'directory') folder.files++;
  }

  #isCounted(inode: string): boolean {
    if (this.#links.has(inode)) return true;
    if (this.#links.size < mostLinks) this.#links.add(inode);
    return false;
  }

  #folderAt(parts: readonly string[]): Folder {
    let folder = this.#root;
    for (const part of parts.slice(0, deepest)) {
      let next = folder.folders.get(part);
      if (!next) {
        if (this.#folders >= mostFolders) return folder;
        this.#folders++;
        next = newFolder(part);
        folder.folders.set(part, next);
      }
      folder = next;
    }
    return folder;
  }

  /** The tree with its largest folders; others are parts of those in which they lie. */
  folded(): UsageNode {
    const sizes = new Map<Folder, { bytes: number; files: number }>();
    const measure = (folder: Folder): { bytes: number; files: number } => {
      const total = { bytes: folder.bytes, files: folder.files };
      for (const each of folder.folders.values()) {
        const { bytes, files } = measure(each);
        total.bytes += bytes;
        total.files += files;
      }
      sizes.set(folder, total);
      return total;
    };
    measure(this.#root);
    const least = [...sizes.values()].map(({ bytes }) => bytes).sort((a, b) => b - a)[mostNodes - 1] ?? 0;
    const node = (folder: Folder): UsageNode => {
      const { bytes = 0, files = 0 } = sizes.get(folder) ?? {};
      const children = [...folder.folders.values()].filter((each) => (sizes.get(each)?.bytes ?? 0) > least);
      const nodes = children.map(node).sort((a, b) => b.bytes - a.bytes);
      return { name: folder.name, bytes, files, children: nodes };
    };
    return node(this.#root);
  }
}

function newFolder(name: string): Folder {
  return { name, folders: new Map(), bytes: 0, files: 0 };
}
