// One page for the report of a guest, or for many.
import type { FilesystemReport, InspectionReport } from '../guests/report';
import { compactDuration } from '../progress/duration';
import { humanSize, percentOf } from '../text/size';
import { renderDisks } from './disks';
import { type Content, decimal, html, type Markup, nothing } from './markup';
import { page } from './page';
import { renderProblems } from './problems';
import { nameOf, packageBudget, renderSystem } from './systems';
import { table } from './tables';
import { renderUsage } from './treemap';
import type { UninspectedImage } from './types';

interface Place {
  /** Bytes for the packages of each system. */
  readonly budget: number;
  /** Whether the page is about this guest only. */
  readonly alone: boolean;
}

type Guest = InspectionReport | UninspectedImage;

export function renderReports(guests: readonly Guest[], title?: string): string {
  const budget =
    packageBudget /
    Math.max(guests.flatMap((each) => (isReport(each) ? each.operatingSystems : [])).length, 1);
  const [first] = guests;
  const heading = title ?? (guests.length === 1 && first ? titleOf(first) : `${guests.length} disk images`);
  return page(heading, [
    guests.length > 1 && renderIndex(guests),
    guests.map((guest, index) => renderGuest(guest, index, { budget, alone: guests.length === 1 })),
  ]);
}

function isReport(guest: Guest): guest is InspectionReport {
  return 'images' in guest;
}

function titleOf(guest: Guest): string {
  return isReport(guest) ? guest.images.map(({ path }) => path).join(', ') : guest.path;
}

/** All guests side by side. */
function renderIndex(guests: readonly Guest[]): Markup {
  const rows = guests.map((guest, index) => ({ guest, index, report: isReport(guest) ? guest : undefined }));
  type Row = (typeof rows)[number];
  const of =
    (cell: (report: InspectionReport) => Content) =>
    ({ report }: Row) =>
      report && cell(report);
  const sum = (numbers: readonly (number | null)[]) =>
    numbers.reduce<number>((total, each) => total + (each ?? 0), 0);
  return html`<section aria-label="All images">${table('Images', rows, [
    ['Image', ({ guest, index }) => html`<a href="#image-${index + 1}">${titleOf(guest)}</a>`],
    [
      'Operating system',
      ({ report, guest }) => (report ? systemsOf(report) : renderError(guest as UninspectedImage)),
    ],
    [
      'Architecture',
      of(({ operatingSystems }) =>
        operatingSystems
          .map(({ arch }) => arch)
          .filter(Boolean)
          .join(', '),
      ),
    ],
    ['Disks', of(({ images }) => humanSize(sum(images.map(({ virtualSize }) => virtualSize)))), 'number'],
    ['Used', of(({ filesystems }) => humanSize(sum(wholes(filesystems).map(({ used }) => used)))), 'number'],
    [
      'Packages',
      of(
        ({ operatingSystems }) =>
          sum(operatingSystems.map(({ applications }) => applications?.length ?? null)) || '',
      ),
      'number',
    ],
    ['Problems', of(({ problems }) => problems.length || ''), 'number'],
    ['Launch', of(({ times }) => times && compactDuration(times.launch, 1)), 'number'],
    ['Whole', of(({ times }) => times && compactDuration(times.total, 1)), 'number'],
  ])}</section>
`;
}

/** Subvolumes share the space of the filesystem in which they are. */
function wholes(filesystems: readonly FilesystemReport[]): FilesystemReport[] {
  return filesystems.filter(({ device }) => !device.startsWith('btrfsvol:'));
}

function systemsOf({ operatingSystems }: InspectionReport): string {
  return operatingSystems.map(nameOf).join(', ') || 'none found';
}

function renderError({ error }: UninspectedImage): Markup {
  return html`<span class="bad">${error.message.replace(/\s+/g, ' ')}</span>${error.code && html` <span class="dim">${error.code}</span>`}`;
}

function renderGuest(guest: Guest, index: number, { budget, alone }: Place): Markup {
  const heading = html`<h2>${alone ? 'Report' : titleOf(guest)}</h2>`;
  if (!isReport(guest)) {
    return html`<section id="image-${index + 1}">${heading}<div class="problem"><p>${renderError(guest)}</p></div></section>
`;
  }
  const { operatingSystems, times, usage = [] } = guest;
  return html`<section id="image-${index + 1}">${heading}
${times && html`<p class="dim">The appliance was up after ${compactDuration(times.launch, 1)}, and all was known after ${compactDuration(times.total, 1)}.</p>`}
${renderProblems(guest)}
${operatingSystems.length === 0 ? html`<p>No operating system was found.</p>` : operatingSystems.map((each) => renderSystem(each, budget))}
${renderFilesystems(guest)}
${usage.map(renderUsage)}
${renderDisks(guest)}
</section>
`;
}

function renderFilesystems({ filesystems, encrypted }: InspectionReport): Markup {
  const isos = filesystems.flatMap(({ device, iso }) => (iso ? [{ device, iso }] : []));
  return html`${filesystems.length > 0 ? html`<h3>Filesystems</h3>` : nothing}
${table('Filesystems', filesystems, [
  ['Device', ({ device }) => device, 'code'],
  ['Type', ({ type }) => type],
  ['Label', ({ label }) => label],
  ['Size', ({ size }) => size !== null && humanSize(size), 'number'],
  ['Used', ({ used }) => used !== null && humanSize(used), 'number'],
  ['Use', renderShare, 'number'],
  ['UUID', ({ uuid }) => uuid, 'code'],
])}
${table('ISO 9660', isos, [
  ['Device', ({ device }) => device, 'code'],
  ['Volume', ({ iso }) => iso.volumeId],
  ['System', ({ iso }) => iso.systemId],
  ['Created', ({ iso }) => iso.created],
  ['Publisher', ({ iso }) => iso.publisherId],
  ['Application', ({ iso }) => iso.applicationId],
])}
${table('Encrypted volumes', encrypted, [
  ['Device', ({ device }) => device, 'code'],
  ['Type', ({ type }) => type],
  ['Opened as', ({ mapping }) => mapping ?? 'not opened', 'code'],
  ['UUID', ({ uuid }) => uuid, 'code'],
])}`;
}

/** A share, and a bar that shows the same. */
function renderShare({ used, size }: FilesystemReport): Content {
  if (used === null || !size) return null;
  const share = Math.min(Math.max(used / size, 0), 1) * 100;
  return html`${percentOf(used, size)}<svg class="meter" aria-hidden="true"><rect width="100%" height="100%" class="plain"/><rect width="${decimal(share)}%" height="100%" class="used"/></svg>`;
}
