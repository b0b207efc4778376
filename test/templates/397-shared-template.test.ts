import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type LaunchWay, type WarmResult } from '../../lib';
import { withoutAugeas } from '../../lib/launch/augeas';
import '../support/appliance';
import { testUnless } from '../support/conditions';
import { descendants } from '../support/processes';
import { resultOf } from '../support/script';

const asRoot = testUnless(process.geteuid?.() === 0 ? undefined : 'only root can become another user');

/** A user without any rights, as Debian and Fedora number it. */
const nobody = 65534;

let cachedir: string;
let warmed: WarmResult;

beforeAll(async () => {
  cachedir = await mkdtemp(`${tmpdir()}/guestfs-397-`);
  await chmod(cachedir, 0o1777);
  warmed = await Guestfs.warm({ cachedir, template: 'only' });
});

afterAll(() => rm(cachedir, { recursive: true, force: true }));

describe('a template that is ready', () => {
  asRoot('is for all users, if root has made it: with nothing built, and a path that stays', async () => {
    expect(warmed.template.shared).toBe(true);
    const told = await resultOf<{ ways: LaunchWay[]; paths: string[]; user: number; left: string[] }>(`
      process.setgroups([]); process.setgid(${nobody}); process.setuid(${nobody});
      const g = new Guestfs({ cachedir: ${JSON.stringify(cachedir)} });
      const ways = [], paths = [await g.getPath()];
      for (let i = 0; i < 2; i++) {
        await g.addDriveScratch(2 ** 20);
        await g.launch({ template: 'only' });
        ways.push(g.launchWay);
        paths.push(await g.getPath());
        await g.shutdown();
      }
      await g.close();
      const left = require('fs').readdirSync(${JSON.stringify(`${cachedir}/.guestfs-${nobody}`)});
      console.log(JSON.stringify({ ways, paths, user: process.geteuid(), left }));
    `);
    const way = { from: 'template', made: false, key: warmed.template.key };
    expect(told).toMatchObject({ user: nobody, ways: [way, way] });
    expect(new Set(told.paths).size).toBe(1);
    expect(told.left).not.toContain('appliance.d');
    expect(descendants()).toEqual([]);
  });

  test.each([
    [true, /^\d{1,2}$/],
    [false, /^\d{3}$/],
  ])('has few lenses only for handles without augeas: %p', async (mark, count) => {
    await using g = new Guestfs({ cachedir });
    if (mark) g[withoutAugeas] = true;
    await g.addDriveScratch(2 ** 20);
    await g.launch({ template: 'only' });
    expect((await g.debug('sh', ['ls /usr/share/augeas/lenses/dist/*.aug | wc -l'])).trim()).toMatch(count);
    await g.kill();
  });
});
