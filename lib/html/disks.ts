// Each disk to scale: its partitions, the gaps between them, and what lies on what.
import type { InspectionReport } from '../guests/report';
import type { VolumeNode } from '../guests/volume-tree';
import type { ImageReport } from '../host/image-types';
import { humanSize } from '../text/size';
import { decimal, html, type Markup, nothing } from './markup';
import { table } from './tables';
import { nodesOf } from './volumes';

/** A part of a disk, in shares of its size. */
interface Span {
  readonly at: number;
  readonly share: number;
}

interface Box extends Span {
  readonly row: number;
  readonly name: string;
  readonly about: string;
  readonly look: string;
}

const rowHeight = 44;
const deepest = 6;
/** Gaps that are smaller than this share of a disk are not drawn: partitions begin at a mebibyte. */
const smallestGap = 0.002;
/** Boxes of a disk: a table may have thousands of partitions. */
const mostBoxes = 600;

export function renderDisks(report: InspectionReport): Markup {
  const nodes = nodesOf(report);
  return html`<h3>Disks</h3>
${report.images.map((image) => renderDisk(report, image, nodes))}
${table('Partitions', report.partitions, [
  ['Device', ({ device }) => device, 'code'],
  ['Table', ({ type }) => type],
  ['Start', ({ start }) => humanSize(start), 'number'],
  ['Size', ({ size }) => humanSize(size), 'number'],
  ['Boot', ({ bootable }) => bootable && 'yes'],
  ['Content', ({ content }) => content],
  [
    'Type',
    ({ gptType, mbrId }) => gptType ?? (mbrId === null ? null : `0x${mbrId.toString(16).padStart(2, '0')}`),
    'code',
  ],
  ['Name', ({ label }) => label],
])}
<h3>What lies on what</h3>
${tree(nodes)}`;
}

function renderDisk(report: InspectionReport, image: ImageReport, nodes: readonly VolumeNode[]): Markup {
  const { device, path, format, virtualSize, actualSize, backingChain, partitionTable, blocksize } = image;
  const boxes = boxesOf(report, image, nodes).slice(0, mostBoxes);
  const rows = Math.max(...boxes.map(({ row }) => row), 0) + 1;
  const label = `${device}, ${humanSize(virtualSize)}: ${boxes
    .filter(({ row }) => row === 0)
    .map(({ name, about }) => `${name} ${about}`)
    .join('; ')}`;
  return html`<p><strong class="code">${device}</strong> ${path} <span class="dim">${format}, ${humanSize(virtualSize)}${
    actualSize !== null && `, ${humanSize(actualSize)} allocated`
  }, ${partitionTable ?? 'no partition table'}${blocksize !== 512 && `, sectors of ${blocksize} bytes`}</span></p>
${backingChain.map(({ path, format }) => html`<p class="dim">backed by ${path} (${format ?? 'unknown'})</p>`)}
<svg role="img" aria-label="${label}" height="${rows * rowHeight}">${boxes.map(renderBox)}</svg>
`;
}

function renderBox({ at, share, row, name, about, look }: Box): Markup {
  const [x, width] = [decimal(at * 100), decimal(share * 100)];
  // An image in the image: it cuts off what finds no room.
  const text =
    share < 0.03
      ? nothing
      : html`<text x="6" y="18">${name}</text><text x="6" y="35" class="small">${about}</text>`;
  return html`<svg x="${x}%" y="${row * rowHeight}" width="${width}%" height="${rowHeight}"><title>${name}: ${about}</title><rect width="100%" height="${rowHeight - 1}" class="${look}"/>${text}</svg>`;
}

function boxesOf(
  { partitions }: InspectionReport,
  { device, virtualSize }: ImageReport,
  nodes: readonly VolumeNode[],
): Box[] {
  const node = nodes.find(({ name }) => name === device);
  if (!node || !(virtualSize > 0)) return [];
  const below = new Map(node.children.map((each) => [each.name, each]));
  const placed = partitions
    .filter((each) => below.has(each.device))
    .map(({ device, start, size }) => ({
      node: below.get(device) as VolumeNode,
      at: start / virtualSize,
      share: size / virtualSize,
    }))
    .map((each) => ({ ...each, ...within(each) }))
    .sort((a, b) => a.at - b.at || b.share - a.share);
  if (placed.length === 0) return stacked(node, { at: 0, share: 1 }, 0);
  const boxes: Box[] = [];
  let end = 0;
  const gap = (until: number) => {
    const share = until - end;
    if (share < smallestGap) return;
    boxes.push({ at: end, share, row: 0, name: 'free', about: humanSize(share * virtualSize), look: 'gap' });
  };
  for (const { node, at, share } of placed) {
    gap(at);
    // A logical partition lies inside an extended one, and is drawn below it.
    boxes.push(...stacked(node, { at, share }, at < end - 1e-9 ? 1 : 0));
    end = Math.max(end, at + share);
  }
  gap(1);
  return boxes;
}

/** What a table claims may lie beyond the end of the disk. */
function within({ at, share }: Span): Span {
  const begin = Math.min(Math.max(at, 0), 1);
  return { at: begin, share: Math.min(Math.max(share, 0), 1 - begin) };
}

/** A volume, and above it what lies on it. */
function stacked(node: VolumeNode, { at, share }: Span, row: number): Box[] {
  const own: Box = { at, share, row, name: node.name, about: aboutOf(node), look: lookOf(node) };
  if (row >= deepest) return [own];
  const sizes = node.children.map(sizeOf);
  const whole = Math.max(
    sizeOf(node),
    sizes.reduce((sum, each) => sum + each, 0),
  );
  let next = at;
  const boxes = node.children.flatMap((child, index) => {
    const part =
      node.children.length === 1 && !isGroup(node)
        ? share
        : whole > 0
          ? (share * (sizes[index] ?? 0)) / whole
          : 0;
    const begin = next;
    next += part;
    return stacked(child, { at: begin, share: part }, row + 1);
  });
  return [own, ...boxes];
}

function sizeOf({ volumes }: VolumeNode): number {
  return Math.max(...volumes.map(({ size }) => Number(size ?? 0)), 0);
}

function isGroup({ volumes }: VolumeNode): boolean {
  return volumes.some(({ kind }) => kind === 'vg');
}

const kinds = {
  ...{ device: 'disk', partition: 'partition', encrypted: 'encrypted', filesystem: '' },
  ...{ pv: 'physical volume', vg: 'volume group', lv: 'logical volume' },
} as const;

function aboutOf(node: VolumeNode): string {
  const layers = node.volumes.map(({ kind, type, label }) =>
    [kinds[kind], type, label && `“${label}”`].filter(Boolean).join(' '),
  );
  const size = sizeOf(node);
  return [...layers, size > 0 ? humanSize(size) : ''].filter(Boolean).join(', ');
}

function lookOf({ name, volumes }: VolumeNode): string {
  const has = (kind: string) => volumes.some((each) => each.kind === kind);
  if (has('encrypted')) return 'luks';
  if (has('pv') || has('vg')) return 'lvm';
  if (name.startsWith('/dev/md')) return 'raid';
  const filesystem = volumes.find(({ kind }) => kind === 'filesystem');
  if (filesystem) return filesystem.type === 'swap' ? 'swap' : filesystem.type === 'unknown' ? 'plain' : 'fs';
  return has('lv') ? 'lvm' : 'plain';
}

/** Volumes that the tree shows: a btrfs may have any number of subvolumes. */
const mostVolumes = 1000;

function tree(nodes: readonly VolumeNode[]): Markup {
  let left = mostVolumes;
  const list = (children: readonly VolumeNode[]): Markup =>
    children.length === 0 ? nothing : html`<ul>${children.map(item)}</ul>`;
  const item = (node: VolumeNode): Markup => {
    if (left-- <= 0) return nothing;
    const about = node.again ? 'see above' : aboutOf(node);
    return html`<li><span class="code">${node.name}</span> <span class="dim">${about}</span>${list(node.children)}</li>
`;
  };
  const items = nodes.map(item);
  const rest = left < 0 && html`<p>${-left} more are not shown, so that the page stays small.</p>`;
  return html`<ul class="tree">${items}</ul>${rest}`;
}
