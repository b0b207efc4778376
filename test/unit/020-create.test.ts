import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { Guestfs, PrivateData } from '../../lib';

test('a new handle waits to be configured', async () => {
  await using g = new Guestfs();
  expect(await g.isConfig()).toBe(true);
  expect(await g.isLaunching()).toBe(false);
  expect(await g.isReady()).toBe(false);
  expect(await g.debugDrives()).toEqual([]);
});

test('it is an EventEmitter with private data', async () => {
  await using g = new Guestfs();
  expect(g).toBeInstanceOf(EventEmitter);
  expect(g.private).toBeInstanceOf(PrivateData);
  expect(g.private.size).toBe(0);
});

test('Ctrl-C is meant for the program, not for the appliance', async () => {
  await using g = new Guestfs();
  expect(await g.getPgroup()).toBe(true);
});

test('the defaults are those of libguestfs', async () => {
  await using g = new Guestfs({ environment: false });
  expect(await g.getAutosync()).toBe(true);
  expect(await g.getVerbose()).toBe(false);
  expect(await g.getTrace()).toBe(false);
  expect(await g.getSmp()).toBe(1);
  expect(await g.getIdentifier()).toBe('');
});

test('a class can extend it', async () => {
  class Named extends Guestfs {
    readonly name = 'mine';
    async major(): Promise<bigint> {
      return (await this.version()).major;
    }
  }
  await using g = new Named();
  expect(g.name).toBe('mine');
  expect(await g.major()).toBe(1n);
});

test('it cannot be called without new', () => {
  const create = Guestfs as unknown as () => Guestfs;
  expect(() => create()).toThrow(TypeError);
});

test('a handle that is never used can be closed', async () => {
  await expect(new Guestfs().close()).resolves.toBeUndefined();
});
