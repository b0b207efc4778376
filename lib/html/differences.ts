// What has changed from one guest to another, as a page.
import { bytesOf, html } from './markup';
import { page } from './page';
import { table } from './tables';

/** A difference, in words. */
export interface ToldDifference {
  readonly change: 'added' | 'removed' | 'changed';
  readonly path: string;
  /** What of it has changed; empty unless it was there before and after. */
  readonly changes: string;
  /** Size before and after, bytes. */
  readonly before: bigint | undefined;
  readonly after: bigint | undefined;
}

export interface ComparedGuests {
  readonly before: string;
  readonly after: string;
  readonly differences: readonly ToldDifference[];
  readonly counts: Readonly<Record<ToldDifference['change'], number>>;
  /** What could not be compared. */
  readonly failures: readonly string[];
}

const signs = { added: '+', removed: '−', changed: '~' } as const;

/** Bytes of the page that differences may take. */
const budget = 800_000;

/** Collects differences as long as there is room for them on a page, and counts all. */
export class DifferenceList {
  readonly differences: ToldDifference[] = [];
  readonly counts = { added: 0, removed: 0, changed: 0 };
  #left = budget;

  add(difference: ToldDifference): void {
    this.counts[difference.change]++;
    this.#left -= 160 + bytesOf(difference.path) + bytesOf(difference.changes);
    if (this.#left > 0) this.differences.push(difference);
  }
}

export function renderDifferences({ before, after, differences, counts, failures }: ComparedGuests): string {
  const total = counts.added + counts.removed + counts.changed;
  const rest = total - differences.length;
  return page(
    'Differences',
    html`<section><dl><dt>Before</dt><dd>${before}</dd><dt>After</dt><dd>${after}</dd></dl>
${total === 0 && failures.length === 0 && html`<p>There are no differences.</p>`}
<p><strong class="added">${counts.added} added</strong>, <strong class="removed">${counts.removed} removed</strong>, <strong class="changed">${counts.changed} changed</strong></p>
${failures.map((each) => html`<div class="problem"><p>${each}</p></div>`)}
${table(
  'Differences',
  differences,
  [
    ['Change', ({ change }) => html`<span class="${change}">${signs[change]}\u00a0${change}</span>`],
    ['Path', ({ path }) => path, 'code'],
    ['Size before', ({ before }) => before !== undefined && String(before), 'number'],
    ['Size after', ({ after }) => after !== undefined && String(after), 'number'],
    ['What', ({ changes }) => changes, 'changes'],
  ],
  { sortable: true },
)}
${rest > 0 && html`<p>${rest} more are not shown, so that the page stays small.</p>`}</section>
`,
  );
}
