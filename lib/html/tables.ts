import { type Content, html, type Markup, nothing } from './markup';

export type Column<T> = readonly [
  heading: string,
  cell: (item: T) => Content,
  kind?: 'number' | 'code' | 'changes',
];

const mostRows = 1000;

/** A table without the columns in which nothing stands. */
export function table<T>(
  caption: string,
  items: readonly T[],
  columns: readonly Column<T>[],
  { sortable = false }: { readonly sortable?: boolean } = {},
): Markup {
  if (items.length === 0) return nothing;
  // Those that can be sorted have a bound of their own.
  const most = sortable ? items.length : mostRows;
  const cells = items.slice(0, most).map((item) => columns.map(([, cell]) => cell(item)));
  const used = columns.map((_, index) => cells.some((row) => !isEmpty(row[index])));
  const shown = columns.map((column, index) => ({ column, index })).filter(({ index }) => used[index]);
  const kindOf = (kind: string | undefined) => (kind ? html` class="${kind}"` : nothing);
  const head = shown.map(
    ({ column: [heading, , kind] }) => html`<th scope="col"${kindOf(kind)}>${heading}</th>`,
  );
  const body = cells.map(
    (
      row,
    ) => html`<tr>${shown.map(({ column: [, , kind], index }) => html`<td${kindOf(kind)}>${row[index]}</td>`)}</tr>
`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table${sortable && html` data-sortable`}>
<caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>
${items.length > most && html`<p>${items.length - most} more are not shown, so that the page stays small.</p>`}`;
}

function isEmpty(cell: Content): boolean {
  return cell === null || cell === undefined || cell === false || cell === '';
}
