/** The schemas of what commands print: each command's JSON is as its schema says, and what is not is refused. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Difference, diagnose } from '../../lib';
import { walk } from '../../lib/bulk/walk';
import { checkWalkOptions } from '../../lib/bulk/walk-options';
import { checkCheckOptions } from '../../lib/check/options';
import { Evaluation } from '../../lib/check/run';
import { descriptions } from '../../lib/cli/commands';
import { print as printUsage } from '../../lib/cli/df';
import { differenceToJson } from '../../lib/cli/diff';
import { entryToJson } from '../../lib/cli/entries';
import { Results } from '../../lib/cli/results';
import { compareTrees } from '../../lib/diff/compare';
import { comparePackages } from '../../lib/packages/compare';
import { packageOf } from '../../lib/packages/package';
import { toJson } from '../../lib/text/json';
import { runCli } from '../support/cli';
import { fakeHandle, Stdout } from '../support/command';
import { FakeGuest, FakeOther, link } from '../support/fake-guest';
import { temporaryFolder } from '../support/folder';
import { schemaErrors } from '../support/schemas';
import { root } from '../support/script';
import { treeOf } from '../support/trees';

const asRead = (value: unknown) => JSON.parse(toJson(value));

const files = {
  ...{ a: 'text\n', l: link('a'), d: new FakeOther({ mode: 0o60660, stat: { stRdev: 0x801n } }) },
  big: new FakeOther({ stat: { stSize: 2n ** 62n, stMtimeSec: -5n } }),
};

test('every command that prints JSON has a schema, or prints that of others', () => {
  const with_ = descriptions()
    .filter(({ options }) =>
      options.some(({ name, choices }) => name === 'json' || choices?.includes('json')),
    )
    .map(({ name }) => name);
  const own = readdirSync(join(root, 'schemas')).map((file) => file.replace(/-\d+\.json$/, ''));
  // The journal's fields are its own.
  const others = ['copy-out', 'copy-in', 'cat', 'log', 'tar-out', 'sbom', 'build', 'completion'];
  for (const name of with_) expect([...own, ...others]).toContain(name);
  expect(existsSync(join(root, 'docs/guides/json.md'))).toBe(true);
});

test('ls: files of all types', async () => {
  const fake = new FakeGuest(files);
  for await (const entry of walk(fake, '/', checkWalkOptions('walk', {})))
    expect(schemaErrors('ls', asRead(entryToJson(entry)))).toBeNull();
  expect(schemaErrors('ls', { path: '/a', type: 'door' })).not.toBeNull();
});

test('diff: files and packages', async () => {
  const after = {
    ...{
      a: 'other\n',
      l: link('b'),
      d: new FakeOther({ mode: 0o60660, stat: { stRdev: 0x802n, stUid: 1n } }),
    },
    ...{ new: new FakeOther({ xattrs: { 'user.x': 'y' } }) },
  };
  const tree = (folder: object) => ({ g: fakeHandle(folder as never), directory: '/' });
  const found: Difference[] = [];
  for await (const each of compareTrees(tree(files), tree(after), {
    content: true,
    text: true,
    xattrs: true,
  }))
    found.push(each);
  expect(found.map(({ change }) => change).sort()).toEqual([
    'added',
    'changed',
    'changed',
    'changed',
    'removed',
  ]);
  for (const each of found) expect(schemaErrors('diff', asRead(differenceToJson(each)))).toBeNull();
  const application = (version: string) => ({
    ...packageOf({ name: 'a', version }),
    ...{ displayName: null, installPath: null, publisher: null },
  });
  const told = comparePackages('deb', [application('1')], [application('2')]).map((each) => {
    const { vendor: _, depends: __, provides: ___, ...after_ } = each.after as ReturnType<typeof application>;
    return { ...each, before: null, change: 'added', after: after_ };
  });
  for (const each of told) expect(schemaErrors('diff', asRead(each))).toBeNull();
});

test('df: usages, however large', async () => {
  const stdout = new Stdout();
  const usage = {
    image: 'a.img',
    device: '/dev/sda1',
    type: 'ext4',
    label: null,
    uuid: 'x',
    size: 2n ** 60n,
    used: 1n,
  };
  const rest = { available: 2n, inodes: 3n, inodesUsed: 1n, inodesFree: 2n };
  async function* guests() {
    yield [{ ...usage, ...rest }];
  }
  await printUsage(guests(), new Results({ stream: stdout }), {
    json: true,
    human: false,
    inodes: false,
    images: ['a.img'],
  });
  expect(schemaErrors('df', JSON.parse(stdout.text))).toBeNull();
});

test('check: reports with findings and problems', async () => {
  const evaluation = new Evaluation(checkCheckOptions({}), undefined);
  await evaluation.tree(
    treeOf({
      '/etc/machine-id': `${'a'.repeat(32)}\n`,
      '/opt/x': new FakeOther({ mode: 0o104755, content: 'x' }),
    }),
  );
  const report = evaluation.report(
    ['a.img'],
    [{ code: 'EIO', operation: 'mountRo', device: '/dev/sda2', message: 'no' }],
  );
  expect([report.findings.length > 0, report.problems.length > 1]).toEqual([true, true]);
  expect(schemaErrors('check', asRead(report))).toBeNull();
  const failed = { path: 'b.img', error: { code: 'ENOENT', operation: 'check', message: 'no', hint: 'do' } };
  expect(schemaErrors('check', asRead([report, failed]))).toBeNull();
  expect(schemaErrors('check', asRead({ ...report, version: 2 }))).not.toBeNull();
});

test('doctor: findings of this machine', async () => {
  expect(schemaErrors('doctor', asRead(await diagnose({ launch: false })))).toBeNull();
});

test('warm: what it leaves, and what it lists', async () => {
  const template = { state: 'ready', key: 'a', folder: '/var/tmp/a', bytes: 1, shared: true };
  const warmed = { built: false, ms: 1.5, cachedir: '/var/tmp', template };
  expect(schemaErrors('warm', asRead(warmed))).toBeNull();
  const none = { state: 'none', reason: 'accelerator', why: 'the appliance may run under KVM' };
  expect(schemaErrors('warm', asRead({ ...warmed, template: none }))).toBeNull();
  const listed = {
    key: 'a',
    folder: '/a',
    made: new Date(0),
    used: null,
    bytes: 1,
    words: ['x'],
    shared: false,
  };
  expect(schemaErrors('warm', asRead([listed]))).toBeNull();
  expect(schemaErrors('warm', asRead([{ ...listed, used: 1 }]))).not.toBeNull();
  const { stdout } = await runCli('warm', '--list', '--json');
  expect(schemaErrors('warm', JSON.parse(stdout))).toBeNull();
});

test('progress: what has come of the work of which logs tell', async () => {
  using folder = temporaryFolder();
  const logged = await runCli('inspect', '--progress=json', '--json', folder.file('missing.img'));
  writeFileSync(folder.file('log'), logged.stderr);
  const { stdout } = await runCli('progress', '--json', folder.file('log'));
  const tasks = JSON.parse(stdout);
  expect(tasks.length).toBeGreaterThan(0);
  expect(schemaErrors('summary', tasks)).toBeNull();
});

describe('images that cannot be looked at', () => {
  test.each([
    ['inspect', ['--json']],
    ['check', ['--as=json']],
  ])('%s: one, and several', async (name, args) => {
    using folder = temporaryFolder();
    const [a, b] = [folder.file('a.img'), folder.file('b.img')];
    for (const images of [[a], [a, b]]) {
      const { stdout, code } = await runCli(name, ...args, '--progress=none', ...images);
      expect(code).toBe(1);
      expect(schemaErrors(name, JSON.parse(stdout))).toBeNull();
    }
  });
});
