import { isHarmless } from '../guests/problems';
import type { ImageReport, InspectionProblem, InspectionReport, OperatingSystemReport } from '../inspect';
import { printable } from '../text/printable';
import { humanSize, percentOf } from '../text/size';
import { type Column, renderTable } from '../text/table';

/** A report for people, to be shown in `width` columns. Nothing in it can play with a terminal. */
export function renderReport(report: InspectionReport, width: number): string {
  const shown = cleaned(report);
  const { images, operatingSystems, partitions, filesystems, encrypted, problems } = shown;
  const systems = operatingSystems.map((system) => renderSystem(system, width));
  const sections = [
    images.map(renderImage).join(''),
    ...(systems.length > 0 ? systems : [renderNoSystem(shown)]),
    section('Partitions', width, partitions, [
      ['DEVICE', ({ device }) => device],
      ['TABLE', ({ type }) => type],
      ['START', ({ start }) => humanSize(start), 'right'],
      ['SIZE', ({ size }) => humanSize(size), 'right'],
      ['BOOT', ({ bootable }) => (bootable ? 'yes' : null)],
      ['CONTENT', ({ content }) => content],
      ['TYPE', ({ mbrId, gptType }) => gptType ?? hex(mbrId)],
      ['NAME', ({ label }) => label],
    ]),
    section('Filesystems', width, filesystems, [
      ['DEVICE', ({ device }) => device],
      ['TYPE', ({ type }) => type],
      ['LABEL', ({ label }) => label],
      ['SIZE', ({ size }) => human(size), 'right'],
      ['USED', ({ used }) => human(used), 'right'],
      ['FREE', ({ free }) => human(free), 'right'],
      ['USE%', ({ size, used }) => (used === null || size === null ? '-' : percentOf(used, size)), 'right'],
      ['UUID', ({ uuid }) => uuid],
    ]),
    section(
      'ISO 9660',
      width,
      filesystems.flatMap(({ device, iso }) => (iso ? [{ device, ...iso }] : [])),
      [
        ['DEVICE', ({ device }) => device],
        ['VOLUME', ({ volumeId }) => volumeId],
        ['SYSTEM', ({ systemId }) => systemId],
        ['CREATED', ({ created }) => created],
        ['PUBLISHER', ({ publisherId }) => publisherId],
        ['PREPARED BY', ({ dataPreparerId }) => dataPreparerId],
        ['APPLICATION', ({ applicationId }) => applicationId],
      ],
    ),
    section('Encrypted volumes', width, encrypted, [
      ['DEVICE', ({ device }) => device],
      ['TYPE', ({ type }) => type],
      ['OPENED AS', ({ mapping }) => mapping ?? 'not opened'],
      ['UUID', ({ uuid }) => uuid],
    ]),
    problems.length > 0 ? `Problems\n${problems.map(renderProblem).join('')}` : '',
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function cleaned(report: InspectionReport): InspectionReport {
  return JSON.parse(JSON.stringify(report), (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  );
}

function renderImage({
  path,
  device,
  format,
  virtualSize,
  blocksize,
  actualSize,
  backingChain,
}: ImageReport): string {
  const allocated = actualSize === null ? 'allocation unknown' : `${humanSize(actualSize)} allocated`;
  const backing = backingChain.map((file) => `  backed by ${file.path} (${file.format ?? 'unknown'})\n`);
  const sectors = blocksize === 512 ? '' : ` in sectors of ${blocksize} bytes`;
  const size = `${humanSize(virtualSize)}${sectors}`;
  return `${path}: ${format}, ${size}, ${allocated}, as ${device}\n${backing.join('')}`;
}

function renderSystem(system: OperatingSystemReport, width: number): string {
  const { version, versionText, packageFormat, packageManager, applications, windows } = system;
  const number = versionText ?? (version && `${version.major}.${version.minor}`);
  const packages = [
    packageFormat && `${packageFormat}${packageManager ? ` (${packageManager})` : ''}`,
    applications && `${applications.length} installed`,
  ];
  const facts: [name: string, value: string | null][] = [
    ['Product', joined(system.productName, system.productVariant)],
    ['Type', system.type],
    ['Distribution', joined(system.distro, number)],
    ['Architecture', system.arch],
    ['Host name', system.hostname],
    ['osinfo', system.osinfo],
    ['Build', system.buildId ?? windows?.currentBuild ?? null],
    ['Release', windows?.displayVersion ?? null],
    ['Packages', packages.filter(Boolean).join(', ') || null],
    ['System root', windows?.systemroot ?? null],
  ];
  const places = [
    ...system.mountpoints,
    ...system.driveMappings.map(({ drive, device }) => ({ path: `${drive}:`, device })),
  ];
  const lines = facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(14)}${value}\n`);
  const mounted = section('', width, places, [
    ['MOUNTED ON', ({ path }) => path],
    ['DEVICE', ({ device }) => device],
  ]);
  return `Operating system on ${system.root}\n${lines.join('')}${mounted && `\n${mounted}`}`;
}

function renderProblem({ code, operation, device, message }: InspectionProblem): string {
  const about = device === null ? '' : `${device}: `;
  return `  ${about}${message.replace(/ +/g, ' ')} (${code}, ${operation})\n`;
}

/** Whether something was not found out, or may be wrong; what is encrypted counts where nothing else tells of a system. */
export function isIncomplete(report: InspectionReport): boolean {
  const { problems, operatingSystems } = report;
  const hidesSystem = operatingSystems.length === 0 && closedIn(report).length > 0;
  return hidesSystem || problems.some(({ code }) => !isHarmless(code));
}

/** Whether the appliance crashed, or the search for operating systems failed. */
function hasNotSearched({ problems }: InspectionReport): boolean {
  return problems.some(
    ({ code, operation }) => code === 'ERR_GUESTFS_TERMINATED' || operation === 'inspectOs',
  );
}

function closedIn({ encrypted }: InspectionReport): string[] {
  return encrypted.filter(({ opened }) => !opened).map(({ device }) => device);
}

/** What there is to say where no operating system is reported: "none" only where all has been looked at. */
function renderNoSystem(report: InspectionReport): string {
  if (hasNotSearched(report)) return '';
  const closed = closedIn(report);
  if (closed.length > 0) {
    return `No operating system found; what is on ${closed.join(', ')} is encrypted, and takes a --key.\n`;
  }
  const rest = isIncomplete(report) ? 'Not everything could be looked at: see the problems.\n' : '';
  return `No operating system found.\n${rest}`;
}

type Field<T> = readonly [heading: string, cell: (item: T) => string | null, align?: Column['align']];

function section<T>(title: string, width: number, items: readonly T[], fields: readonly Field<T>[]): string {
  if (items.length === 0) return '';
  const rows = items.map((item) => fields.map(([, cell]) => cell(item) ?? ''));
  // A column in which nothing stands would only take room.
  const used = fields.map((_, index) => rows.some((row) => row[index] !== ''));
  const keep = <C>(cells: readonly C[]) => cells.filter((_, index) => used[index]);
  const columns = keep(fields).map(([heading, , align = 'left']) => ({ heading, align }));
  return `${title && `${title}\n`}${renderTable(columns, rows.map(keep), width)}`;
}

function joined(...parts: (string | null)[]): string | null {
  return parts.filter(Boolean).join(' ') || null;
}

function human(bytes: number | null): string {
  return bytes === null ? '-' : humanSize(bytes);
}

function hex(byte: number | null): string | null {
  return byte === null ? null : `0x${byte.toString(16).padStart(2, '0')}`;
}
