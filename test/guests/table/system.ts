/** What a system is: its files where the real ones have them, and what is to be told of it. */
import { journalFile } from '../../support/journal';
import { type Files, type Machine, osRelease, skeleton } from './files';
import type { Package, PackageDatabase } from './packages';

/** What a report is to tell of a system; texts as they stand in its own files. */
export interface Told {
  readonly type: string;
  readonly distro: string;
  readonly versionText: string | null;
  readonly productName: string;
  readonly arch: string;
  readonly hostname: string;
  readonly packageFormat: string | null;
}

export interface System {
  readonly tells: Told;
  readonly files: Files;
  readonly packages: readonly Package[];
  /** How the database of the packages is made; without it there is none. */
  readonly database?: PackageDatabase;
  /** Why nobody lists the packages, where that is so. */
  readonly unlisted?: string;
  /** Whether libguestfs finds no system there, in some of its releases at least. */
  readonly isUnknown?: boolean;
  /** Folders on the root filesystem in which the system of ostree and its /var lie; default the root itself. */
  readonly deployment?: { readonly folder: string; readonly shared: string };
  /** Place of fstab; null where the system mounts without one. */
  readonly fstab?: string | null;
  /** Messages of its log, the oldest first. */
  readonly logged: readonly string[];
}

const logged = ['Booting.', 'Started the server.', 'Listening on port 80.'];
const start = Date.UTC(2024, 3, 16, 12);

/** The journal of a machine, where systemd keeps it. */
export function journal(host: string): Files {
  const entries = logged.map((message, index) => ({
    time: BigInt(start + index * 1000) * 1000n,
    fields: [
      ['MESSAGE', message],
      ['_HOSTNAME', host],
      ['SYSLOG_IDENTIFIER', 'server'],
      ['_PID', '7'],
    ] as const,
  }));
  return { [`var/log/journal/${'5e'.repeat(16)}/system.journal`]: journalFile(entries) };
}

/** A log of syslog. */
function syslog(host: string, name: 'messages' | 'syslog'): Files {
  const lines = logged.map((message, index) => `Apr 16 12:00:0${index} ${host} server[7]: ${message}\n`);
  return { [`var/log/${name}`]: lines.join('') };
}

interface Facts {
  readonly name: string;
  readonly machine?: Machine;
  /** Variables of os-release. */
  readonly release: Readonly<Record<string, string>>;
  readonly isMerged?: boolean;
  readonly files?: Files;
  readonly log?: 'journal' | 'messages' | 'syslog';
  readonly tells: Pick<Told, 'distro' | 'packageFormat'> & Partial<Told>;
}

export function linux({
  name,
  machine = 'x86_64',
  release,
  isMerged,
  files = {},
  log = 'journal',
  tells,
}: Facts) {
  return {
    tells: {
      ...{ type: 'linux', arch: machine, hostname: name, productName: release.PRETTY_NAME ?? '' },
      ...{ versionText: release.VERSION_ID ?? null, ...tells },
    },
    files: {
      ...skeleton(machine, isMerged),
      'usr/lib/os-release': osRelease(release),
      'etc/os-release': { link: '../usr/lib/os-release' },
      'etc/hostname': `${name}\n`,
      ...(log === 'journal' ? journal(name) : syslog(name, log)),
      ...files,
    },
    logged,
  };
}
