// Which distribution this is, and what it calls the packages that we need: for errors that say what to install.
import { readFileSync } from 'node:fs';

const isX86 = process.arch === 'x64' || process.arch === 'ia32';
const debianArch = { x64: 'amd64', ia32: '686', ppc64: 'ppc64el' }[process.arch as string] ?? process.arch;

/**
 * What the prebuilt addon needs, what a launch does, and what compiling takes, by the names that most distributions use.
 */
const usualPackages = {
  libguestfs: 'libguestfs',
  appliance: 'libguestfs',
  supermin: 'supermin',
  kernel: 'kernel',
  qemu: 'qemu-kvm',
  'qemu-img': 'qemu-img',
  'qemu-nbd': 'qemu-img',
  'qemu-block-curl': 'qemu-block-curl',
  'qemu-block-ssh': 'qemu-block-ssh',
  'qemu-block-rbd': 'qemu-block-rbd',
  'qemu-block-iscsi': 'qemu-block-iscsi',
  xz: 'xz',
  zstd: 'zstd',
  bzip2: 'bzip2',
  headers: 'libguestfs-devel',
  compiler: 'g++',
  'pkg-config': 'pkg-config',
} as const;

export type Need = keyof typeof usualPackages;

/** What compiling the addon takes. */
export const compiling = ['compiler', 'pkg-config', 'headers'] as const satisfies readonly Need[];

interface Family {
  readonly title: string;
  /** Values of `ID` and `ID_LIKE` in os-release. */
  readonly ids: readonly string[];
  readonly install: string;
  /** Names of packages that are not the usual ones. */
  readonly packages: Readonly<Partial<Record<Need, string>>>;
  /** Version in which libraries got another name, since time_t grew. */
  readonly libraryRenamed?: number;
}

export interface Distribution {
  /** Name of the distribution, as it calls itself. */
  readonly name: string | undefined;
  readonly id: string;
  /** Ids of the distribution and of those that it is like, the closest first. */
  readonly ids: readonly string[];
  readonly version: string;
  readonly family: Family | undefined;
}

const debian = {
  libguestfs: 'libguestfs0',
  appliance: 'libguestfs0',
  kernel: `linux-image-${debianArch}`,
  qemu: isX86 ? 'qemu-system-x86' : 'qemu-system-arm',
  'qemu-img': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  'qemu-block-curl': 'qemu-block-extra',
  'qemu-block-ssh': 'qemu-block-extra',
  'qemu-block-rbd': 'qemu-block-extra',
  'qemu-block-iscsi': 'qemu-block-extra',
  xz: 'xz-utils',
  headers: 'libguestfs-dev',
} as const;

const families: readonly Family[] = [
  {
    title: 'Debian',
    ids: ['debian'],
    install: 'apt install',
    packages: debian,
    libraryRenamed: 13,
  },
  {
    title: 'Ubuntu',
    ids: ['ubuntu'],
    install: 'apt install',
    packages: { ...debian, kernel: 'linux-image-generic' },
    libraryRenamed: 24.04,
  },
  {
    title: 'Fedora, RHEL',
    ids: ['fedora', 'rhel', 'centos'],
    install: 'dnf install',
    packages: {
      appliance: 'libguestfs-appliance',
      compiler: 'gcc-c++',
      'pkg-config': 'pkgconf-pkg-config',
    },
  },
  {
    title: 'Arch',
    ids: ['arch'],
    install: 'pacman -S',
    packages: {
      kernel: 'linux',
      qemu: 'qemu-base',
      headers: 'libguestfs',
      compiler: 'gcc',
      'pkg-config': 'pkgconf',
    },
  },
  {
    title: 'openSUSE',
    ids: ['suse', 'opensuse', 'sles'],
    install: 'zypper install',
    packages: {
      libguestfs: 'libguestfs0',
      appliance: 'libguestfs-appliance',
      kernel: 'kernel-default',
      qemu: isX86 ? 'qemu-x86' : 'qemu-arm',
      'qemu-img': 'qemu-tools',
      'qemu-nbd': 'qemu-tools',
      compiler: 'gcc-c++',
    },
  },
  {
    title: 'Alpine',
    ids: ['alpine'],
    install: 'apk add',
    packages: {
      kernel: 'linux-virt',
      qemu: isX86 ? 'qemu-system-x86_64' : 'qemu-system-aarch64',
      headers: 'libguestfs-dev',
      'pkg-config': 'pkgconf',
    },
  },
];

/** Reads the text of an os-release(5) file. */
export function parseDistribution(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/^([A-Z0-9_]+)=(.*?)\s*$/gm))
    fields.set(key, value.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(.)/g, '$1'));
  const id = fields.get('ID') ?? '';
  const ids = [id, ...(fields.get('ID_LIKE') ?? '').split(' ')];
  return {
    name: fields.get('PRETTY_NAME') ?? fields.get('NAME'),
    id,
    ids,
    version: fields.get('VERSION_ID') ?? '',
    family: ids.map((each) => families.find((family) => family.ids.includes(each))).find(Boolean),
  };
}

/** Lines that say how to install what is needed on this distribution; when we do not know it, on each that we know. */
export function installation(needs: readonly Need[], distribution = thisDistribution()): string[] {
  return waysToInstall(needs, distribution).map(({ title, command }) => `${title}: ${command}`);
}

/** Words that say how to install what is needed, within a sentence. */
export function installWords(needs: readonly Need[], distribution = thisDistribution()): string {
  const ways = waysToInstall(needs, distribution);
  if (distribution.family) return ways.map(({ command }) => `\`${command}\``).join('');
  return ways.map(({ title, command }) => `\`${command}\` (${title})`).join(', ');
}

interface Way {
  readonly title: string;
  readonly command: string;
}

function waysToInstall(needs: readonly Need[], distribution: Distribution): readonly Way[] {
  const { family, name } = distribution;
  if (family) return [{ title: name ?? family.title, command: commandOf(family, needs, distribution) }];
  const titles = new Map<string, string[]>();
  for (const known of families) {
    const command = commandOf(known, needs);
    titles.set(command, [...(titles.get(command) ?? []), known.title]);
  }
  return [...titles].map(([command, names]) => ({ title: names.join(', '), command }));
}

/** Command that installs what is needed; null where we do not know this distribution. */
export function installCommand(needs: readonly Need[], distribution = thisDistribution()): string | null {
  return distribution.family ? commandOf(distribution.family, needs, distribution) : null;
}

export function thisDistribution(): Distribution {
  for (const file of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return parseDistribution(readFileSync(file, 'utf8'));
    } catch {
      // Not there: the next one.
    }
  }
  return parseDistribution('');
}

function commandOf(family: Family, needs: readonly Need[], distribution?: Distribution) {
  const names = needs.map(
    (need) => (distribution && renamed(need, distribution)) ?? family.packages[need] ?? usualPackages[need],
  );
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}${family.install} ${[...new Set(names)].join(' ')}`;
}

/** Name of a renamed package, where we know the version of the distribution: what is like Ubuntu counts its own. */
function renamed(need: Need, { id, version, family }: Distribution): string | undefined {
  if (need !== 'libguestfs' && need !== 'appliance') return undefined;
  const since = family?.ids.includes(id) ? family.libraryRenamed : undefined;
  const isNewer = since !== undefined && (version === '' || Number(version) >= since);
  return isNewer ? 'libguestfs0t64' : undefined;
}
