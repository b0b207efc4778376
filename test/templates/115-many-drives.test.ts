/** As many drives as libguestfs takes, in their order. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { MiB } from '../support/appliance';

jest.setTimeout(900_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-115-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Images of different sizes, so that each is known by its own. */
async function image(index: number): Promise<{ path: string; size: number }> {
  const path = join(folder, `${index}.img`);
  const size = MiB + index * 4096;
  const file = await open(path, 'w');
  await file.truncate(size);
  await file.close();
  return { path, size };
}

// With 255 the appliance's own disk would be one too many for a boot; in a template it is no SCSI disk.
test.each([1, 2, 26, 27, 100, 254])(
  '%i drives have their names in the order in which they were added',
  async (count) => {
    await using g = new Guestfs();
    const sizes: number[] = [];
    for (let index = 0; index < count; index++) {
      const { path, size } = await image(index);
      await g.addDrive(path, { format: 'raw', readonly: true });
      sizes.push(size);
    }
    await g.launch({ template: 'only' });
    const devices = await g.listDevices();
    const found = [];
    for (const device of devices) found.push(Number(await g.blockdevGetsize64(device)));
    expect(found).toEqual(sizes);
    expect(devices[count - 1]).toBe(nameOf(count - 1));
  },
);

/** `/dev/sda`, …, `/dev/sdz`, `/dev/sdaa`, … */
function nameOf(index: number): string {
  let letters = '';
  for (let left = index; left >= 0; left = Math.floor(left / 26) - 1) {
    letters = String.fromCharCode(97 + (left % 26)) + letters;
  }
  return `/dev/sd${letters}`;
}
