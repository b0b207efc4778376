import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { Guestfs, ProgressReporter } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { runNode } from '../support/script';

test('booleans', async () => {
  await using g = new Guestfs();
  for (const value of [true, false]) {
    await g.setAutosync(value);
    expect(await g.getAutosync()).toBe(value);
    await g.setNetwork(value);
    expect(await g.getNetwork()).toBe(value);
    await g.setRecoveryProc(value);
    expect(await g.getRecoveryProc()).toBe(value);
    await g.setPgroup(value);
    expect(await g.getPgroup()).toBe(value);
  }
});

test('verbose and trace', async () => {
  await using g = new Guestfs();
  g.on('library', () => undefined).on('trace', () => undefined);
  await g.setVerbose(true);
  expect(await g.getVerbose()).toBe(true);
  await g.setTrace(true);
  expect(await g.getTrace()).toBe(true);
  await g.setTrace(false);
  await g.setVerbose(false);
  expect([await g.getVerbose(), await g.getTrace()]).toEqual([false, false]);
});

test('numbers', async () => {
  await using g = new Guestfs();
  await g.setMemsize(2048);
  expect(await g.getMemsize()).toBe(2048);
  await g.setSmp(2);
  expect(await g.getSmp()).toBe(2);
});

test('strings', async () => {
  await using g = new Guestfs();
  await g.setHv('/usr/bin/qemu');
  expect(await g.getHv()).toBe('/usr/bin/qemu');
  await g.setProgram('the program');
  expect(await g.getProgram()).toBe('the program');
  await g.setIdentifier('handle_1');
  expect(await g.getIdentifier()).toBe('handle_1');
  await g.setPath('/a:/b');
  expect(await g.getPath()).toBe('/a:/b');
});

test('a string that may be null', async () => {
  await using g = new Guestfs({ environment: false });
  expect(await g.getAppend()).toBeNull();
  await g.setAppend('debug');
  expect(await g.getAppend()).toBe('debug');
  await g.setAppend('');
  expect(await g.getAppend()).toBe('');
  await g.setAppend(null);
  expect(await g.getAppend()).toBeNull();
});

test('null sets a default again', async () => {
  await using g = new Guestfs({ environment: false });
  const original = await g.getPath();
  await g.setPath('/elsewhere');
  await g.setPath(null);
  expect(await g.getPath()).toBe(original);
});

test('lists', async () => {
  await using g = new Guestfs({ environment: false });
  expect(await g.getBackendSettings()).toEqual([]);
  await g.setBackendSettings(['force_tcg', 'a=1']);
  expect(await g.getBackendSettings()).toEqual(['force_tcg', 'a=1']);
  expect(await g.getBackendSetting('a')).toBe('1');
  await g.setBackendSetting('a', '2');
  expect(await g.getBackendSetting('a')).toBe('2');
  expect(await g.clearBackendSetting('a')).toBe(1);
  expect(await g.getBackendSettings()).toEqual(['force_tcg']);
});

test('a property does not see a later change of what it was set from', async () => {
  await using g = new Guestfs();
  const settings = ['force_tcg'];
  const set = g.setBackendSettings(settings);
  settings.push('changed');
  await set;
  expect(await g.getBackendSettings()).toEqual(['force_tcg']);
});

test('a handle works through a proxy', async () => {
  const g = new Proxy(new Guestfs({ environment: false }), {});
  const other = new Proxy(g, { get: (target, name) => Reflect.get(target, name) });
  expect((await other.version()).major).toBe(1n);
  await g.setMemsize(512);
  expect([await g.getMemsize(), await other.getHv(), await g.getPath()]).toEqual([
    512,
    expect.any(String),
    expect.any(String),
  ]);
  g.private.set('job', 7);
  expect(g.private.get('job')).toBe(7);
  const events: string[] = [];
  g.on('trace', (text) => events.push(text));
  await g.setTrace(true);
  await g.getSmp();
  expect(events).not.toEqual([]);
  expect([g.launchWay, String(inspect(g))]).toEqual([undefined, expect.stringContaining("state: 'config'")]);
  await expect(g.ls('/')).rejects.toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
  await expect(g.launch({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORT_ERR' });
  const stream = g.createReadStream('/etc/os-release');
  await expect(stream.toArray()).rejects.toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
  const detach = new ProgressReporter({ format: 'none' }).attach(g);
  expect(detach).toBeDefined();
  await g.kill();
  const ended = g.progress().next();
  await g[Symbol.asyncDispose]();
  expect(await ended).toMatchObject({ done: true });
  await expect(other.version()).rejects.toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
});

test('asking for versions keeps no other handle waiting', async () => {
  using folder = temporaryFolder();
  const { code, stdout } = await runNode([
    '--eval',
    `const { Guestfs, versions } = require('guestfs');
     const { setTimeout: sleep } = require('node:timers/promises');
     const g = new Guestfs();
     // Calls that the handle's thread answers, over more than one turn of the event loop that handles share.
     const call = () => g.diskCreate(${JSON.stringify(folder.file('disk.img'))}, 'raw', 1 << 20);
     (async () => {
       await call();
       void versions.libguestfs;
       for (let i = 0; i < 3; i++) await sleep(20).then(call);
       await g.close();
       console.log('closed');
     })();`,
  ]);
  expect([code, stdout]).toEqual([0, 'closed\n']);
});
