// Reports as JUnit's XML, as systems that run jobs read it: a suite for each guest, a test for each rule.
import { printable } from '../text/printable';
import type { CheckFinding, CheckProblem, CheckReport, RuleReport } from './report';

export function renderJunit(reports: CheckReport | readonly CheckReport[]): string {
  const suites = [reports].flat().map(suiteOf);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="guestfs check">\n${suites.join('')}</testsuites>\n`;
}

function suiteOf(report: CheckReport): string {
  const { images, rules, findings, problems } = report;
  const name = images.join(', ');
  // What is about no rule is a test of its own.
  const general = problems.filter(({ rule }) => rule === null);
  const cases = [
    ...(general.length > 0 ? [testCase(name, 'everything-looked-at', general.map(errorOf))] : []),
    ...rules.map((rule) => caseOf(name, rule, findings, problems)),
  ];
  const failed = rules.filter(({ outcome }) => outcome === 'found').length;
  const errors = rules.filter(({ outcome }) => outcome === 'failed').length + (general.length > 0 ? 1 : 0);
  const skipped = rules.filter((rule) => rule.outcome === 'skipped').length;
  const counts = `tests="${cases.length}" failures="${failed}" errors="${errors}" skipped="${skipped}"`;
  return `  <testsuite name="${escaped(name)}" ${counts}>\n${cases.join('')}  </testsuite>\n`;
}

function caseOf(
  suite: string,
  rule: RuleReport,
  findings: readonly CheckFinding[],
  problems: readonly CheckProblem[],
): string {
  const { id, title, outcome } = rule;
  const own = findings.filter((each) => each.rule === id);
  if (outcome === 'found') {
    const text = own.map(textOf).join('\n');
    const [first] = own;
    const message = own.length === 1 && first ? textOf(first) : `${own.length} findings: ${title}`;
    return testCase(suite, id, [element('failure', `${first?.severity}`, message, text)]);
  }
  if (outcome === 'failed') {
    const told = problems.filter((each) => each.rule === id).map(errorOf);
    const unseen = element('error', 'ERR_GUESTFS_INCOMPLETE', 'not everything could be looked at', '');
    return testCase(suite, id, told.slice(0, 1).concat(told.length === 0 ? [unseen] : []));
  }
  return testCase(suite, id, outcome === 'skipped' ? ['<skipped/>'] : []);
}

function textOf({ severity, seen, advice, device, path, line }: CheckFinding): string {
  const place = [device, path === null ? null : `${path}${line === null ? '' : `:${line}`}`].filter(
    (each) => each !== null,
  );
  return `${severity}: ${place.join(' ')}: ${seen}. ${advice}.`;
}

const errorOf = ({ code, message, path }: CheckProblem) =>
  element('error', code, message, path === null ? '' : path);

function element(name: 'failure' | 'error', type: string, message: string, text: string): string {
  return `<${name} type="${escaped(type)}" message="${escaped(message)}">${text.split('\n').map(escaped).join('\n')}</${name}>`;
}

function testCase(suite: string, name: string, content: readonly string[]): string {
  const head = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}"`;
  return content.length === 0
    ? `${head}/>\n`
    : `${head}>\n${content.map((each) => `      ${each}\n`).join('')}    </testcase>\n`;
}

const marks: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text that XML can hold: no control characters, and nothing that it would take for its own. */
function escaped(text: string): string {
  return printable(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (mark) => marks[mark] ?? mark);
}
