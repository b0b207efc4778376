/** Fixed appliances of which nothing can boot, for launches with a hypervisor that does not look at them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes one in a folder within `parent`; returns the folder. */
export function fixedAppliance(parent: string, name = 'fixed'): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  for (const file of ['kernel', 'initrd', 'root', 'README.fixed']) writeFileSync(join(folder, file), 'x');
  const root = join(folder, 'root');
  truncateSync(root, 1024 * 1024);
  execFileSync('mkfs.ext2', ['-q', '-F', root]);
  return folder;
}
