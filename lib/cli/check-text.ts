// What `guestfs check` tells people.
import type { CheckFinding, CheckReport, CheckSeverity, RuleReport } from '../check';
import { printable } from '../text/printable';
import type { Piece, Results, Style } from './results';

const styles: Readonly<Record<CheckSeverity, Style>> = { error: 'red', warning: 'yellow', note: 'cyan' };

/** Prints the findings of each image, by rules; undefined stands for an image that could not be looked at. */
export async function printFindings(
  results: Pick<Results, 'line'>,
  images: readonly string[],
  reports: readonly (CheckReport | undefined)[],
): Promise<void> {
  for (const [index, report] of reports.entries()) {
    if (!report) continue;
    if (index > 0) await results.line();
    await printReport(results, images[index] ?? '', report);
  }
}

async function printReport(
  results: Pick<Results, 'line'>,
  image: string,
  report: CheckReport,
): Promise<void> {
  const { trees, rules, findings } = report;
  const seen = trees.map(
    ({ name, device, kind }) => `${kind === 'data' ? 'data' : (name ?? kind)} on ${device}`,
  );
  await results.line(
    [printable(image), 'bold'],
    `: ${printable(seen.join(', ') || 'nothing that could be mounted')}`,
  );
  for (const rule of rules) {
    const own = findings.filter((each) => each.rule === rule.id);
    if (own.length > 0) await printRule(results, rule, own);
  }
  await results.line();
  await results.line(summary(report));
}

async function printRule(
  results: Pick<Results, 'line'>,
  { id, title }: RuleReport,
  findings: readonly CheckFinding[],
): Promise<void> {
  await results.line();
  await results.line([title, 'bold'], ` (${id})`);
  for (const finding of findings) await results.line(...findingLine(finding));
  for (const advice of new Set(findings.map((each) => each.advice)))
    await results.line(`  → ${printable(advice)}`);
}

/** `  error  /etc/shadow:3: the account games has an empty password` */
function findingLine({ severity, path, line, device, seen }: CheckFinding): Piece[] {
  const place = path === null ? device : `${printable(path)}${line === null ? '' : `:${line}`}`;
  return [
    '  ',
    [severity.padEnd(7), styles[severity]],
    ` ${place === null ? '' : `${place}: `}${printable(seen)}`,
  ];
}

function summary({ rules, findings, complete }: CheckReport): string {
  const counts = (['error', 'warning', 'note'] as const).map((severity) => {
    const count = findings.filter((each) => each.severity === severity).length;
    return `${count} ${count === 1 ? severity : `${severity}s`}`;
  });
  const of = (outcome: RuleReport['outcome']) => rules.filter((each) => each.outcome === outcome).length;
  const skipped = of('skipped');
  const rest = complete ? '' : '. Not everything could be looked at: see stderr';
  return `${counts.join(', ')}; of ${rules.length} rules ${of('passed')} passed, ${of('found')} found something, ${of('failed')} could not be evaluated, ${skipped} ${skipped === 1 ? 'does' : 'do'} not apply${rest}.`;
}
