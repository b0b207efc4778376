import { invalidType, unknownOption } from '../faults/arguments';
import type { InspectionReport } from '../guests/report';
import { isArray, readSettings } from '../options/read';
import type { UninspectedImage } from './types';

export type { UninspectedImage } from './types';

/** Options of {@link renderHtml}. */
export interface RenderHtmlOptions {
  /** Title of the page; default: the path of the image, or the number of images. */
  readonly title?: string | undefined;
}

/**
 * Renders a report, or several, as a web page of one file: the disks to scale, what lies on what, how full filesystems
 * are, operating systems, packages, problems with what to do; of several images an index of all. It loads nothing, its
 * Content-Security-Policy allows nothing, it can be read without JavaScript, and no text of a guest is more than text.
 *
 * ```ts
 * const report = await inspect('disk.qcow2', { icon: true, volumes: true, usage: true, times: true });
 * await writeFile('report.html', renderHtml(report));
 * ```
 *
 * @param reports - reports of {@link inspect}; `volumes`, `usage`, `times` and `icon` make the page richer
 * @returns the page; it stays below 1 MB, and says what it leaves out
 * @throws TypeError for anything else than reports
 */
export function renderHtml(
  reports: InspectionReport | UninspectedImage | readonly (InspectionReport | UninspectedImage)[],
  options?: RenderHtmlOptions,
): string {
  const { title, ...others } = readSettings('renderHtml', options);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw unknownOption('renderHtml', unknown, ['title']);
  if (title !== undefined && typeof title !== 'string') {
    throw invalidType('renderHtml', 'options.title', 'string', title);
  }
  const list = isArray(reports) ? [...reports] : [reports];
  for (const each of list) checkReport(each);
  // Loaded when it is needed: most programs that import the package never call it.
  const { renderReports } = require('./report') as typeof import('./report');
  return renderReports(list, title);
}

function checkReport(report: unknown): void {
  if (typeof report === 'object' && report !== null) {
    if (
      ['images', 'operatingSystems', 'filesystems', 'partitions'].every((name) =>
        isArray(report[name as keyof typeof report]),
      )
    )
      return;
    const { path, error } = report as Partial<UninspectedImage>;
    if (typeof path === 'string' && typeof error?.message === 'string') return;
  }
  throw invalidType('renderHtml', 'reports', 'InspectionReport', report);
}
