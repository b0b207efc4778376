// Where the space goes: a treemap, and the same as a table.
import type { UsageNode, UsageReport } from '../guests/report';
import { humanSize, percentOf } from '../text/size';
import { decimal, html, type Markup, nothing } from './markup';
import { table } from './tables';

const width = 1000;
const height = 560;
const heading = 20;
/** Rows of the table. */
const mostRows = 60;
/** Nodes that are drawn. */
const mostNodes = 500;

/** Node of the picture: a folder, or what lies in it and in no folder that is told apart. */
interface Drawn {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly colour: number;
  readonly children?: Drawn[];
}

export function renderUsage({ device, tree }: UsageReport): Markup {
  if (!(tree.bytes > 0)) return nothing;
  // Loaded here: only this page draws one. Version 2 is no ES module, which Node.js before 20.19 cannot require.
  const { hierarchy, treemap } = require('d3-hierarchy') as typeof import('d3-hierarchy');
  const root = hierarchy(drawn(tree, '', -1)).sum((node) => (node.children ? 0 : node.bytes));
  const laid = treemap<Drawn>().size([width, height]).paddingTop(heading).paddingInner(1).round(true)(root);
  const boxes = laid.descendants().filter(({ x0, x1, y0, y1 }) => x1 - x0 >= 2 && y1 - y0 >= 2);
  return html`<h3>Where the space of <span class="code">${device}</span> goes</h3>
<p class="dim">${humanSize(tree.bytes)} in ${tree.files} files. Folders that are too small to be seen are part of those in which they lie.</p>
<svg role="img" aria-label="Treemap of the largest folders; the table below has the same" viewBox="0 0 ${width} ${height}">${boxes
    .slice(0, mostNodes)
    .map(({ data, x0, x1, y0, y1 }) => renderBox(data, x0, y0, x1 - x0, y1 - y0))}</svg>
<details><summary>As a table</summary>${renderTable(tree)}</details>
`;
}

function renderBox({ name, path, bytes, colour }: Drawn, x: number, y: number, w: number, h: number): Markup {
  const text =
    w < 36 || h < 14 ? nothing : html`<text x="4" y="14">${name}${w > 150 && ` ${humanSize(bytes)}`}</text>`;
  return html`<svg x="${decimal(x)}" y="${decimal(y)}" width="${decimal(w)}" height="${decimal(h)}"><title>${path} ${humanSize(bytes)}</title><rect width="100%" height="100%" class="t${colour}"/>${text}</svg>
`;
}

function drawn({ name, bytes, children }: UsageNode, above: string, top: number): Drawn {
  const path = above === '' ? '/' : `${above === '/' ? '' : above}/${name}`;
  const colour = (top + 8) % 8;
  if (children.length === 0) return { name, path, bytes, colour };
  const rest = bytes - children.reduce((sum, each) => sum + each.bytes, 0);
  const nodes = children.map((each, index) => drawn(each, path, top < 0 ? index : top));
  const others = rest > 0 ? [{ name: '', path: `${path}, the rest`, bytes: rest, colour }] : [];
  return { name, path, bytes, colour, children: [...nodes, ...others] };
}

function renderTable(tree: UsageNode): Markup {
  const rows: { path: string; node: UsageNode }[] = [];
  const visit = (node: UsageNode, path: string) => {
    rows.push({ path: path || '/', node });
    for (const child of node.children) visit(child, `${path}/${child.name}`);
  };
  visit(tree, '');
  rows.sort((a, b) => b.node.bytes - a.node.bytes);
  return table('Largest folders', rows.slice(0, mostRows), [
    ['Folder', ({ path }) => path, 'code'],
    ['Size', ({ node }) => humanSize(node.bytes), 'number'],
    ['Share', ({ node }) => percentOf(node.bytes, tree.bytes), 'number'],
    ['Files', ({ node }) => node.files, 'number'],
  ]);
}
