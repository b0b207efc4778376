// The sockets of handles, processes and containers lie side by side: a handle removes what a launch of its own has left.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { ApplianceSocket } from '../../lib/launch/appliance-socket';
import { isSocketBound } from '../../lib/native/addon';
import { testUnless } from '../support/conditions';
import { fixedAppliance } from '../support/fixed-appliance';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { FaultyHypervisor } from '../support/hypervisor';
import { failureOf } from '../support/internal';

jest.setTimeout(60_000);

let folder: TemporaryFolder;
const others: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  for (const other of others.splice(0)) other.kill('SIGKILL');
  folder[Symbol.dispose]();
});

const listener = `
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
print('listening', flush=True)
if sys.argv[2] == 'accepts':
    connection, _ = s.accept()
    print('accepted', flush=True)
    s.close()
if sys.argv[2] != 'leaves':
    time.sleep(600)
`;

/** The socket of a handle elsewhere, in the folder that libguestfs has made for it. */
async function socketOf(
  parent: string,
  does: 'listens' | 'accepts' | 'leaves',
  elsewhere = false,
): Promise<string> {
  const path = join(mkdtempSync(join(parent, 'libguestfs')), 'guestfsd.sock');
  const python = ['python3', '-c', listener, path, does];
  const [program, ...args] = elsewhere ? ['unshare', '--net', ...python] : python;
  const other = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  others.push(other);
  await once(other.stdout as NonNullable<typeof other.stdout>, 'data');
  if (does === 'leaves') await once(other, 'exit');
  return path;
}

const testElsewhere = testUnless(
  process.getuid?.() === 0 ? undefined : 'only root may make a network namespace',
);

describe('whether a socket is bound', () => {
  test('is told without the listener taking notice', async () => {
    const path = await socketOf(folder.path, 'accepts');
    for (let i = 0; i < 5; i++) expect(isSocketBound(path)).toBe(true);
    const said = once((others[0] as ChildProcess).stdout as NodeJS.ReadableStream, 'data').then(String);
    expect(await Promise.race([said, sleep(300, 'nothing')])).not.toContain('accepted');
  });

  testElsewhere('is told of those of other network namespaces', async () => {
    expect(isSocketBound(await socketOf(folder.path, 'listens', true))).toBe(true);
    expect(isSocketBound(await socketOf(folder.path, 'leaves', true))).toBe(false);
  });

  test('is not known of a path that is none of a socket, or too long', () => {
    expect(isSocketBound(folder.file('nothing'))).toBe(true);
    expect(isSocketBound(folder.file('x'.repeat(200)))).toBe(true);
  });
});

describe('the socket that a launch has left', () => {
  const launching = (socket: ApplianceSocket, launch: () => Promise<unknown>) =>
    socket.during(folder.path, async () => void (await launch()));

  test('is removed', async () => {
    const socket = new ApplianceSocket();
    let left = '';
    await launching(socket, async () => {
      left = await socketOf(folder.path, 'leaves');
    });
    expect(socket.removeStale(folder.path)).toBe(true);
    expect(existsSync(left)).toBe(false);
    expect(socket.removeStale(folder.path)).toBe(false);
  });

  test('is known however many launches are given up before they listen', async () => {
    const socket = new ApplianceSocket();
    let left = '';
    await launching(socket, async () => {
      left = await socketOf(folder.path, 'leaves');
    });
    for (let i = 0; i < 20; i++) await launching(socket, async () => undefined);
    expect(socket.removeStale(folder.path)).toBe(true);
    expect(existsSync(left)).toBe(false);
  });

  test('is not one of before the launch, or of after it', async () => {
    const socket = new ApplianceSocket();
    const before = await socketOf(folder.path, 'leaves');
    await launching(socket, async () => undefined);
    await sleep(200);
    const after = await socketOf(folder.path, 'leaves');
    expect(socket.removeStale(folder.path)).toBe(false);
    expect([before, after].map(existsSync)).toEqual([true, true]);
  });

  test('is not one that somebody listens on, or has been connected on', async () => {
    const socket = new ApplianceSocket();
    const sockets: string[] = [];
    await launching(socket, async () => {
      sockets.push(await socketOf(folder.path, 'listens'), await socketOf(folder.path, 'accepts'));
    });
    const { createConnection } = await import('node:net');
    const client = createConnection(sockets[1] as string);
    await once((others[1] as ChildProcess).stdout as NodeJS.ReadableStream, 'data');
    expect(socket.removeStale(folder.path)).toBe(false);
    expect(sockets.map(existsSync)).toEqual([true, true]);
    client.destroy();
  });

  testElsewhere('is not one that somebody listens on in another network namespace', async () => {
    const socket = new ApplianceSocket();
    let listened = '';
    await launching(socket, async () => {
      listened = await socketOf(folder.path, 'listens', true);
    });
    expect(socket.removeStale(folder.path)).toBe(false);
    expect(existsSync(listened)).toBe(true);
  });

  test('stays when it cannot be told from another that was left meanwhile', async () => {
    const socket = new ApplianceSocket();
    const sockets: string[] = [];
    await launching(socket, async () => {
      sockets.push(await socketOf(folder.path, 'leaves'), await socketOf(folder.path, 'leaves'));
    });
    expect(socket.removeStale(folder.path)).toBe(false);
    expect(sockets.map(existsSync)).toEqual([true, true]);
  });

  testElsewhere('does not keep the handle from its next launch, nor that cost others theirs', async () => {
    const hypervisor = await FaultyHypervisor.make('broken');
    const g = new Guestfs({ path: fixedAppliance(folder.path), backend: 'direct' });
    const parent = await g.getSockdir();
    mkdirSync(parent, { recursive: true });
    const foreign: string[] = [];
    try {
      await g.setHv(hypervisor.path);
      await g.addDriveScratch(1024 * 1024);
      let meanwhile: Promise<string> | undefined;
      g.on('enter', (name) => {
        if (name === 'launch') meanwhile ??= socketOf(parent, 'listens', true);
      });
      foreign.push(await socketOf(parent, 'leaves', true));
      for (let i = 0; i < 3; i++) {
        const { code, message } = await failureOf(g.launch({ accel: 'tcg' }));
        expect({ code, message }).toMatchObject({
          code: 'ERR_GUESTFS',
          message: expect.stringContaining('failed as the test wants it'),
        });
      }
      expect(await hypervisor.attempts()).toEqual(['tcg', 'tcg', 'tcg']);
      foreign.push((await meanwhile) as string);
      expect(foreign.map(existsSync)).toEqual([true, true]);
      expect(foreign.map(isSocketBound)).toEqual([false, true]);
    } finally {
      await g.close();
      await hypervisor.remove();
      for (const socket of foreign) rmSync(join(socket, '..'), { recursive: true, force: true });
    }
  });
});
