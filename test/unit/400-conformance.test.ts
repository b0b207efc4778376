import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder';
import { root, runNode } from '../support/script';

const program = join(root, 'conformance/main.mjs');

/** Runs the command on a file with this content. */
async function replay(content: unknown, ...options: string[]) {
  using folder = temporaryFolder();
  const file = folder.file('data.json');
  const json = folder.file('report.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  const result = await runNode([program, file, '--json', json, ...options]);
  const lines = result.stdout.trimEnd().split('\n');
  const report = result.code === 2 ? undefined : JSON.parse(readFileSync(json, 'utf8'));
  return { ...result, lines, report };
}

const good = ['a', null, ['b'], true, -1, { int64: '9007199254740993' }, 'in', 'out', { base64: 'AGE=' }];
const goodOutput = ['a', 'null', '["b"]', 'true', '-1', '9007199254740993', 'in', 'out', '<00><61>'];
const unset = ['obool: unset', 'oint: unset', 'oint64: unset', 'ostring: unset', 'ostringlist: unset'];
const output = [...goodOutput, ...unset];
const pv = { pv_name: 'pv0', pv_size: { int64: '0' } };

const rint = { id: 'int', fn: 'internal_test_rint', args: ['10'], expectReturn: 10 };
const error = { fn: 'internal_test_rstringerr', args: [], expectError: { message: 'error', errno: 0 } };

describe('the conformance runner on tests of a binding', () => {
  test('passes what is as expected', async () => {
    const { code, lines, report } = await replay([
      { id: 'output', fn: 'internal_test', args: good, optargs: {}, expectOutput: output },
      { id: 'omitted', fn: 'internal_test', args: good, optargsOmitted: true, expectOutput: output },
      rint,
      { ...rint, id: 'int64', fn: 'internal_test_rint64', expectReturn: { int64: '10' } },
      { id: 'null', fn: 'internal_test_rconstoptstringerr', args: [], expectReturn: null },
      {
        ...{ id: 'map', fn: 'internal_test_rhashtable', args: ['2'] },
        expectReturn: {
          hash: [
            ['0', '0'],
            ['1', '1'],
          ],
        },
      },
      {
        ...{ id: 'bytes', fn: 'internal_test_rbufferout', args: ['abc'] },
        expectReturn: { base64: 'YWJj' },
      },
      { ...error, id: 'error' },
      { ...error, id: 'any message', expectError: { message: null, errno: 0 } },
      { ...error, id: 'any error', expectError: null },
    ]);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/: 10 passed, 0 failed, 0 skipped, in \d+ s$/),
      '',
      '10 passed, 0 failed, 0 skipped',
    ]);
    expect(report).toMatchObject({ passed: 10, failed: 0, skipped: 0, files: [{ passed: 10 }] });
    expect(code).toBe(0);
  });

  test('fails what is not, and says why', async () => {
    const wrong: [id: string, test: object, why: string][] = [
      ['result', { ...rint, expectReturn: 11 }, 'expected 11, got 10'],
      ['number', { ...rint, expectReturn: { int64: '10' } }, 'expected 10n, got 10'],
      [
        'output',
        { fn: 'internal_test', args: good, optargs: { oint: 1 }, expectOutput: output },
        "expected [ 'a', 'null'",
      ],
      [
        'field',
        { fn: 'internal_test_rstruct', args: ['x'], expectReturn: pv },
        "expected { pvName: 'pv0', pvSize: 0n }, got { pvName: 'pv0', pvUuid: ",
      ],
      ['no error', { ...error, fn: rint.fn, args: rint.args }, "expected the error 'error', got 10"],
      [
        'other error',
        { ...error, expectError: { message: 'other', errno: 2 } },
        "expected { message: 'other', errno: 2 }, got { message: 'error', errno: 0 }",
      ],
      ['only an error', { fn: error.fn, args: [], expectReturn: '' }, 'internal_test_rstringerr: error'],
      ['argument', { ...rint, args: [10] }, 'ERR_INVALID_ARG_TYPE'],
      ['our error', { ...error, optargs: { x: 1 } }, 'unknown option'],
      ['unknown', { ...rint, fn: 'no_such_thing' }, 'does not have the function no_such_thing'],
    ];
    const { code, lines, report } = await replay([rint, ...wrong.map(([id, test]) => ({ ...test, id }))]);
    expect(report.files[0].results).toEqual([
      { id: 'int', status: 'passed' },
      ...wrong.map(([id, , why]) => ({ id, status: 'failed', reason: expect.stringContaining(why) })),
    ]);
    for (const [i, [id, , why]] of wrong.entries()) {
      expect(lines[i + 1]).toContain(`FAILED   ${id}: `);
      expect(lines[i + 1]).toContain(why);
    }
    expect(lines.at(-1)).toBe('1 passed, 10 failed, 0 skipped');
    expect(code).toBe(1);
  });

  test('knows checks that need no appliance', async () => {
    const ret = { ref: 'ret' };
    const [a, b, pattern] = ['a', 'b', 'b+$'].map((expected) => ({ op: 'strEq', value: ret, expected }));
    const cases: [spec: object, value: unknown, holds: boolean][] = [
      [{ op: 'or', args: [a, b] }, 'b', true],
      [{ op: 'or', args: [a, b] }, 'c', false],
      [{ op: 'or', args: [] }, 'c', false],
      [
        {
          op: 'and',
          args: [
            { op: 'or', args: [a, pattern] },
            { op: 'or', args: [pattern, a] },
          ],
        },
        'a',
        true,
      ],
      [{ op: 'strMatch', value: ret, pattern: 'b+' }, 'abbc', true],
      [{ op: 'strMatch', value: ret, pattern: '^b' }, 'abbc', false],
      [{ op: 'deviceEq', value: ret, expected: '/dev/sda1' }, '/dev/vda1', true],
      [{ op: 'deviceEq', value: ret, expected: '/dev/sda1' }, '/dev/vdb1', false],
    ];
    const { stdout } = await runNode([
      '--input-type=module',
      '--eval',
      `import { check } from ${JSON.stringify(join(root, 'conformance/checks.mjs'))};
       import { Guestfs } from 'guestfs';
       const g = new Guestfs();
       for (const [spec, value] of ${JSON.stringify(cases)}) console.log(await check(spec, { value }, g) ?? 'holds');
       const map = new Map([['uid', '0 (user root)']]);
       console.log(await check({ op: 'hashMatch', key: 'uid', pattern: 'user \\\\S+' }, { value: map }, g) ?? 'holds');
       console.log(await check({ op: 'hashMatch', key: 'gid', pattern: '' }, { value: map }, g) ?? 'holds');`,
    ]);
    const holds = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line === 'holds');
    expect(holds).toEqual([...cases.map(([, , expected]) => expected), true, false]);
  });

  test('runs only what --only matches', async () => {
    const tests = [rint, { ...rint, id: 'wrong', expectReturn: 11 }];
    expect(await replay(tests, '--only', '^int$', '--verbose')).toMatchObject({
      code: 0,
      lines: [
        expect.stringContaining('1 tests'),
        'passed   int',
        expect.anything(),
        '',
        expect.stringMatching(/^1 /),
      ],
    });
    // No test at all is no success.
    expect(await replay(tests, '--only', 'nothing')).toMatchObject({
      code: 1,
      report: { passed: 0, failed: 0 },
    });
  });

  test.each([
    ['{}', [], 'no conformance data'],
    ['[]', [], 'no conformance data'],
    ['[{ "id": 1 }]', [], 'no conformance data'],
    ['not JSON', [], 'JSON'],
    ['[]', ['--onyl', 'x'], '--onyl'],
    ['[]', ['--timeout', '0'], '--timeout'],
    ['[]', ['--only', '('], 'regular expression'],
  ])('refuses %s %p', async (content, options, why) => {
    const { code, stderr } = await replay(content, ...options);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('the conformance runner on tests of the API', () => {
  const data = {
    paths: { cwd: 'tests', $srcdir: 'tests', iso: '../data/test.iso' },
    dataFiles: {
      spaces: { dir: 'data', recipe: { fillByte: 32, size: 3 } },
      theirs: { dir: 'data', upstreamFile: true, size: 1 },
      'theirs.gz': { dir: 'data', recipe: { gzip: 'theirs' } },
    },
    handle: { beforeLaunch: [], launch: [{ fn: 'launch', args: [] }], afterLaunch: [] },
    init: { InitNone: [{ fn: 'umount_all', args: [] }], InitBad: [{ fn: 'cat', args: ['/missing'] }] },
  };
  const string = { kind: 'RString' };
  const cat = (path: string, check: object, rest: object = {}) => ({
    ...{ init: 'InitNone', lastRet: string, check, sequence: [{ fn: 'cat', args: [path] }] },
    ...rest,
  });
  const text = { op: 'strEq', value: { ref: 'ret' }, expected: 'text' };
  const fails = { op: 'lastCallFails' };
  const upload = (file: string) => [
    { fn: 'upload', args: [file, '/uploaded'] },
    { fn: 'cat', args: ['/uploaded'] },
  ];

  /** Each with what must come of it. */
  const tests: [test: object, status: string, reason?: string][] = [
    [cat('/text', text), 'passed'],
    [cat('/text', { ...text, expected: 'other' }), 'failed', "call 0 (cat): expected 'other', got 'text'"],
    [cat('/text', { op: 'noError' }, { lastRet: { kind: 'RInt' } }), 'failed', 'a result of kind RInt'],
    [cat('/text', { op: 'no such check' }), 'failed', 'no such check is not known'],
    [cat('/missing', fails), 'passed'],
    [cat('/missing', text), 'failed', 'call 0 (cat): cat: /missing (ENOENT)'],
    [cat('/missing', { op: 'lastCallSucceedsOrErrno', errno: 'ENOENT' }), 'passed'],
    [cat('/missing', { op: 'lastCallSucceedsOrErrno', errno: 'ENOTSUP' }), 'failed', 'ENOENT'],
    [cat('/text', fails), 'failed', "expected it to fail, got 'text'"],
    [cat('/refused', fails), 'failed', 'call 0 (cat): mine (ERR_INVALID_ARG_TYPE)'],
    [cat('/text', text, { init: 'InitBad' }), 'failed', 'preparation InitBad, call 0 (cat): cat: /missing'],
    [cat('/text', text, { cleanup: [{ fn: 'cat', args: ['/missing'] }] }), 'failed', 'cleanup 0 (cat)'],
    [cat('/text', text, { condition: { kind: 'Disabled' } }), 'skipped', 'disabled'],
    [cat('/text', text, { optionalGroup: 'xfs' }), 'skipped', 'the appliance lacks the feature group xfs'],
    [cat('/text', text, { condition: { kind: 'IfAvailable', group: 'xfs' } }), 'skipped', 'xfs'],
    [cat('/text', text, { optionalGroup: 'lvm2' }), 'passed'],
    [cat('/newer', text, { since: [1, 55, 13] }), 'skipped', 'needs libguestfs 1.55.13, and this is 1.48.6'],
    [cat('/newer', text, { since: [1, 48, 6] }), 'failed', 'too new (ERR_GUESTFS_UNSUPPORTED)'],
    // The death of the appliance is no failure of the call, and the next test has a new one.
    [cat('/die', fails), 'failed', 'call 0 (cat): dead (ERR_GUESTFS_TERMINATED)'],
    [cat('/text', text), 'passed'],
    [cat('/hang', fails), 'failed', 'after 0.2 s, and its appliance killed'],
    [cat('/text', text), 'passed'],
    [
      cat(
        '',
        { ...text, expected: '   ' },
        { sequence: upload('../data/spaces'), dataPaths: ['../data/spaces'] },
      ),
      'passed',
    ],
    [
      cat(
        '',
        { ...text, expected: '   ' },
        { sequence: upload('$srcdir/../data/spaces'), dataPaths: ['x/spaces'] },
      ),
      'passed',
    ],
    [cat('', text, { dataPaths: ['../data/theirs'] }), 'skipped', 'theirs is missing: libguestfs'],
    [cat('', text, { dataPaths: ['../data/theirs.gz'] }), 'skipped', 'it is made of theirs: libguestfs'],
    [cat('', text, { dataPaths: ['../data/nothing'] }), 'skipped', 'the data file says nothing about it'],
  ];

  /** Over a handle that is none: what `cat` does is in the path. */
  async function replayCapi(named: object[]) {
    const { code, stdout, stderr } = await runNode([
      '--input-type=module',
      '-e',
      `
        import { readFileSync } from 'node:fs';
        import { GuestfsError } from 'guestfs';
        import { runCapiTests } from './conformance/capi.mjs';
        import { Report } from './conformance/report.mjs';
        import { Source } from './conformance/source.mjs';

        const handles = [];
        const fail = (message, code) => { throw new GuestfsError(message, { code, operation: 'cat' }); };
        class Handle {
          events = [];
          constructor() { handles.push(this.events); }
          async launch() { this.events.push('launch'); }
          async close() { this.events.push('close'); }
          async pingDaemon() { if (this.dead) fail('dead', 'ERR_GUESTFS_TERMINATED'); }
          async featureAvailable([group]) { return group !== 'xfs'; }
          async umountAll() { this.events.push('prepared'); }
          async upload(file) { this.uploaded = readFileSync(file, 'utf8'); }
          async cat(path, { signal }) {
            switch (path) {
              case '/uploaded': return this.uploaded;
              case '/missing': return fail('cat: /missing', 'ENOENT');
              case '/newer': return fail('too new', 'ERR_GUESTFS_UNSUPPORTED');
              case '/modules': return fail('no modinfo.sh', 'ERR_GUESTFS');
              case '/refused': throw Object.assign(new TypeError('mine'), { code: 'ERR_INVALID_ARG_TYPE' });
              case '/die': this.dead = true; return fail('dead', 'ERR_GUESTFS_TERMINATED');
              case '/hang': return await new Promise((_, reject) => {
                // What keeps the process alive is the call.
                const call = setInterval(() => undefined, 1000);
                signal.addEventListener('abort', () => {
                  clearInterval(call);
                  reject(Object.assign(new Error('aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
                });
              });
              default: return 'text';
            }
          }
        }
        const version = [1, 48, 6];
        const lines = [];
        const report = new Report({ version, log: (line) => lines.push(line) });
        const options = { version, timeout: 200, source: new Source('/nonexistent'), open: () => new Handle() };
        const data = ${JSON.stringify({ ...data, tests: named })};
        report.begin('data', 'tests', data.tests.length);
        await runCapiTests(data, data.tests, report, options);
        const codes = [report.exitCode(), report.exitCode({ acceptKnown: true })];
        console.log(JSON.stringify({ handles, lines, codes, results: report.toJSON().files[0].results }));
      `,
    ]);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  test('judges them, and takes a new appliance for a lost one', async () => {
    const { results, handles, codes } = await replayCapi(
      tests.map(([test], i) => ({ ...test, id: `test ${i}` })),
    );
    expect(results).toEqual(
      tests.map(([, status, reason], i) => ({
        ...{ id: `test ${i}`, status },
        ...(reason === undefined ? {} : { reason: expect.stringContaining(reason) }),
      })),
    );
    expect(handles).toHaveLength(3);
    for (const events of handles) {
      expect([events[0], events.at(-1)]).toEqual(['launch', 'close']);
      expect(events).toContain('prepared');
    }
    expect(codes).toEqual([1, 1]);
  });

  test('explains a known difference of libguestfs, which remains a failure', async () => {
    const known = { ...cat('/modules', text), id: 'test_grub_install_0' };
    const { results, lines, codes } = await replayCapi([known]);
    expect(results[0]).toMatchObject({ status: 'failed', knownDifference: expect.stringContaining('GRUB') });
    expect(lines).toContainEqual(expect.stringContaining('known difference of libguestfs: '));
    expect(codes).toEqual([1, 0]);
  });

  test('does not explain another failure of the same test', async () => {
    const other = { ...cat('/missing', text), id: 'test_grub_install_0' };
    const { results, codes } = await replayCapi([other]);
    expect(results[0].knownDifference).toBeUndefined();
    expect(codes).toEqual([1, 1]);
  });
});
