/** Templates that are made beforehand, by one or by many. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Guestfs, type WarmResult } from '../../lib';
import { descendants } from '../support/processes';
import { runNode } from '../support/script';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/guestfs-520-');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('builds the appliance once and makes its template, however many ask for them at once', async () => {
  const command = runNode(['dist/cli/main.js', 'warm', '--json', '--template', 'auto'], {
    env: { LIBGUESTFS_CACHEDIR: folder },
    timeout: 240_000,
  });
  const own = await Guestfs.warm({ cachedir: folder, template: 'auto' });
  const { code, stdout, stderr } = await command;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const others = JSON.parse(stdout) as WarmResult;
  expect([own.cachedir, others.cachedir]).toEqual([folder, folder]);
  expect(own.built || others.built).toBe(true);
  expect((await readdir(join(folder, `.guestfs-${process.geteuid?.()}`, 'appliance.d'))).sort()).toEqual([
    'initrd',
    'kernel',
    'root',
  ]);

  expect([own.template.state, others.template.state]).toContain('made');
  // Where both have built an appliance, the template may be that of the one which was replaced.
  const { template } = await Guestfs.warm({ cachedir: folder, template: 'only' });
  const again = await Guestfs.warm({ cachedir: folder, template: 'only' });
  expect(again).toEqual({
    ...{ built: false, ms: expect.any(Number), cachedir: folder },
    template: { ...template, state: 'ready', bytes: again.template.bytes },
  });
  expect(await Guestfs.listTemplates({ cachedir: folder })).toContainEqual(
    expect.objectContaining({ key: template.key, folder: template.folder, shared: false }),
  );
  expect(descendants()).toEqual([]);
});
