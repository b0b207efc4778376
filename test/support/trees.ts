/** Trees for rules of `check()`, whose files are an object. */
import type { Guestfs, OperatingSystemReport, Tree } from '../../lib';
import { mountedTree } from '../../lib/check/tree';
import { unknownSystem } from '../../lib/guests/operating-system';
import { fakeHandle } from './command';
import type { FakeFolder } from './fake-guest';

/** Folders of paths. */
export function folderOf(files: Readonly<Record<string, FakeFolder[string]>>): FakeFolder {
  const root: FakeFolder = {};
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split('/').filter(Boolean);
    const name = parts.pop() as string;
    let folder = root;
    for (const part of parts) {
      folder[part] ??= {};
      folder = folder[part] as FakeFolder;
    }
    folder[name] = content;
  }
  return root;
}

export const debian: OperatingSystemReport = {
  ...unknownSystem('/dev/sda1'),
  ...{ type: 'linux', distro: 'debian', packageFormat: 'deb', applications: [] },
};

export function treeOf(
  files: Readonly<Record<string, FakeFolder[string]>>,
  system: OperatingSystemReport | null = debian,
): Tree {
  const g = fakeHandle(folderOf(files));
  return mountedTree(g as Guestfs, system, '/dev/sda1');
}
