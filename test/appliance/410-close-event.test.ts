import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { MiB } from '../support/appliance';
import { descendants } from '../support/processes';

describe('the close event of a running appliance', () => {
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-410-'));
    image = join(folder, 'disk.img');
    const file = await open(image, 'wx');
    await file.truncate(20 * MiB);
    await file.close();
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('comes once, after the queued calls and before close() settles; nothing of the appliance is left', async () => {
    const g = new Guestfs();
    await g.addDrive(image, { format: 'raw' });
    await g.launch();
    await g.mkfs('ext2', '/dev/sda');
    await g.mount('/dev/sda', '/');
    expect(descendants()).not.toEqual([]);

    const seen: string[] = [];
    g.on('close', () => seen.push('close event'));
    g.on('subprocessQuit', () => seen.push('subprocessQuit event'));
    const mark = `queued before close ${Date.now()}`;
    const calls = [
      g.write('/mark', mark).then(() => seen.push('write')),
      g.close().then(() => seen.push('closed')),
      g.close(),
    ];
    await expect(g.cat('/mark')).rejects.toMatchObject({ code: 'ERR_GUESTFS_CLOSED', operation: 'cat' });
    await Promise.all(calls);
    expect(descendants()).toEqual([]);
    expect(seen).toEqual(['write', 'close event', 'closed']);
    expect((await readFile(image)).includes(mark)).toBe(true);
  });
});
