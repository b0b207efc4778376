import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from 'bullmq';
import fc from 'fast-check';
import { defineTask, Fleet, FleetWorker } from '../src';
import { Connection } from '../src/connection';
import { allowedImage } from '../src/images';
import { TaskRegistry } from '../src/tasks';
import { decode, encode } from '../src/wire/codec';
import { readJob, readNews, readOutcome } from '../src/wire/schema';
import { collect, imageFolder, until } from './support/images';
import { type Server, startRedis } from './support/servers';

// Whoever can write to the queue can write anything. A worker opens nothing outside of its roots, lives on, and tells why
// it refuses; a client takes no result that is none.

const folder = imageFolder();
afterAll(() => folder.remove());

const good = (path: string) => ({
  ...{ v: 1, batch: 'b', index: 0, task: 'read', guests: [[{ path }]], options: {} },
});

const opened: string[] = [];
const read = defineTask({
  name: 'read',
  async run({ images }) {
    opened.push(...images.map(({ path }) => path));
    return null;
  },
});

const inside = folder.file('in.img');
mkdirSync(`${folder.path}/sub`);
symlinkSync('/etc/passwd', `${folder.path}/passwd`);
symlinkSync('/', `${folder.path}/sub/root`);

/** Payloads by what is wrong with them. */
const payloads: Record<string, [unknown, string]> = {
  nothing: [null, 'PAYLOAD'],
  'a text': ['job', 'PAYLOAD'],
  'an array': [[], 'PAYLOAD'],
  'an empty object': [{}, 'PAYLOAD'],
  'a newer version': [{ ...good(inside), v: 2, what: 'is new' }, 'VERSION'],
  'a version that is a text': [{ ...good(inside), v: '1' }, 'PAYLOAD'],
  'a field too many': [{ ...good(inside), handleOptions: { hv: '/bin/sh' } }, 'PAYLOAD'],
  'an image with a secret': [{ ...good(inside), guests: [[{ path: inside, secret: 'x' }]] }, 'PAYLOAD'],
  'an image that may follow URIs': [
    { ...good(inside), guests: [[{ path: inside, followUris: true }]] },
    'PAYLOAD',
  ],
  'an image with folders of its own': [
    { ...good(inside), guests: [[{ path: '/etc/passwd', within: ['/etc'] }]] },
    'PAYLOAD',
  ],
  'no guest': [{ ...good(inside), guests: [] }, 'PAYLOAD'],
  'no disk': [{ ...good(inside), guests: [[]] }, 'PAYLOAD'],
  'a guest too many': [{ ...good(inside), guests: [[{ path: inside }], [{ path: inside }]] }, 'PAYLOAD'],
  'many guests': [{ ...good(inside), guests: Array(17).fill([{ path: inside }]) }, 'PAYLOAD'],
  'a path with NUL': [good(`${inside}\0`), 'PAYLOAD'],
  'an endless path': [good('/x'.repeat(5000)), 'PAYLOAD'],
  'a batch with a path in its name': [{ ...good(inside), batch: '../../x' }, 'PAYLOAD'],
  'an index below zero': [{ ...good(inside), index: -1 }, 'PAYLOAD'],
  'an index that is no number': [{ ...good(inside), index: 'Infinity' }, 'PAYLOAD'],
  'an unknown task': [{ ...good(inside), task: 'rm' }, 'TASK'],
  'a task of objects': [{ ...good(inside), task: 'constructor' }, 'TASK'],
  'a prototype': [{ ...good(inside), task: '__proto__' }, 'PAYLOAD'],
  'options that are a list': [{ ...good(inside), options: [] }, 'PAYLOAD'],
  'options that there are not': [{ ...good(inside), options: { keys: ['x'] } }, 'OPTION'],
  'handle options': [
    { ...good(inside), task: 'inspect', options: { handleOptions: { hv: '/bin/sh' } } },
    'OPTION',
  ],
  keys: [{ ...good(inside), task: 'inspect', options: { keys: ['x'] } }, 'OPTION'],
  'a signal': [{ ...good(inside), task: 'inspect', options: { signal: {} } }, 'OPTION'],
  'a format that is a command': [
    { ...good(inside), guests: [[{ path: inside, format: 'raw -x' }]] },
    'PAYLOAD',
  ],
  'a relative path': [good('in.img'), 'IMAGE_REFUSED'],
  'a file elsewhere': [good('/etc/passwd'), 'IMAGE_REFUSED'],
  'the root': [good('/'), 'IMAGE_REFUSED'],
  'a way out by ..': [good(`${folder.path}/../../etc/passwd`), 'IMAGE_REFUSED'],
  'a link': [good(`${folder.path}/passwd`), 'IMAGE_REFUSED'],
  'a way out by a link': [good(`${folder.path}/sub/root/etc/passwd`), 'IMAGE_REFUSED'],
  'what is not there elsewhere': [good('/nonexistent/disk'), 'IMAGE_REFUSED'],
  'what is not there by a link': [good(`${folder.path}/sub/root/nonexistent`), 'IMAGE_REFUSED'],
  'a file URI': [good('file:///etc/passwd'), 'IMAGE_REFUSED'],
  'a server': [good('https://169.254.169.254/latest'), 'IMAGE_REFUSED'],
  'the right server by another scheme': [good('http://images.example/disk'), 'IMAGE_REFUSED'],
  'the right server with another port': [good('https://images.example:8443/disk'), 'IMAGE_REFUSED'],
  'another server that looks right': [good('https://images.example@evil.example/disk'), 'IMAGE_REFUSED'],
  'the right server with a user': [good('https://user:password@images.example/disk'), 'IMAGE_REFUSED'],
  'one that begins like it': [good('https://images.example.evil.example/disk'), 'IMAGE_REFUSED'],
  'a socket': [good('nbd+unix:///x?socket=/run/docker.sock'), 'IMAGE_REFUSED'],
  'JSON for qemu': [good('json:{"driver":"file","filename":"/etc/passwd"}'), 'IMAGE_REFUSED'],
  "a guest of libvirt's": [good('domain:secret'), 'IMAGE_REFUSED'],
  'a name of qemu': [good('nbd:unix:/run/x.sock'), 'IMAGE_REFUSED'],
  'a protocol of qemu': [good('fat:rw:/etc'), 'IMAGE_REFUSED'],
};

describe('a worker', () => {
  let server: Server;
  let worker: FleetWorker;
  const connection = () => new Connection(server.connection);

  beforeAll(async () => {
    server = await startRedis();
    worker = new FleetWorker({
      ...{ ...server.connection, roots: [folder.path], tasks: [read], concurrency: 4 },
      servers: [{ scheme: 'https', host: 'images.example' }],
    });
    await worker.start();
  });

  afterAll(async () => {
    await worker.close();
    await server.stop();
  });

  test('does a job that is right, so that the others are refused for what is wrong with them', async () => {
    const queue = connection().queue();
    const job = await queue.add('read', good(inside));
    await until(async () => (await job.getState()) === 'completed');
    expect(opened).toEqual([inside]);
    await queue.close();
  });

  test('refuses each payload with a code, opens nothing, and lives on', async () => {
    opened.length = 0;
    const queue = connection().queue();
    const jobs: [string, string, Job][] = [];
    for (const [name, [data, code]] of Object.entries(payloads))
      jobs.push([name, code, await queue.add('read', data, { attempts: 5 })]);
    // What JSON alone can say.
    const raw = await queue.add('read', JSON.parse(`{"__proto__":{"v":1},"v":1}`));
    jobs.push(['a key of all objects', 'PAYLOAD', raw]);
    const found: Record<string, unknown> = {};
    for (const [name, , { id = '' }] of jobs) {
      await until(async () => ['failed', 'completed'].includes(await queue.getJobState(id)));
      const job = await queue.getJob(id);
      const news = readNews(job?.progress);
      found[name] = [job?.attemptsMade, news?.kind === 'failed' ? news.error.code : await job?.getState()];
    }
    expect(found).toEqual(
      Object.fromEntries(jobs.map(([name, code]) => [name, [1, `ERR_GUESTFS_FLEET_${code}`]])),
    );
    expect(opened).toEqual([]);
    await queue.close();
  }, 60_000);

  test('tells a newer job what to do', () => {
    expect(() => readJob({ v: 7 })).toThrow(/version 7.*up to 1.*give the workers the version/);
  });

  test('opens what lies below a root, and the servers that it may', async () => {
    const allowed = { roots: [folder.path], servers: [{ scheme: 'https', host: 'images.example' }] };
    expect(await allowedImage({ path: inside }, allowed)).toMatchObject({
      path: inside,
      within: [folder.path],
    });
    expect(await allowedImage({ path: `file://${inside}` }, allowed)).toMatchObject({ path: inside });
    const remote = { path: 'https://images.example/disk.qcow2' };
    expect(await allowedImage(remote, allowed)).toMatchObject(remote);
    await expect(allowedImage({ path: `${folder.path}/none` }, allowed)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(allowedImage({ path: inside }, { roots: [], servers: [] })).rejects.toThrow(/is not opened/);
    await expect(allowedImage({ path: 'https://u:hush@evil/x' }, allowed)).rejects.not.toThrow(/hush/);
  });

  test('a client takes no outcome that is none, and says so', async () => {
    const queue = connection().queue();
    const fleet = new Fleet({ ...server.connection, tasks: [read] });
    // A worker that is nobody's: it takes the job before ours, and tells nonsense.
    await worker.drain(0);
    const impostor = connection().worker(async () => ({ v: 1, nonsense: true }), {});
    void impostor.run();
    const [result] = await collect(fleet.run(read, [inside]));
    expect(result?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_RESULT' });
    await impostor.close();
    await fleet.close();
    await queue.close();
  }, 30_000);
});

describe('random payloads', () => {
  test('none is taken for a job, and none throws anything but a FleetError', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (data) => {
        for (const parse of [readJob, readOutcome]) {
          try {
            parse(data);
            return false;
          } catch (error) {
            if ((error as Error).name !== 'FleetError') return false;
          }
        }
        return readNews(data) === undefined;
      }),
      { numRuns: 2000 },
    );
  });

  test('a job with one field replaced is refused, or is one', () => {
    const base = good(inside);
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(base)), fc.jsonValue(), (field, value) => {
        try {
          const job = readJob({ ...base, [field]: value });
          return JSON.stringify(job).length < 300_000;
        } catch (error) {
          return (error as Error).name === 'FleetError';
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('what is no encoding of ours decodes to data, and pollutes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        decode(value);
        decode({ $fleet: value });
        decode({ $fleet: ['map', value] });
        return ({} as { polluted?: unknown }).polluted === undefined;
      }),
      { numRuns: 2000 },
    );
    decode(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('data comes back as it was', () => {
    const data = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: false,
    });
    const canTravel = (value: unknown): boolean => {
      try {
        encode(value);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(data.filter(canTravel), (value) => {
        const once = decode(JSON.parse(JSON.stringify(encode(value) ?? null)));
        const twice = decode(JSON.parse(JSON.stringify(encode(once) ?? null)));
        expect(twice).toEqual(once);
      }),
      { numRuns: 500 },
    );
    writeFileSync(inside, 'in.img');
  });

  test.each(['Inspect', '', 'a b', 'x'.repeat(100)])('no task can be called %j', (name) => {
    expect(() => new TaskRegistry([{ name, run: async () => null }])).toThrow(/cannot be called/);
  });

  test('no task of the user takes the place of ours', () => {
    expect(() => new TaskRegistry([{ name: 'inspect', run: async () => null }])).toThrow(
      /two tasks called inspect/,
    );
  });
});
