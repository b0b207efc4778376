// What a system calls itself, in its own words and digits: libguestfs makes numbers of them, and names of numbers.
import type { Guestfs } from '../guestfs';
import { parseOsRelease } from './os-release';
import { orNull, type Problems } from './problems';
import type { OperatingSystemReport } from './report';
import { smallFile } from './small-files';

/** Adds to the report what the mounted system says of itself. */
export async function addOwnWords(
  g: Guestfs,
  system: OperatingSystemReport,
  problems: Problems,
): Promise<void> {
  await problems.attempt(system.root, () =>
    system.type === 'windows' ? addRegistry(g, system) : addRelease(g, system),
  );
  if (system.type === 'windows') return;
  system.arch ??= await architecture(g);
  system.hostname ??= await hostname(g);
}

/** Distributions that libguestfs calls by other names than they call themselves. */
const distros: ReadonlyMap<string, string> = new Map([
  ['alpine', 'alpinelinux'],
  ['arch', 'archlinux'],
  ['ol', 'oraclelinux'],
  ['opensuse-leap', 'opensuse'],
  ['opensuse-tumbleweed', 'opensuse'],
]);

/** Formats of packages, of distributions and of all that say they are like them. */
const formats: ReadonlyMap<string, string> = new Map([
  ...['alpine', 'postmarketos'].map((id) => [id, 'apk'] as const),
  ...['debian', 'ubuntu'].map((id) => [id, 'deb'] as const),
  ...['amzn', 'centos', 'fedora', 'mageia', 'ol', 'opensuse', 'rhel', 'suse'].map(
    (id) => [id, 'rpm'] as const,
  ),
  ...([
    ['arch', 'pacman'],
    ['gentoo', 'ebuild'],
    ['void', 'xbps'],
  ] as const),
]);

/** Adds what a system says of its family, where libguestfs does not know the distribution. */
export function addFamily(system: OperatingSystemReport): void {
  const { ID, ID_LIKE = '' } = system.osRelease ?? {};
  if (system.distro !== null || !ID) return;
  system.distro = distros.get(ID) ?? ID;
  system.packageFormat ??= [ID, ...ID_LIKE.split(/\s+/)].map((id) => formats.get(id)).find(Boolean) ?? null;
}

/** Host name as systemd reads it: the first line of hostname(5) that is no comment. */
async function hostname(g: Guestfs): Promise<string | null> {
  const text = (await orNull(smallFile(g, '/etc/hostname'))) ?? '';
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => line !== '' && !line.startsWith('#')) ?? null;
}

/** Programs that every system has: libguestfs, which looks at the root alone, does not find them on a `/usr` of its own. */
const programs = ['/bin/sh', '/bin/ls', '/bin/bash', '/bin/echo', '/bin/rm'];

async function architecture(g: Guestfs): Promise<string | null> {
  for (const program of programs) {
    // A link leads to another place of the guest, and must not lead to one of the appliance.
    const found = await orNull(g.realpath(program).then((path) => g.fileArchitecture(path)));
    if (found) return found;
  }
  return null;
}

/** In the order of os-release(5): the second is what the maker has put there, the first may be a link to it. */
const places = ['/etc/os-release', '/usr/lib/os-release'];

async function addRelease(g: Guestfs, system: OperatingSystemReport): Promise<void> {
  for (const place of places) {
    const text = await smallFile(g, place);
    if (text === undefined) continue;
    const release = parseOsRelease(text);
    const { PRETTY_NAME, NAME, VERSION, VERSION_ID } = Object.fromEntries(release);
    system.osRelease = Object.fromEntries(release);
    system.productName = PRETTY_NAME || [NAME, VERSION].filter(Boolean).join(' ') || system.productName;
    system.versionText = (await exactVersion(g, system, VERSION_ID)) ?? VERSION_ID ?? null;
    return;
  }
  system.versionText = (await exactVersion(g, system, undefined)) ?? null;
  if (system.type === 'freebsd' && system.versionText) system.productName ??= `FreeBSD ${system.versionText}`;
}

/** Files that tell more of the version than os-release does, and where it stands in them. */
const versionFiles: readonly (readonly [path: string, version: RegExp, distros: ReadonlySet<string>])[] = [
  ['/etc/debian_version', /^(\S+)/, new Set(['debian'])],
  ...['centos', 'rocky', 'almalinux', 'oracle', 'fedora', 'redhat'].map(
    (name) => [`/etc/${name}-release`, / release (\d[\w.]*)/, new Set<string>()] as const,
  ),
  ['/etc/alpine-release', /^(\d\S*)/, new Set(['alpinelinux'])],
  ['/etc/gentoo-release', / release (\d[\w.]*)/, new Set(['gentoo'])],
  ['/bin/freebsd-version', /^USERLAND_VERSION="([^"]+)"/m, new Set(['freebsd'])],
];

/**
 * The version with all its digits, `12.5` of `12`. What others are derived from may name its own version there: it counts
 * where it goes on from what os-release says, or where that says nothing and the file is the distribution's own.
 */
async function exactVersion(
  g: Guestfs,
  { distro, type }: OperatingSystemReport,
  versionId: string | undefined,
): Promise<string | undefined> {
  for (const [path, pattern, distros] of versionFiles) {
    const found = pattern.exec((await smallFile(g, path)) ?? '')?.[1];
    if (found === undefined) continue;
    if (
      versionId
        ? /^[.-]/.test(found.slice(versionId.length)) && found.startsWith(versionId)
        : distros.has(distro ?? type ?? '')
    )
      return found;
  }
  return undefined;
}

const versionKey = ['Microsoft', 'Windows NT', 'CurrentVersion'];

/** Build from which on Windows has the version 10.0, whatever else stands in the registry for old programs. */
const windows10 = 10_240;

/** Build from which on Windows is called 11, though its registry goes on calling it 10. */
const windows11 = 22_000;

async function addRegistry(g: Guestfs, system: OperatingSystemReport): Promise<void> {
  const { windows, version } = system;
  if (!windows?.softwareHive || !(await g.featureAvailable(['hivex']))) return;
  await g.hivexOpen(windows.softwareHive);
  try {
    const read = await valuesOf(g, versionKey);
    const build = (await read('CurrentBuild')) ?? (await read('CurrentBuildNumber'));
    windows.currentBuild = build;
    windows.displayVersion = (await read('DisplayVersion')) ?? (await read('ReleaseId'));
    const name = (await read('ProductName')) ?? system.productName;
    system.productName =
      Number(build) >= windows11 ? (name?.replace(/^Windows 10\b/, 'Windows 11') ?? null) : name;
    const numbers = Number(build) >= windows10 ? '10.0' : version && `${version.major}.${version.minor}`;
    if (numbers && build) system.versionText = `${numbers}.${build}`;
  } finally {
    await orNull(g.hivexClose());
  }
}

/** Reads texts of a key of the open hive; null where one is not there. */
async function valuesOf(
  g: Guestfs,
  path: readonly string[],
): Promise<(name: string) => Promise<string | null>> {
  let node = await g.hivexRoot();
  for (const name of path) {
    node = await g.hivexNodeGetChild(node, name);
    if (node === 0n) return async () => null;
  }
  return async (name) => {
    const value = (await orNull(g.hivexNodeGetValue(node, name))) ?? 0n;
    return value === 0n ? null : (await orNull(g.hivexValueString(value))) || null;
  };
}
