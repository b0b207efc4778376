import { printable } from '../../text/printable';
import { humanSize } from '../../text/size';
import type { Sighting, TreeRule } from '../rule';

/** Percent from which a filesystem counts as nearly full. */
const nearly = 90n;

/** Filesystems that are written once, and full by nature. */
const written = new Set(['iso9660', 'squashfs', 'erofs', 'cramfs', 'romfs', 'udf']);

export const filesystemsFull: TreeRule = {
  id: 'filesystem-nearly-full',
  severity: 'warning',
  title: 'A filesystem that is nearly full',
  advice: 'Make the filesystem larger, or remove what it need not hold',
  help: 'A system may not boot, or not log, when it cannot write. Nearly full is a filesystem of which 90 percent of the space that users may have, or of the inodes, are used.',
  trees: ['linux', 'unix', 'windows', 'data'],
  check: async ({ g, mounts }) => {
    const found: Sighting[] = [];
    for (const { path, device } of mounts) {
      if (written.has(await g.vfsType(device).catch(() => ''))) continue;
      const place = path === '/' ? path : await g.realpath(path);
      const { blocks, bfree, bavail, frsize, files, ffree } = await g.statvfs(place);
      const used = blocks - bfree;
      const space = { used, all: used + bavail, left: humanSize(Number(bavail * frsize)) };
      const inodes = { used: files - ffree, all: files, left: `${ffree} inodes` };
      for (const each of [space, inodes]) {
        if (each.all <= 0n || each.used * 100n < each.all * nearly) continue;
        const percent = (each.used * 100n) / each.all;
        found.push({
          device,
          seen: `${device}, mounted at ${printable(path)}, is ${percent}% full: ${each.left} are left`,
        });
      }
    }
    return found;
  },
};
