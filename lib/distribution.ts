// Which distribution this is, and what it calls the packages that we need: for errors that say what to install.
import { readFileSync } from 'node:fs';

/** What the prebuilt addon needs, and then what compiling one takes, by the names that most distributions use. */
const usualPackages = {
  libguestfs: 'libguestfs',
  headers: 'libguestfs-devel',
  compiler: 'g++',
  make: 'make',
  python: 'python3',
  'pkg-config': 'pkg-config',
} as const;

export type Need = keyof typeof usualPackages;

interface Family {
  readonly title: string;
  /** Values of `ID` and `ID_LIKE` in os-release. */
  readonly ids: readonly string[];
  readonly install: string;
  /** Names other than the usual ones. */
  readonly packages: Readonly<Partial<Record<Need, string>>>;
}

export interface Distribution {
  /** As it calls itself. */
  readonly name: string | undefined;
  readonly id: string;
  readonly version: string;
  readonly family: Family | undefined;
}

const families: readonly Family[] = [
  {
    title: 'Debian, Ubuntu',
    ids: ['debian', 'ubuntu'],
    install: 'apt install',
    packages: { libguestfs: 'libguestfs0', headers: 'libguestfs-dev' },
  },
  {
    title: 'Fedora, RHEL',
    ids: ['fedora', 'rhel', 'centos'],
    install: 'dnf install',
    packages: { compiler: 'gcc-c++', 'pkg-config': 'pkgconf-pkg-config' },
  },
  {
    title: 'Arch',
    ids: ['arch'],
    install: 'pacman -S',
    packages: { headers: 'libguestfs', compiler: 'gcc', python: 'python', 'pkg-config': 'pkgconf' },
  },
  {
    title: 'openSUSE',
    ids: ['suse', 'opensuse', 'sles'],
    install: 'zypper install',
    packages: { libguestfs: 'libguestfs0', compiler: 'gcc-c++' },
  },
  {
    title: 'Alpine',
    ids: ['alpine'],
    install: 'apk add',
    packages: { headers: 'libguestfs-dev', 'pkg-config': 'pkgconf' },
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
    version: fields.get('VERSION_ID') ?? '',
    family: families.find((family) => family.ids.some((known) => ids.includes(known))),
  };
}

/** How to install what is needed on this distribution; when we do not know it, on each that we know. */
export function installation(needs: readonly Need[], distribution = thisDistribution()): string[] {
  const { family, name } = distribution;
  if (family) return [installLine(name ?? family.title, family, needs, distribution)];
  return families.map((known) => installLine(known.title, known, needs));
}

function thisDistribution(): Distribution {
  for (const file of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return parseDistribution(readFileSync(file, 'utf8'));
    } catch {
      // Not there: the next one.
    }
  }
  return parseDistribution('');
}

function installLine(title: string, family: Family, needs: readonly Need[], distribution?: Distribution) {
  const names = needs.map(
    (need) => (distribution && renamed(need, distribution)) ?? family.packages[need] ?? usualPackages[need],
  );
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${title}: ${sudo}${family.install} ${[...new Set(names)].join(' ')}`;
}

/** Debian and Ubuntu gave many libraries another name when time_t grew. */
function renamed(need: Need, { id, version }: Distribution): string | undefined {
  const since = { debian: 13, ubuntu: 24.04 }[id];
  const isNewer = since !== undefined && (version === '' || Number(version) >= since);
  return need === 'libguestfs' && isNewer ? 'libguestfs0t64' : undefined;
}
