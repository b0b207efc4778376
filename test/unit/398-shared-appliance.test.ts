import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { shareAppliance } from '../../lib/templates/shared-appliance';
import { testUnless } from '../support/conditions';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { root } from '../support/script';

const asRoot = testUnless(
  process.geteuid?.() === 0 ? undefined : 'only root can leave its appliance to others',
);

/** A user without any rights, as Debian and Fedora number it. */
const nobody = 65534;

/** root's cache with an appliance that has been built, and what it was built of. */
function built(folder: TemporaryFolder) {
  chmodSync(folder.path, 0o755);
  const files = ['appliance/supermin.d/base.tar.gz', 'appliance/supermin.d/packages'];
  const outputs = ['kernel', 'initrd', 'root'].map((name) => `cache/.guestfs-0/appliance.d/${name}`);
  for (const name of [...files, ...outputs]) {
    mkdirSync(dirname(folder.file(name)), { recursive: true });
    writeFileSync(folder.file(name), name, { mode: 0o644 });
  }
  mkdirSync(folder.file('cache/.guestfs-node-0'), { mode: 0o755 });
  for (const name of files) utimesSync(folder.file(name), 1000, 1000);
  return { path: folder.file('appliance'), cachedir: folder.file('cache') };
}

/** What a user would take, and whether that is root's. */
function taken(
  settings: { path: string; cachedir: string },
  env: NodeJS.ProcessEnv = {},
): string | undefined {
  const script = `process.setgroups([]); process.setgid(${nobody}); process.setuid(${nobody});
    const { sharedAppliance } = require(${JSON.stringify(join(root, 'dist/templates/shared-appliance.js'))});
    sharedAppliance(${JSON.stringify(settings)}).then((folder) => console.log(JSON.stringify({ folder })));`;
  const said = execFileSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return JSON.parse(said).folder;
}

describe("root's appliance", () => {
  asRoot('is taken by users who have none, and only while it is what would be built', async () => {
    using folder = temporaryFolder();
    const settings = built(folder);
    expect(taken(settings)).toBeUndefined();
    expect(await shareAppliance(settings)).toBe(true);
    const shared = join(settings.cachedir, '.guestfs-node-0/appliance');
    expect(readdirSync(shared).sort()).toEqual([
      'README.fixed',
      'appliance.json',
      'initrd',
      'kernel',
      'root',
    ]);
    expect(taken(settings)).toBe(shared);
    expect(taken({ ...settings, path: `${settings.path}:/other` })).toBeUndefined();
    expect(taken(settings, { SUPERMIN_KERNEL: '/boot/mine' })).toBeUndefined();

    // libguestfs touches root's own files, which are the same.
    utimesSync(join(shared, 'root'), new Date(), new Date());
    expect(taken(settings)).toBe(shared);
    const source = join(settings.path, 'supermin.d/packages');
    utimesSync(source, 2000, 2000);
    expect(taken(settings)).toBeUndefined();
    utimesSync(source, 1000, 1000);
    writeFileSync(join(settings.path, 'supermin.d/more'), '');
    expect(taken(settings)).toBeUndefined();
  });

  asRoot('is not taken where the user has one, nor where others could have changed it', async () => {
    using folder = temporaryFolder();
    const settings = built(folder);
    expect(await shareAppliance(settings)).toBe(true);
    const shared = join(settings.cachedir, '.guestfs-node-0/appliance');
    for (const place of [dirname(shared), shared, join(shared, 'kernel'), join(shared, 'appliance.json')]) {
      const { mode } = statSync(place);
      chmodSync(place, mode | 0o020);
      expect([place, taken(settings)]).toEqual([place, undefined]);
      chmodSync(place, mode);
    }
    expect(taken(settings)).toBe(shared);
    writeFileSync(join(shared, 'initrd'), 'short');
    expect(taken(settings)).toBeUndefined();
    writeFileSync(join(shared, 'initrd'), 'cache/.guestfs-0/appliance.d/initrd');
    expect(taken(settings)).toBe(shared);

    const own = join(settings.cachedir, `.guestfs-${nobody}/appliance.d`);
    mkdirSync(own, { recursive: true });
    for (const name of ['kernel', 'initrd', 'root']) writeFileSync(join(own, name), '');
    expect(taken(settings)).toBeUndefined();
    utimesSync(own, 500, 500);
    expect(taken(settings)).toBe(shared);
  });

  asRoot('is left to nobody where it is out of date, or where users could not read it', async () => {
    using folder = temporaryFolder();
    const settings = built(folder);
    const place = join(settings.cachedir, '.guestfs-0/appliance.d');
    const shared = join(settings.cachedir, '.guestfs-node-0/appliance');
    utimesSync(place, 500, 500);
    expect(await shareAppliance(settings)).toBe(false);
    utimesSync(place, new Date(), new Date());
    chmodSync(join(place, 'kernel'), 0o600);
    expect(await shareAppliance(settings)).toBe(false);
    expect(await shareAppliance({ ...settings, path: '/nonexistent' })).toBe(false);
    expect(existsSync(shared)).toBe(false);
    expect(readdirSync(dirname(shared))).toEqual([]);
    chmodSync(join(place, 'kernel'), 0o644);
    expect(await shareAppliance(settings)).toBe(true);
    expect(await shareAppliance(settings)).toBe(true);
    expect(readdirSync(dirname(shared))).toEqual(['appliance']);
  });
});
