import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withAppliance } from './appliance';
import { cached } from './cache';
import { debianMbr, disksSources } from './disks';

const run = promisify(execFile);

/** A qcow2 whose backing file is `debianMbr()`. Its own change is the host name: `overlay`. */
export async function qcow2Overlay(): Promise<string> {
  const directory = await cached(['overlay.ts', ...disksSources], async (directory) => {
    const path = join(directory, 'overlay.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', await debianMbr(), '-F', 'raw', path]);
    await withAppliance([{ path, format: 'qcow2' }], async (g) => {
      await g.mount('/dev/sda1', '/');
      await g.write('/etc/hostname', 'overlay\n');
    });
  });
  return join(directory, 'overlay.qcow2');
}
