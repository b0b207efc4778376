import type { ApplicationReport, OperatingSystemReport } from '../guests/report';
import { bytesOf, html, Markup, nothing } from './markup';
import { table } from './tables';

/** Bytes of a page that lists of packages may take, all images together. */
export const packageBudget = 650_000;
const largestIcon = 100_000;

export function renderSystem(system: OperatingSystemReport, budget: number): Markup {
  const { version, versionText, windows, mountpoints, driveMappings } = system;
  const facts: readonly (readonly [name: string, value: string | null])[] = [
    ['Type', system.type],
    [
      'Distribution',
      [system.distro, versionText ?? (version && `${version.major}.${version.minor}`)]
        .filter(Boolean)
        .join(' ') || null,
    ],
    ['Variant', system.productVariant],
    ['Architecture', system.arch],
    ['Host name', system.hostname],
    ['osinfo', system.osinfo],
    ['Build', system.buildId ?? windows?.currentBuild ?? null],
    ['Release', windows?.displayVersion ?? null],
    ['Packages', packagesOf(system)],
    ['System root', windows?.systemroot ?? null],
  ];
  const places = [
    ...mountpoints,
    ...driveMappings.map(({ drive, device }) => ({ path: `${drive}:`, device })),
  ];
  return html`<h3>Operating system on <span class="code">${system.root}</span></h3>
<div class="system">${renderIcon(system)}<div><p><strong>${nameOf(system)}</strong></p>
<dl>${facts.filter(([, value]) => value !== null).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div></div>
${table('Mounted', places, [
  ['Mounted on', ({ path }) => path, 'code'],
  ['Device', ({ device }) => device, 'code'],
])}
${renderPackages(system.applications ?? [], budget)}`;
}

export function nameOf({ productName, distro, type, root }: OperatingSystemReport): string {
  return productName ?? distro ?? type ?? root;
}

function packagesOf({ packageFormat, packageManager, applications }: OperatingSystemReport): string | null {
  const format = packageFormat && `${packageFormat}${packageManager ? ` (${packageManager})` : ''}`;
  return [format, applications && `${applications.length} installed`].filter(Boolean).join(', ') || null;
}

/** The guest's own icon, if it is what it should be, or else a letter. */
function renderIcon(system: OperatingSystemReport): Markup {
  const { icon } = system;
  if (icon && icon.length < largestIcon && /^iVBORw0KGgo[A-Za-z0-9+/]+={0,2}$/.test(icon)) {
    return html`<img alt="" width="48" height="48" src="data:image/png;base64,${new Markup(icon)}">`;
  }
  const [letter = '?'] = nameOf(system).toUpperCase();
  return html`<svg viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" rx="8" class="fs"/><text x="24" y="32" text-anchor="middle">${letter}</text></svg>`;
}

function renderPackages(applications: readonly ApplicationReport[], budget: number): Markup {
  if (applications.length === 0) return nothing;
  let left = budget;
  const shown: ApplicationReport[] = [];
  for (const each of applications) {
    const { displayName, name, arch, publisher, summary } = each;
    const texts = [displayName ?? name, versionOf(each), arch, shortened(publisher), shortened(summary)];
    left -= texts.reduce((sum, text) => sum + bytesOf(text ?? '') + 20, 20);
    if (left < 0) break;
    shown.push(each);
  }
  const rest = applications.length - shown.length;
  return html`<details><summary>Packages (${applications.length})</summary>
${table(
  'Packages',
  shown,
  [
    ['Name', ({ name, displayName }) => displayName ?? name],
    ['Version', versionOf, 'code'],
    ['Architecture', ({ arch }) => arch],
    ['Maker', ({ publisher }) => shortened(publisher)],
    ['Summary', ({ summary }) => shortened(summary)],
  ],
  { sortable: true },
)}
${rest > 0 && html`<p>${rest} more are not shown, so that the page stays small.</p>`}</details>`;
}

function versionOf({ epoch, version, release }: ApplicationReport): string {
  return `${epoch > 0 ? `${epoch}:` : ''}${version ?? ''}${release ? `-${release}` : ''}`;
}

function shortened(text: string | null): string {
  return text && text.length > 80 ? `${text.slice(0, 79)}…` : (text ?? '');
}
