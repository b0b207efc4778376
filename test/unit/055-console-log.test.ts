import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

// What console.log() shows of a handle.

const shown = (value: unknown, options = {}) =>
  inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: 9, ...options });

test('a new handle', async () => {
  await using g = new Guestfs();
  expect(shown(g)).toBe("Guestfs { state: 'config', drives: [], pending: 0 }");
});

test('its drives as they were added, without passwords', async () => {
  using folder = temporaryFolder();
  await using g = new Guestfs();
  const image = folder.file('disk.img');
  await g.diskCreate(image, 'raw', 2 ** 20);
  await g.addDrive(image, { readonly: true, format: 'raw', cachemode: 'unsafe' });
  await g.addDriveScratch(2 ** 20, { label: 'one' });
  await g.addDriveOpts('pool/disk', {
    protocol: 'rbd',
    server: ['host:1'],
    username: 'me',
    secret: 'c2VjcmV0',
  });
  expect(shown(g, { depth: 4 })).toBe(
    `Guestfs { state: 'config', drives: [ { addDrive: '${image}', readonly: true, format: 'raw' }, ` +
      "{ addDriveScratch: 1048576, label: 'one' }, " +
      "{ addDrive: 'pool/disk', protocol: 'rbd', server: [ 'host:1' ] } ], pending: 0 }",
  );
});

test('the calls that run and wait, until the handle is closed', async () => {
  const g = new Guestfs();
  const calls = [g.launch(), g.listDevices(), g.cat('/x')].map((call) => call.catch(() => undefined));
  expect(shown(g)).toBe("Guestfs { state: 'config', drives: [], pending: 3, running: 'launch' }");
  const closed = g.close();
  expect(shown(g)).toBe("Guestfs { state: 'closing', drives: [], pending: 4, running: 'launch' }");
  await Promise.all(calls);
  await closed;
  expect(shown(g)).toBe("Guestfs { state: 'closed' }");
});

test('a launch that runs', async () => {
  await using g = new Guestfs();
  const seen: string[] = [];
  await g.addDriveScratch(2 ** 20);
  const launch = g.launch({
    onProgress: () => {
      if (seen.push(shown(g)) === 1) void g.kill();
    },
  });
  await launch.catch(() => undefined);
  expect(seen[0]).toBe(
    "Guestfs { state: 'launching', drives: [ { addDriveScratch: 1048576 } ], pending: 1, running: 'launch' }",
  );
});

describe('however it is shown', () => {
  test('through a proxy', async () => {
    await using g = new Guestfs();
    expect(shown(new Proxy(g, {}))).toBe(shown(g));
  });

  test('by the name of its class', async () => {
    class Mine extends Guestfs {}
    await using g = new Mine();
    expect(shown(g)).toBe("Mine { state: 'config', drives: [], pending: 0 }");
  });

  test('within other things, only as deep as wanted', async () => {
    await using g = new Guestfs();
    await g.addDriveScratch(2 ** 20);
    expect(shown({ g }, { depth: 0 })).toBe('{ g: [Guestfs] }');
    expect(shown(g, { depth: 0 })).toBe("Guestfs { state: 'config', drives: [Array], pending: 0 }");
    expect(inspect([g], { compact: false, depth: 0 })).toBe('[\n  [Guestfs]\n]');
  });

  test('what is no handle but has its class', () => {
    expect(shown(Object.create(Guestfs.prototype))).toBe('Guestfs {}');
  });
});

test('nothing is asked of libguestfs for it', async () => {
  const heard = await resultOf<string[]>(`
    const g = new Guestfs();
    await g.setTrace(true);
    const heard = [];
    g.on('trace', (text) => heard.push(text));
    require('node:util').inspect(g);
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log(JSON.stringify(heard));
    await g.close();
  `);
  expect(heard).toEqual([]);
});
