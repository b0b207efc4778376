import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { imageFolder, until } from './support/images';
import { type Server, startRedis } from './support/servers';

// The command, as people run it, with a worker of its own.

const program = join(__dirname, '../dist/cli/main.js');
const folder = imageFolder();
let server: Server;
let url: string;
let worker: ChildProcess;
let log = '';

beforeAll(async () => {
  server = await startRedis();
  url = server.connection.redis as string;
  const args = [
    program,
    'worker',
    '--redis',
    url,
    '--root',
    folder.path,
    '--concurrency',
    '2',
    '--metrics',
    '0',
  ];
  worker = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  worker.stderr?.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  await until(() => log.includes('"worker"'), 30_000);
}, 60_000);

afterAll(async () => {
  worker.kill('SIGKILL');
  await server.stop();
  folder.remove();
});

function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, GUESTFS_FLEET_REDIS: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const lines = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test('run, results, status and retry', async () => {
  const images = ['a', 'b', 'c'].map((name) => folder.file(`${name}.img`));
  const run = await command('run', 'checksum', '--batch', 'one', ...images, `${folder.path}/late.img`);
  expect(run.code).toBe(1);
  const came = lines(run.stdout);
  expect(came).toHaveLength(4);
  expect(came.find(({ index }) => index === 3)).toMatchObject({ error: { code: 'ENOENT' } });
  expect((await command('results', 'one')).stdout).toBe('');
  expect(lines((await command('results', '--all', 'one')).stdout)).toHaveLength(4);
  expect((await command('status')).stdout).toMatch(
    /completed +3\nfailed +1\n[\s\S]*one +checksum .* 4 +4 +4/,
  );
  folder.file('late.img');
  expect((await command('retry', 'one')).stdout).toBe('1\n');
  const again = await command('results', 'one');
  expect(again.code).toBe(0);
  expect(lines(again.stdout)).toMatchObject([{ index: 3, result: [{ algorithm: 'sha256' }] }]);
  expect(JSON.parse((await command('status', '--json')).stdout)).toMatchObject({
    jobs: { completed: 4, failed: 0 },
    batches: [{ id: 'one', task: 'checksum', sent: 4, total: 4, given: 4, isCancelled: false }],
  });
  expect((await command('cancel', 'one')).code).toBe(0);
  expect(JSON.parse((await command('status', '--json')).stdout)).toMatchObject({
    batches: [{ isCancelled: true }],
  });
}, 120_000);

test('inspect tells of an image that cannot be had as guestfs inspect does', async () => {
  const { code, stdout, stderr } = await command('inspect', '--json', `${folder.path}/none.img`);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ path: `${folder.path}/none.img`, error: { code: 'ENOENT' } });
  expect(stderr).toContain('(ENOENT)');
}, 60_000);

test('credentials come from files and the environment, and never as arguments', async () => {
  const refused = await command('status', '--redis', 'redis://user:hush@127.0.0.1/');
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--server-file') });
  expect(refused.stderr).not.toContain('hush');
  for (const [option, wrong] of [
    ['--postgres', 'postgres://user:hush@one.example:1,two.example:2/x'],
    ['--redis', 'redis://127.0.0.1/?password=hush'],
    ['--redis', 'http://127.0.0.1/'],
    ['--redis', 'postgres://127.0.0.1/'],
    ['--postgres', 'nonsense'],
  ] as const) {
    const { code, stderr } = await command('status', option, wrong);
    expect([wrong, code]).toEqual([wrong, 2]);
    expect(stderr).not.toContain('hush');
  }
  writeFileSync(join(folder.path, 'server'), `${url}\nmore\n`);
  expect((await command('status', '--server-file', join(folder.path, 'server'))).code).toBe(0);
  writeFileSync(join(folder.path, 'server'), 'http://x');
  expect((await command('status', '--server-file', join(folder.path, 'server'))).code).toBe(2);
}, 120_000);

test('mistakes are told', async () => {
  expect(await command('nonsense')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('worker, inspect, run'),
  });
  expect(await command('cancel', 'nothing')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('FLEET_BATCH'),
  });
  expect(await command('run', 'checksum', '--options', '[]', 'x')).toMatchObject({ code: 2 });
  expect(await command('inspect', '--key', 'key:x', 'x')).toMatchObject({ code: 2 });
  expect((await command('run', '--help')).stdout).toContain('Usage: guestfs-fleet run [OPTION…] TASK IMAGE');
}, 60_000);

test('a worker has metrics', async () => {
  const { metrics } = lines(log).find(({ worker: name }) => name !== undefined);
  await command('run', 'checksum', folder.file('measured.img'), `${folder.path}/none.img`);
  const response = await fetch(metrics);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  const text = await response.text();
  expect(text).toMatch(/^guestfs_fleet_jobs_total\{task="checksum",outcome="completed"\} [1-9]\d*$/m);
  expect(text).toMatch(/^guestfs_fleet_failures_total\{task="checksum",code="ENOENT"\} [1-9]\d*$/m);
  expect(text).toMatch(/^guestfs_fleet_job_seconds_count\{task="checksum",outcome="completed"\} [1-9]\d*$/m);
  expect(text).toContain('guestfs_fleet_concurrency 2\n');
  expect((await fetch(new URL('/', metrics))).status).toBe(404);
  expect(await command('worker', '--metrics', 'x', '--root', '/')).toMatchObject({ code: 2 });
});

test('a worker whose metrics cannot be served does not work', async () => {
  const { metrics } = lines(log).find(({ worker: name }) => name !== undefined);
  const args = ['worker', '--redis', url, '--root', folder.path, '--metrics', new URL(metrics).port];
  expect(await command(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('EADDRINUSE') });
}, 30_000);

test('a worker that is told to end does so in order', async () => {
  const ended = new Promise((resolve) => worker.once('exit', (code, signal) => resolve([code, signal])));
  worker.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(log).toContain('"outcome":"completed"');
}, 60_000);

test('a worker that cannot begin ends, and so does one that waits for its server', async () => {
  const nobody = ['--redis', 'redis://127.0.0.1:1', '--concurrency', '1'];
  const { code, stderr } = await command('worker', ...nobody, '--root', `${folder.file('gone', '')}/none`);
  expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_GUESTFS_FLEET_ROOT')]);
  const waiting = spawn(process.execPath, [program, 'worker', ...nobody, '--root', folder.path]);
  const ended = new Promise((resolve) => waiting.once('exit', resolve));
  await new Promise((resolve) => waiting.stderr.once('data', resolve));
  waiting.kill('SIGTERM');
  expect(await ended).toBe(0);
}, 30_000);
