/** Reports of `check()` in the formats of others: valid, whatever a guest says. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type CheckReport, checkRules, renderJunit, renderSarif } from '../../lib';

const evil = '</failure>]]>\u001b[2J\u0000\u202e&<>"\'\ufffe\ud800 %../';

const rules = checkRules().map(({ id, severity, title, help }, index) => ({
  ...{ id, severity, title, help },
  outcome: (['found', 'passed', 'failed', 'skipped'] as const)[index] ?? ('passed' as const),
}));

const finding = { rule: rules[0]?.id ?? '', severity: 'error', title: 'Title', advice: 'Advice' } as const;

const report: CheckReport = {
  ...{ version: 1, images: [`/images/${evil}.img`], trees: [], rules },
  findings: [
    { ...finding, seen: 'a key', device: '/dev/sda1', path: '/etc/ssh/key', line: 3 },
    { ...finding, seen: evil, device: null, path: `//etc/${evil}/caf\udce9`, line: null },
    { ...finding, seen: 'a disk', device: '/dev/sda', path: null, line: null },
  ],
  problems: [
    { rule: null, code: 'EIO', operation: 'mountRo', device: '/dev/sda2', path: null, message: evil },
    {
      rule: rules[2]?.id ?? '',
      code: 'EFBIG',
      operation: 'check',
      device: null,
      path: '/x',
      message: 'too large',
    },
  ],
  complete: false,
};

describe('SARIF', () => {
  const file = require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  const schema = JSON.parse(readFileSync(file, 'utf8')) as object;
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats(ajv);
  const validate = ajv.compile(schema);

  test.each([
    ['a report', report],
    ['several', [report, { ...report, findings: [], problems: [], complete: true }]],
    ['one of an image that could not be looked at', { ...report, rules: [], findings: [] }],
  ])('of %s is valid', (_, reports) => {
    validate(JSON.parse(JSON.stringify(renderSarif(reports))));
    expect(validate.errors).toBeNull();
  });

  test('says where, what, and whether everything was looked at', () => {
    const { runs } = renderSarif(report) as {
      runs: { results: object[]; invocations: object[]; tool: { driver: { rules: object[] } } }[];
    };
    expect(runs[0]?.results[0]).toMatchObject({
      ...{
        ruleId: 'ssh-host-keys',
        ruleIndex: 0,
        level: 'error',
        message: { text: 'Title: a key. Advice.' },
      },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'etc/ssh/key', uriBaseId: 'GUEST' },
            region: { startLine: 3 },
          },
        },
      ],
    });
    expect(runs[0]?.results[1]).toMatchObject({
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: expect.stringMatching(/^etc\/[\w%/.~-]+\/caf%E9$/) } },
        },
      ],
    });
    expect(runs[0]?.invocations).toMatchObject([
      { executionSuccessful: false, toolExecutionNotifications: [{}, { associatedRule: {} }] },
    ]);
    expect(runs[0]?.tool.driver.rules).toHaveLength(rules.length);
  });
});

interface Suite {
  readonly name: string;
  readonly testcase: readonly {
    readonly name: string;
    readonly failure?: readonly { readonly message: string; readonly '#text': string }[];
  }[];
}

describe('JUnit', () => {
  test('is read back: a test for each rule, and one for what could not be looked at', () => {
    const text = renderJunit([report, { ...report, problems: [], images: ['b.img'] }]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff\ufffe\uffff]/);
    expect(XMLValidator.validate(text)).toBe(true);
    const isArray = (name: string) => ['testsuite', 'testcase', 'failure', 'error'].includes(name);
    const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', isArray });
    const parsed = parser.parse(text).testsuites as { testsuite: Suite[] };
    const [first, second] = parsed.testsuite;
    expect(first).toMatchObject({ tests: `${rules.length + 1}`, failures: '1', errors: '2', skipped: '1' });
    expect(second).toMatchObject({
      name: 'b.img',
      tests: `${rules.length}`,
      failures: '1',
      errors: '1',
      skipped: '1',
    });
    expect(first?.testcase).toHaveLength(rules.length + 1);
    const failed = first?.testcase.find(({ name }) => name === 'ssh-host-keys')?.failure?.[0];
    expect(failed?.message).toBe('3 findings: SSH host keys in the image');
    expect(failed?.['#text'].split('\n')[0]).toBe('error: /dev/sda1 /etc/ssh/key:3: a key. Advice.');
  });
});
