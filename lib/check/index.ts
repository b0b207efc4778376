import type { Inspectable } from '../guests/images';
import { isArray } from '../options/read';
import type { CheckOptions } from './options';
import type { CheckReport } from './report';
import type { Rule } from './rule';

export type {
  Expectations,
  ExpectedFile,
  ExpectedGroup,
  ExpectedSystem,
  ExpectedUser,
} from './expect/expectations';
export type { CheckOptions, IgnoredFindings } from './options';
export type { CheckedTree, CheckFinding, CheckProblem, CheckReport, RuleReport } from './report';
export type {
  CheckedGuest,
  CheckSeverity,
  FileFacts,
  GuestRule,
  Rule,
  RuleFacts,
  Sighting,
  Tree,
  TreeKind,
  TreeRule,
} from './rule';

/**
 * Looks for what should not be in disk images that are published or trusted: keys, tokens and passwords, what makes
 * machines mistaken for one another, what was left behind, wrong permissions, and what keeps a system from booting. With
 * `expect`, also whether a guest contains what it should, without booting it. The images are opened read-only.
 *
 * ```ts
 * const { findings, complete } = await check('disk.qcow2');
 * for (const { severity, rule, path, seen } of findings) console.log(severity, rule, path, seen);
 * ```
 *
 * No finding means that there is nothing to be found only where the report is `complete`. Secrets themselves are in no
 * report.
 *
 * @param images - the disk of the guest, or all its disks in their order
 * @throws what {@link inspect} throws; TypeError for bad options, rules and expectations
 */
export function check(images: Inspectable, options?: CheckOptions): Promise<CheckReport> {
  const implementation: typeof import('./check') = require('./check');
  return implementation.check(images, options);
}

/** The rules that {@link check} always has, in the order in which they are told. */
export function checkRules(): readonly Rule[] {
  const { ownRules }: typeof import('./rules') = require('./rules');
  return ownRules;
}

/** Writes reports of {@link check} as SARIF 2.1.0, an object for `JSON.stringify()`: code hosts show it. */
export function renderSarif(reports: CheckReport | readonly CheckReport[]): object {
  const implementation: typeof import('./sarif') = require('./sarif');
  return implementation.renderSarif(reports);
}

/** Writes reports of {@link check} as JUnit's XML, a test for each rule: systems that run jobs show it. */
export function renderJunit(reports: CheckReport | readonly CheckReport[]): string {
  const implementation: typeof import('./junit') = require('./junit');
  return implementation.renderJunit(reports);
}

/** Options of {@link renderCheckHtml}. */
export interface RenderCheckHtmlOptions {
  /** Title of the page; default: the paths of the images, or their number. */
  readonly title?: string | undefined;
}

/**
 * Renders reports of {@link check} as a web page of one file, as {@link renderHtml} does those of inspections: it loads
 * nothing, can be read without JavaScript, and no text of a guest is more than text. It stays below 1 MB, and says what it
 * leaves out.
 */
export function renderCheckHtml(
  reports: CheckReport | readonly CheckReport[],
  { title }: RenderCheckHtmlOptions = {},
): string {
  const implementation: typeof import('./html') = require('./html');
  return implementation.renderPage(isArray(reports) ? reports : [reports], title);
}
