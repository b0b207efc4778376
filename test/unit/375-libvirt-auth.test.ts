// libvirt's own test driver asks for a name and a password, one question after the other. It prints its errors to
// stderr, which nobody can keep it from.
import { AsyncLocalStorage } from 'node:async_hooks';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError, type LibvirtAuthHandler, type LibvirtAuthRequest } from '../../lib';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { libvirtNode } from '../support/libvirt-node';
import { resultOf, runScript } from '../support/script';

let folder: TemporaryFolder;
let libvirturi: string;

beforeAll(() => {
  folder = temporaryFolder();
  writeFileSync(folder.file('disk.img'), Buffer.alloc(1024));
  writeFileSync(folder.file('node.xml'), libvirtNode(folder.file('disk.img')));
  libvirturi = `test://${folder.file('node.xml')}`;
});
afterAll(() => folder[Symbol.dispose]());

async function addDomain(libvirtAuth: LibvirtAuthHandler): Promise<number> {
  await using g = new Guestfs({ libvirtAuth });
  return await g.addDomain('guest', { libvirturi, readonly: true });
}

describe('the handler', () => {
  test('is told what libvirt asks', async () => {
    const requests: LibvirtAuthRequest[] = [];
    await addDomain((request) => {
      requests.push(request);
      return { authname: 'ali', passphrase: 'sesame' };
    });
    expect(requests).toMatchObject([
      {
        uri: libvirturi,
        credentials: [
          {
            type: 'authname',
            prompt: expect.stringMatching(/username/),
            challenge: 'localhost',
            defaultResult: '',
          },
        ],
      },
      {
        uri: libvirturi,
        credentials: [{ type: 'passphrase', prompt: expect.stringMatching(/ali.*password/) }],
      },
    ]);
    for (const { signal } of requests) expect(signal.aborted).toBe(false);
  });

  test.each<[string, LibvirtAuthHandler]>([
    ['an object', () => ({ authname: 'ali', passphrase: 'sesame' })],
    ['a promise', async () => ({ authname: 'ali', passphrase: 'sesame' })],
    ['an array', ({ credentials }) => [credentials[0]?.type === 'authname' ? 'ali' : 'sesame']],
    ['bytes', () => ({ authname: Buffer.from('ali'), passphrase: new TextEncoder().encode('sesame') })],
  ])('answers by %s', async (_, handler) => {
    expect(await addDomain(handler)).toBe(1);
  });

  test('may answer by the calls of libguestfs instead', async () => {
    await using g = new Guestfs({
      libvirtAuth: async () => {
        const [type] = await g.getLibvirtRequestedCredentials();
        expect(await g.getLibvirtRequestedCredentialPrompt(0)).toMatch(/localhost/);
        await g.setLibvirtRequestedCredential(0, type === 'authname' ? 'ali' : 'sesame');
      },
    });
    expect(await g.addDomain('guest', { libvirturi, readonly: true })).toBe(1);
    expect(await failureOf(g.getLibvirtRequestedCredentials())).toMatchObject({ code: 'ERR_GUESTFS' });
  });

  test('runs in the asynchronous context of the call that asks', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const libvirtAuth: LibvirtAuthHandler = async ({ credentials }) => {
      seen.push(context.getStore());
      await Promise.resolve();
      seen.push(context.getStore());
      return [credentials[0]?.type === 'authname' ? 'ali' : 'sesame'];
    };
    await using g = context.run('handle', () => new Guestfs({ libvirtAuth }));
    await context.run('call', () => g.addDomain('guest', { libvirturi, readonly: true }));
    expect(seen).toEqual(['call', 'call', 'call', 'call']);
  });

  test('is not asked for what setLibvirtSupportedCredentials leaves out', async () => {
    const libvirtAuth = () => ({ authname: 'ali' });
    await using g = new Guestfs({ libvirtAuth });
    await g.setLibvirtSupportedCredentials(['authname']);
    expect(await failureOf(g.addDomain('guest', { libvirturi, readonly: true }))).toBeInstanceOf(
      GuestfsError,
    );
  });

  test('keeps no event loop waiting, and other handles least of all', async () => {
    await using other = new Guestfs();
    const seen: number[] = [];
    await addDomain(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(await other.getMemsize());
      return { authname: 'ali', passphrase: 'sesame' };
    });
    expect(seen).toHaveLength(2);
  });
});

describe('the call fails', () => {
  test.each<[string, LibvirtAuthHandler]>([
    ['a wrong answer', () => ({ authname: 'ali', passphrase: 'open' })],
    ['no answer', () => undefined],
    ['an empty answer', () => ({})],
    ['an answer of null', () => [null]],
  ])('with %s', async (_, handler) => {
    expect(await failureOf(addDomain(handler))).toMatchObject({
      code: 'ERR_GUESTFS',
      operation: 'addDomain',
    });
  });

  test('with the error that the handler threw as its cause', async () => {
    const cause = new Error('the vault is locked');
    const fail = () => {
      throw cause;
    };
    expect(await failureOf(addDomain(fail))).toMatchObject({ code: 'ERR_GUESTFS', cause });
    expect(await failureOf(addDomain(async () => fail()))).toMatchObject({ code: 'ERR_GUESTFS', cause });
  });

  test.each<[string, unknown]>([
    ['answers', 5],
    ['cred', { authname: 5 }],
  ])('with a TypeError about "%s" as its cause', async (argument, answer) => {
    const error = await failureOf(addDomain(() => answer as undefined));
    expect(error.cause).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining(`"${argument}"`),
    });
  });
});

describe('a handler that never answers', () => {
  test('is given up with its call', async () => {
    const given: boolean[] = [];
    const giveUp = new AbortController();
    const never: LibvirtAuthHandler = ({ signal }) => {
      setImmediate(() => giveUp.abort());
      return new Promise(() => {
        signal.addEventListener('abort', () => given.push(true));
      });
    };
    await using g = new Guestfs({ libvirtAuth: never });
    const aborted = g.addDomain('guest', { libvirturi, signal: giveUp.signal });
    expect(await failureOf(aborted)).toMatchObject({ code: 'ABORT_ERR' });
    expect(given).toEqual([true]);
    expect(await g.getMemsize()).toBeGreaterThan(0);
  });

  test('is given up by kill()', async () => {
    const asked = new Promise<Guestfs>((resolve) => {
      const g: Guestfs = new Guestfs({
        libvirtAuth: () => {
          resolve(g);
          return new Promise(() => undefined);
        },
      });
      g.addDomain('guest', { libvirturi }).catch((error: unknown) => g.private.set('error', error));
    });
    await using g = await asked;
    await g.kill();
    expect(g.private.get('error')).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
  });

  test('does not keep the process from exiting', async () => {
    const { code, signal } = await runScript(
      `const g = new Guestfs({ libvirtAuth: () => { setTimeout(() => process.exit(7), 50); return new Promise(() => {}); } });
       await g.addDomain('guest', { libvirturi: ${JSON.stringify(libvirturi)} });`,
      { timeout: 20_000 },
    );
    expect({ code, signal }).toEqual({ code: 7, signal: null });
  });

  test('does not keep a worker from being terminated', async () => {
    const code = await resultOf<number>(
      `const { Worker } = require('worker_threads');
       const worker = new Worker(\`
         const { Guestfs } = require(process.cwd() + '/dist/index.js');
         const { parentPort, workerData } = require('worker_threads');
         const g = new Guestfs({ libvirtAuth: () => { parentPort.postMessage('asked'); return new Promise(() => {}); } });
         g.addDomain('guest', { libvirturi: workerData });
       \`, { eval: true, workerData: ${JSON.stringify(libvirturi)} });
       worker.on('message', () => worker.terminate());
       worker.on('exit', (code) => console.log(JSON.stringify(code)));`,
      { timeout: 20_000 },
    );
    expect(code).toBe(1);
  });
});

test('a handler that is no function is refused', () => {
  expect(() => new Guestfs({ libvirtAuth: 'ali' as never })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
});
