import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { closeGate } from '../support/gate';
import { failureOf } from '../support/internal';

describe('close()', () => {
  test('frees what the handle held', async () => {
    using folder = temporaryFolder();
    const g = new Guestfs({ tmpdir: folder.path });
    await g.addDriveScratch(1024 * 1024);
    expect(readdirSync(folder.path)).toHaveLength(1);
    await expect(g.close()).resolves.toBeUndefined();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('may be called again, at the same time and later', async () => {
    const g = new Guestfs();
    const closes: string[] = [];
    g.on('close', () => closes.push('close'));
    await Promise.all([g.close(), g.close(), g[Symbol.asyncDispose]()]);
    await g.close();
    expect(closes).toEqual(['close']);
  });

  test('emits "close" before it resolves, and nothing afterwards', async () => {
    const g = new Guestfs();
    const heard: string[] = [];
    g.on('close', () => heard.push('event'));
    g.on('enter', (name) => heard.push(name));
    g.on('trace', (text) => heard.push(text));
    await g.setTrace(true);
    heard.length = 0;
    await g.close().then(() => heard.push('resolved'));
    expect(heard).toEqual(['close', 'event', 'resolved']);
  });

  test('waits for the calls made before it', async () => {
    const g = new Guestfs();
    const order: string[] = [];
    const gate = await closeGate(g);
    const done = (name: string) => () => order.push(name);
    const calls = [
      gate.call.then(done('running')),
      g.version().then(done('queued')),
      g.close().then(done('close')),
    ];
    await gate.open();
    await Promise.all(calls);
    expect(order).toEqual(['running', 'queued', 'close']);
  });

  test('may be called while a call runs, by a listener of it', async () => {
    const g = new Guestfs();
    let closing: Promise<void> | undefined;
    g.once('enter', () => {
      closing = g.close();
    });
    expect((await g.version()).major).toBe(1n);
    await expect(closing).resolves.toBeUndefined();
    expect(await failureOf(g.version())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('ends the iterations over progress', async () => {
    const g = new Guestfs();
    const next = g.progress().next();
    await g.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await g.progress().next()).toEqual({ done: true, value: undefined });
  });
});

describe('a closed handle', () => {
  test('refuses calls as soon as close() is called', async () => {
    const g = new Guestfs();
    const closing = g.close();
    const error = await failureOf(g.version());
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_CLOSED', operation: 'version', errno: 0 });
    expect(error.message).toContain('make a new Guestfs');
    await closing;
    expect(await failureOf(g.version())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('refuses launch', async () => {
    const g = new Guestfs();
    await g.close();
    expect(await failureOf(g.launch())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED', operation: 'launch' });
  });

  test('can be killed: there is nothing to do', async () => {
    const g = new Guestfs();
    await g.close();
    await expect(g.kill()).resolves.toBeUndefined();
  });

  test('takes private data until it is closed, also one that made no call', async () => {
    const g = new Guestfs();
    g.on('close', () => g.private.set('key', 'by a listener'));
    const closing = g.close();
    g.private.set('key', 'at once').delete('key');
    await closing;
    expect(() => g.private.set('key', 'later')).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_CLOSED' }),
    );
  });

  test('takes and forgets listeners', async () => {
    const g = new Guestfs();
    await g.close();
    const listener = () => undefined;
    expect(g.on('trace', listener).listenerCount('trace')).toBe(1);
    expect(g.off('trace', listener).listenerCount('trace')).toBe(0);
  });
});
