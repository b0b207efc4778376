import { bytesOf, type Content, html, type Markup, nothing } from '../html/markup';
import { page } from '../html/page';
import { table } from '../html/tables';
import type { CheckedTree, CheckFinding, CheckProblem, CheckReport, RuleReport } from './report';

/** Bytes of the page that findings may take. */
const budget = 700_000;

/** Marks by severity: words, for colours alone would say nothing to some. */
const marks = { error: 'removed', warning: 'changed', note: 'dim' } as const;

/** `renderCheckHtml()`, as index.ts explains it. */
export function renderPage(reports: readonly CheckReport[], title: string | undefined): string {
  const [first] = reports;
  const shown = title ?? (reports.length === 1 ? `Check of ${nameOf(first)}` : `${reports.length} images`);
  const room = { left: budget };
  const body = reports.map((report, index) => sectionOf(report, index, room));
  return page(shown, html`${reports.length > 1 && indexOf(reports)}${body}`);
}

function nameOf(report: CheckReport | undefined): string {
  return report?.images.join(', ') ?? '';
}

function indexOf(reports: readonly CheckReport[]): Markup {
  return html`<section>${table(
    'Images',
    reports.map((report, index) => ({ report, index })),
    [
      ['Image', ({ report, index }) => html`<a href="#image-${index + 1}">${nameOf(report)}</a>`, 'code'],
      ...(['error', 'warning', 'note'] as const).map(
        (severity) =>
          [
            `${severity}s`,
            ({ report }: { report: CheckReport }) => countOf(report, severity),
            'number',
          ] as const,
      ),
      ['Looked at', ({ report }) => (report.complete ? 'all' : html`<span class="bad">not all</span>`)],
    ],
    { sortable: true },
  )}</section>
`;
}

function countOf({ findings }: CheckReport, severity: CheckFinding['severity']): number {
  return findings.filter((each) => each.severity === severity).length;
}

function sectionOf(report: CheckReport, index: number, room: { left: number }): Markup {
  const { findings, problems, trees, rules, complete } = report;
  const shown = findings.filter((finding) => hasRoom(finding, room));
  const rest = findings.length - shown.length;
  return html`<section id="image-${index + 1}"><h2>${nameOf(report)}</h2>
${trees.length > 0 && html`<p>${trees.map(treeOf).join('; ')}</p>`}
<p>${summaryOf(report)}</p>
${findings.length === 0 && complete && html`<p>Everything was looked at, and nothing found.</p>`}
${problems.map(problemOf)}
${table(
  'Findings',
  shown,
  [
    ['Severity', ({ severity }) => html`<span class="${marks[severity]}">${severity}</span>`],
    ['Rule', ({ rule }) => rule, 'code'],
    ['Where', placeOf, 'code'],
    ['What was seen', ({ seen }) => seen],
    ['What to do', ({ advice }) => advice],
  ],
  { sortable: true },
)}
${rest > 0 && html`<p>${rest} more are not shown, so that the page stays small.</p>`}
${rulesOf(rules)}</section>
`;
}

function hasRoom({ seen, advice, path }: CheckFinding, room: { left: number }): boolean {
  room.left -= 300 + bytesOf(seen) + bytesOf(advice) + bytesOf(path ?? '');
  return room.left > 0;
}

function treeOf({ device, name, kind }: CheckedTree): string {
  return `${name ?? (kind === 'data' ? 'data' : `a system (${kind})`)} on ${device}`;
}

function summaryOf(report: CheckReport): Markup {
  const [errors, warnings, notes] = (['error', 'warning', 'note'] as const).map((each) =>
    countOf(report, each),
  );
  return html`<strong class="removed">${errors} errors</strong>, <strong class="changed">${warnings} warnings</strong>, <strong>${notes} notes</strong>`;
}

function placeOf({ device, path, line }: CheckFinding): Content {
  if (path === null) return device;
  return `${path}${line === null ? '' : `:${line}`}${device === null ? '' : ` (${device})`}`;
}

function problemOf({ rule, code, operation, device, path, message }: CheckProblem): Markup {
  const place = path ?? device;
  return html`<div class="problem"><p><strong>Not found out</strong> ${place !== null && html`<span class="code">${place}</span>: `}${message.replace(/\s+/g, ' ')}</p>
<p class="dim">${rule !== null && `${rule}, `}${code}, ${operation}</p></div>
`;
}

function rulesOf(rules: readonly RuleReport[]): Markup {
  if (rules.length === 0) return nothing;
  return html`<details><summary>${rules.length} rules</summary>${table(
    'Rules',
    rules,
    [
      ['Outcome', ({ outcome }) => outcome],
      ['Rule', ({ id }) => id, 'code'],
      ['Title', ({ title }) => title],
      ['Why', ({ help }) => help],
    ],
    { sortable: true },
  )}</details>`;
}
