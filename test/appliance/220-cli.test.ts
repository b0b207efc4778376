import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import type { InspectionReport } from '../../lib';
import { debianMbr, luksDisk, missing, notADisk, qcow2Overlay } from '../images';
import { sleep } from '../support/appliance';
import { runCli, startCli } from '../support/cli';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { descendants, leftAfter } from '../support/processes';
import { schemaErrors } from '../support/schemas';

const start = (...args: string[]) => startCli('inspect', ...args);
const run = (...args: string[]) => runCli('inspect', ...args);

describe('guestfs inspect', () => {
  test('--json --progress=json, of several: stdout and stderr are JSON and nothing else', async () => {
    const [path, nothing] = [await qcow2Overlay(), await missing()];
    const { stdout, stderr, code } = await run('--json', '--progress=json', nothing, path);
    expect(code).toBe(1);

    expect(schemaErrors('inspect', JSON.parse(stdout))).toBeNull();
    const [failed, report] = JSON.parse(stdout) as [unknown, InspectionReport];
    expect(failed).toMatchObject({ path: nothing, error: { code: 'ENOENT' } });
    expect(report.images).toMatchObject([
      { path, format: 'qcow2', backingChain: [{ path: await debianMbr(), format: 'raw' }] },
    ]);
    expect(report.images[0]?.virtualSize).toBe(512 * 2 ** 20);
    expect(report.images[0]?.actualSize).toBeLessThan(64 * 2 ** 20);
    expect(report.operatingSystems).toMatchObject([{ root: '/dev/sda1', hostname: 'overlay' }]);
    expect(report.operatingSystems[0]?.applications?.length).toBeGreaterThan(50);
    expect(report.problems).toEqual([]);

    const lines = stderr.trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line));
    const launch = records.filter(({ type, operation }) => type === 'phase' && operation === 'launch');
    expect(launch.map(({ phase }) => phase)).toEqual(
      expect.arrayContaining(['appliance', expect.stringMatching(/^(kernel|restore)$/)]),
    );
    for (const { label, elapsed } of launch) expect([label, typeof elapsed]).toEqual([path, 'number']);
    for (const operation of ['launch', 'inspectOs', 'listPartitions']) {
      const types = records.filter((each) => each.operation === operation).map(({ type }) => type);
      expect(types.at(0)).toBe('start');
      expect(types.at(-1)).toBe('end');
    }
  });

  test('tables; an image that fails does not keep the others from being reported', async () => {
    const vault = await luksDisk();
    const { stdout, stderr, code } = await run(
      ...['--progress=text', '--key', `/dev/sda1:file:${vault.keyFile}`],
      ...[await missing(), vault.path],
    );
    expect(code).toBe(1);
    expect(stderr).toContain(`${await missing()} does not exist (ENOENT)\n`);
    // A launch from a template may take too short a time to be told of.
    expect(stderr).toMatch(/^(?:luks\.img: \w+|inspectAll): done in /m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no escapes where there is no terminal
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(stdout).toMatch(/^.*luks\.img: raw, 64 MiB, .* allocated, as \/dev\/sda\n/);
    expect(stdout).toContain('\nNo operating system found.\n');
    expect(stdout).toMatch(
      /\nFilesystems\nDEVICE +TYPE +LABEL .*\n\/dev\/mapper\/cryptsda1 +ext4 +vault +\d/,
    );
    expect(stdout).toMatch(/\nEncrypted volumes\n.*\n\/dev\/sda1 +crypto_LUKS +\/dev\/mapper\/cryptsda1 /);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it and its appliance', async (signal) => {
    const child = start('--progress=text', await notADisk());
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const ended = once(child, 'close');
    const pid = child.pid as number;
    while (child.exitCode === null && !descendants(pid).some((line) => line.includes('guestfsd.sock'))) {
      await sleep(100);
    }
    const started = descendants(pid).map((line) => Number.parseInt(line, 10));
    const sent = performance.now();
    child.kill(signal);
    const [code] = await ended;
    expect(performance.now() - sent).toBeLessThan(3000);
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143 }[signal]);
    const [stdout, stderr] = await output;
    expect(stdout).toBe('');
    expect(stderr).not.toContain('guestfs:');
    expect(
      await leftAfter(5000, () => started.filter((each) => existsSync(`/proc/${each}`)).map(String)),
    ).toEqual([]);
  });
});

/** A filesystem with `/file`, in which there is an `x`. */
function imageOfOneFile(folder: TemporaryFolder): string {
  mkdirSync(folder.file('tree'));
  writeFileSync(folder.file('tree/file'), 'x');
  const image = folder.file('disk.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', folder.file('tree'), image, '16M']);
  return image;
}

test('what has failed although the command went on is the end of its image for programs too', async () => {
  using folder = temporaryFolder();
  const image = imageOfOneFile(folder);
  const { stdout, stderr, code } = await runCli('cat', '--progress=json', image, '/missing', '/file');
  const records = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect([stdout, code]).toEqual(['x', 1]);
  expect(records.at(-1)).toMatchObject({ type: 'end', kind: 'image', error: { code: 'ENOENT' } });
});

test('what has failed before the reader of a pipe goes away makes the exit code', async () => {
  using folder = temporaryFolder();
  const image = imageOfOneFile(folder);
  const files = Array.from({ length: 20 }, () => '/file');
  const child = startCli('cat', '--progress=none', '--format=raw', image, '/missing', ...files);
  // Nobody reads: the first file that is printed ends the command.
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect([stderr, code]).toEqual([expect.stringMatching(/^guestfs: .*\/missing.*\(ENOENT\)\n$/), 1]);
});
