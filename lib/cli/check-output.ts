// What `guestfs check` writes of the images that it was given, whether they could be looked at or not.
import { writeFile } from 'node:fs/promises';
import type { CheckReport } from '../check';
import { bytesOf } from '../text/bytes';
import { toJson } from '../text/json';
import { printFindings } from './check-text';
import type { Failure } from './failures';
import { type Piece, Results } from './results';

export const kinds = ['text', 'json', 'sarif', 'junit'] as const;
export type Kind = (typeof kinds)[number];

export interface Wanted {
  readonly images: readonly string[];
  readonly kind: Kind;
  /** File in the place of stdout. */
  readonly output: string | undefined;
}

/** What came of an image. */
export type Outcome =
  | { readonly report: CheckReport; readonly failure?: undefined }
  | { readonly report?: undefined; readonly failure: Failure };

export async function writeOutcomes(
  outcomes: readonly Outcome[],
  { images, kind, output }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'text' && output === undefined)
    return await printFindings(
      new Results({ signal }),
      images,
      outcomes.map(({ report }) => report),
    );
  const text = await textOf(kind, images, outcomes);
  if (output === undefined) process.stdout.write(text);
  else await writeFile(bytesOf(output), text);
}

async function textOf(kind: Kind, images: readonly string[], outcomes: readonly Outcome[]): Promise<string> {
  if (kind === 'json') {
    const all = outcomes.map(
      ({ report, failure }, index) => report ?? { path: images[index], error: failure },
    );
    return `${toJson(all.length === 1 ? all[0] : all, 2)}\n`;
  }
  if (kind === 'text') {
    const parts: string[] = [];
    await printFindings(
      { line: async (...pieces) => void parts.push(plain(pieces)) },
      images,
      outcomes.map(({ report }) => report),
    );
    return parts.join('');
  }
  const reports = reportsOf(images, outcomes);
  const { renderJunit, renderSarif } = require('../check') as typeof import('../check');
  return kind === 'junit' ? renderJunit(reports) : `${toJson(renderSarif(reports), 2)}\n`;
}

export async function writePage(
  file: string,
  images: readonly string[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const { renderCheckHtml } = require('../check') as typeof import('../check');
  await writeFile(bytesOf(file), renderCheckHtml(reportsOf(images, outcomes)));
}

function reportsOf(images: readonly string[], outcomes: readonly Outcome[]): CheckReport[] {
  return outcomes.map(({ report, failure }, index) => report ?? unreadable(images[index] ?? '', failure));
}

const plain = (pieces: readonly Piece[]) =>
  `${pieces.map((piece) => (typeof piece === 'string' ? piece : piece[0])).join('')}\n`;

/** An image that could not be looked at, for formats that know nothing else. */
function unreadable(image: string, { code, operation, message }: Failure): CheckReport {
  const problem = { rule: null, code, operation, device: null, path: null, message };
  return {
    version: 1,
    images: [image],
    trees: [],
    rules: [],
    findings: [],
    problems: [problem],
    complete: false,
  };
}
