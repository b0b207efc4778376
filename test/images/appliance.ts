import { Guestfs } from '../../lib';

/** Runs `work` on a launched handle with these drives, writable, as /dev/sda and on. */
export async function withAppliance(
  drives: readonly { path: string; format: 'raw' | 'qcow2' }[],
  work: (g: Guestfs) => Promise<void>,
): Promise<void> {
  const g = new Guestfs();
  try {
    for (const { path, format } of drives) await g.addDrive(path, { format });
    await g.launch();
    await work(g);
    await g.shutdown(); // unlike close(), it rejects when the last writes did not reach the disk
  } finally {
    await g.close();
  }
}
