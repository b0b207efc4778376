import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Job } from 'bullmq';
import fc from 'fast-check';
import { defineTask, Fleet, FleetWorker, isMachineFault } from '../src';
import { Connection } from '../src/connection';
import { allowedImage, checkedServers } from '../src/images';
import { TaskRegistry } from '../src/tasks';
import { checksumTask } from '../src/tasks/checksum';
import { decode, encode } from '../src/wire/codec';
import { digestOf, readJob, readNews, readOutcome } from '../src/wire/schema';
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
symlinkSync('/nonexistent/disk', `${folder.path}/dangling`);
symlinkSync('loop', `${folder.path}/loop`);
symlinkSync('/nonexistent', `${folder.path}/sub/away`);

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
  'a link to what is not there': [good(`${folder.path}/dangling`), 'IMAGE_REFUSED'],
  'a link to itself': [good(`${folder.path}/loop`), 'IMAGE_REFUSED'],
  'a way on by a link to what is not there': [good(`${folder.path}/sub/away/disk`), 'IMAGE_REFUSED'],
  'a file URI': [good('file:///etc/passwd'), 'IMAGE_REFUSED'],
  'a server': [good('https://169.254.169.254/latest'), 'IMAGE_REFUSED'],
  'the right server by another scheme': [good('http://images.example/disk'), 'IMAGE_REFUSED'],
  'the right server with another port': [good('https://images.example:8443/disk'), 'IMAGE_REFUSED'],
  'another server that looks right': [good('https://images.example@evil.example/disk'), 'IMAGE_REFUSED'],
  'the right server with a user': [good('https://user:password@images.example/disk'), 'IMAGE_REFUSED'],
  'the right server with a user alone': [good('https://user@images.example/disk'), 'IMAGE_REFUSED'],
  'the right server with a dot more': [good('https://images.example./disk'), 'IMAGE_REFUSED'],
  'the right server behind a backslash': [
    good('https://evil.example\\@images.example/disk'),
    'IMAGE_REFUSED',
  ],
  'the right server as a fragment': [good('https://evil.example#@images.example/disk'), 'IMAGE_REFUSED'],
  'the right server in IPv6': [good('https://[::ffff:127.0.0.1]/disk'), 'IMAGE_REFUSED'],
  'the address of the machine as a number': [good('https://2130706433/disk'), 'IMAGE_REFUSED'],
  'several servers': [good('rbd://images.example,evil.example/pool/disk'), 'IMAGE_REFUSED'],
  'a scheme with a name of qemu before it': [
    good('json:{"file.filename":"https://images.example/x"}'),
    'IMAGE_REFUSED',
  ],
  'deep options': [
    { ...good(inside), options: { a: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) } },
    'OPTION',
  ],
  'deep options of ours': [
    {
      ...good(inside),
      task: 'check',
      options: { ignore: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) },
    },
    'OPTION',
  ],
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

  test('tells what lies below a root from what cannot be looked up, and from a root that is away', async () => {
    const root = `${folder.path}/storage`;
    mkdirSync(`${root}/deep`, { recursive: true });
    const allowed = { roots: [root], servers: [] };
    const codeOf = (path: string) =>
      allowedImage({ path }, allowed).then(
        () => undefined,
        ({ code }) => code,
      );
    expect(await codeOf(`${root}/deep/none/at/all`)).toBe('ENOENT');
    expect(await codeOf(`${root}/deep/${'n'.repeat(300)}`)).toBe('ENAMETOOLONG');
    expect(await codeOf(`${inside}/below`)).toBe('ERR_GUESTFS_FLEET_IMAGE_REFUSED');
    renameSync(root, `${root}-away`);
    expect(await codeOf(`${root}/deep/disk`)).toBe('ERR_GUESTFS_FLEET_ROOT');
    expect(isMachineFault({ code: 'ERR_GUESTFS_FLEET_ROOT' })).toBe(true);
    expect(await codeOf('/elsewhere/disk')).toBe('ERR_GUESTFS_FLEET_IMAGE_REFUSED');
    const homeless = new FleetWorker({ ...server.connection, roots: [root] });
    await expect(homeless.start()).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_ROOT' });
    await homeless.close();
  });

  test.each([
    [{ scheme: 'nbd', host: 'Images.Example' }, 'nbd://images.EXAMPLE/disk', true],
    [{ scheme: 'nbd', host: 'images.example' }, 'nbd://images.example:10809/disk', true],
    [{ scheme: 'nbd', host: 'images.example:10809' }, 'nbd+tcp://images.example/disk', true],
    [{ scheme: 'nbd', host: 'images.example:1' }, 'nbd://images.example/disk', false],
    [{ scheme: 'https', host: 'images.example:443' }, 'https://images.example/disk', true],
    [{ scheme: 'https', host: '[0:0:0:0:0:0:0:1]' }, 'https://[::1]/disk', true],
    [{ scheme: 'nbd', host: '[::1]' }, 'nbd://[::2]/disk', false],
    [{ scheme: 'ssh', host: 'images.example' }, 'ssh://root@images.example/disk', false],
  ])('a server as %j opens %s: %s', async (allowedServer, path, isOpened) => {
    const opening = allowedImage({ path }, { roots: [], servers: checkedServers([allowedServer]) });
    if (isOpened) expect(await opening).toMatchObject({ path, within: [] });
    else await expect(opening).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_IMAGE_REFUSED' });
  });

  test.each([
    { scheme: 'https', host: 'user@images.example' },
    { scheme: 'https', host: 'images.example/path' },
    { scheme: 'https', host: '' },
    { scheme: 'gopher', host: 'images.example' },
    { scheme: 'file', host: 'images.example' },
    { scheme: 'nbd+unix', host: '/run/x' },
  ])('%j is no server', (allowedServer) => {
    expect(() => new FleetWorker({ ...server.connection, servers: [allowedServer] })).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_OPTION' }),
    );
  });

  test.each([
    ['concurrency', 0],
    ['lockMs', Number.NaN],
    ['deaths', 1.5],
    ['inlineBytes', Number.NaN],
    ['inlineBytes', -1],
    ['progressMs', '1000' as never],
  ])('%s cannot be %p', (name, value) => {
    expect(() => new FleetWorker({ ...server.connection, [name]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_OPTION', message: expect.stringContaining(name) }),
    );
  });

  test('reads no file but that which it has looked at, whatever takes its place', async () => {
    const path = folder.file('swapped.img');
    const image = await allowedImage({ path }, { roots: [folder.path], servers: [] });
    renameSync(path, `${path}.old`);
    symlinkSync('/etc/passwd', path);
    const context = {
      guests: [[image]],
      options: {},
      keys: [],
      handleOptions: undefined,
      onProgress: () => undefined,
    };
    const { signal } = new AbortController();
    await expect(checksumTask.run({ ...context, images: [image], signal })).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_IMAGE_REFUSED',
    });
    const remote = { path: 'https://images.example/x', within: [] };
    await expect(checksumTask.run({ ...context, images: [remote], signal })).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_OPTION',
    });
  });

  test('a client takes no outcome that is none, and says so', async () => {
    const queue = connection().queue();
    const fleet = new Fleet({ ...server.connection, tasks: [read] });
    await worker.drain(0);
    const store = connection().queue('-results');
    await store.add('result', { v: 1, packed: 'garbage' }, { jobId: 'garbage' });
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
    const progress: unknown[] = [];
    // A worker that is nobody's: it takes each job before ours, and tells nonsense of all kinds.
    const head = (job: Job) => ({ v: 1, of: digestOf(job.data.guests), worker: 'x', ms: 1 });
    const nonsense: ((job: Job) => unknown)[] = [
      () => ({ v: 1, nonsense: true }),
      () => 'text',
      (job) => ({ ...head(job), result: { $fleet: ['bigint', 'x'] } }),
      (job) => ({ ...head(job), result: { $fleet: ['unknown', 1] } }),
      (job) => ({ ...head(job), result: deep }),
      (job) => ({ ...head(job), ref: 'garbage' }),
      (job) => ({ ...head(job), ref: '../../etc/passwd' }),
      (job) => ({ ...head(job), v: 2 }),
    ];
    const events = [5, null, deep, { operation: 'x' }, { operation: 1, position: 'x' }];
    const impostor = connection().worker(async (job) => {
      for (const event of events) await job.updateProgress({ v: 1, kind: 'progress', event });
      await job.updateProgress('text');
      return nonsense[job.data.index]?.(job);
    }, {});
    void impostor.run();
    const results = await collect(
      fleet.run(
        read,
        nonsense.map(() => inside),
        { onProgress: (each) => progress.push(each) },
      ),
    );
    const codes = results
      .sort((a, b) => a.index - b.index)
      .map(({ error }) => (error as { code?: string }).code);
    expect(codes).toEqual([...Array(7).fill('ERR_GUESTFS_FLEET_RESULT'), 'ERR_GUESTFS_FLEET_VERSION']);
    expect(progress.filter((each) => (each as { type: string }).type === 'progress')).toEqual([]);
    // Nor one of another image than it has asked for.
    nonsense[0] = (job) => ({ ...head(job), of: 'other', result: null });
    await expect(collect(fleet.run(read, [inside]))).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_BATCH',
    });
    await store.close();
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
        for (const garbled of [value, { $fleet: value }, { $fleet: ['map', value] }]) {
          try {
            decode(garbled);
          } catch (error) {
            if ((error as { code?: string }).code !== 'ERR_GUESTFS_FLEET_RESULT') return false;
          }
        }
        return ({} as { polluted?: unknown }).polluted === undefined;
      }),
      { numRuns: 2000 },
    );
    decode(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('data comes back as it was', () => {
    const double = fc.double().filter((value) => !Object.is(value, -0)); // JSON has one zero
    const date = fc.date({ noInvalidDate: true }); // Jest finds invalid ones in maps and sets unequal
    const scalars = [fc.boolean(), fc.string(), fc.integer(), double, fc.constant(null), fc.bigInt(), date];
    const data = fc.anything({ values: scalars, withMap: true, withSet: true });
    const sent = (value: unknown) => decode(JSON.parse(JSON.stringify(encode(value))));
    fc.assert(
      fc.property(data, (value) => expect(sent(value)).toEqual(value)),
      { numRuns: 500 },
    );
    expect(String(sent(new Date(Number.NaN)))).toBe('Invalid Date');
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
