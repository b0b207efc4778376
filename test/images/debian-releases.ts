/** Real systems of several releases of Debian, as small as they come, and what dpkg says of the packages in each. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from './cache';

const sources = ['debian-releases.ts'];

/** Releases that their users still run, and what the next one is made of. */
export const debianReleases = ['bullseye', 'bookworm', 'trixie', 'sid'] as const;

export interface DebianRelease {
  readonly image: string;
  /** What `dpkg-query` says: name, version, architecture, source, its version, size; a line for each package. */
  readonly packages: string;
  /** How many files have a checksum in the database. */
  readonly checksums: string;
  readonly osRelease: string;
}

const mirror = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const fields = ['Package', 'Version', 'Architecture', 'source:Package', 'source:Version', 'Installed-Size'];
const format = `${[...fields, 'db:Status-Status'].map((field) => `\${${field}}`).join('|')}\\n`;

const script = `
set -e
proxy=\${http_proxy:-$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)}
[ -z "$proxy" ] || export http_proxy="$proxy"
command -v debootstrap >/dev/null || { echo 'debootstrap is missing: sudo apt-get install debootstrap' >&2; exit 1; }
tree=$(mktemp -d -p "\${TMPDIR:-/var/tmp}")
trap 'rm -rf --one-file-system "$tree"' EXIT
trap 'exit 1' HUP INT TERM
debootstrap --variant=minbase --keyring="$3" "$1" "$tree" "$4" >&2 || {
  tail -n 20 "$tree/debootstrap/debootstrap.log" >&2 2>/dev/null
  exit 1
}
rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/locale/* "$tree"/dev/*
dpkg-query --admindir="$tree/var/lib/dpkg" -W -f "$5" >"$2/packages"
cat "$tree"/var/lib/dpkg/info/*.md5sums | wc -l >"$2/checksums"
cat "$tree/etc/os-release" >"$2/os-release"
mke2fs -q -t ext4 -d "$tree" "$2/disk.img" 1G
chmod -R a+rX "$2"
`;

export async function debianRelease(release: string): Promise<DebianRelease> {
  const directory = await cached(sources, (partial) => build(release, partial), release);
  const [image, packages, checksums, osRelease] = ['disk.img', 'packages', 'checksums', 'os-release'].map(
    (name) => join(directory, name),
  );
  return { image, packages, checksums, osRelease } as DebianRelease;
}

async function build(release: string, directory: string): Promise<void> {
  const args = [release, directory, keyring, mirror, format];
  const command = ['sh', '-c', script, 'debian-release', ...args];
  if (process.getuid?.() !== 0) command.unshift('sudo', '-n', '--preserve-env=http_proxy,TMPDIR');
  await promisify(execFile)(command[0] as string, command.slice(1), { maxBuffer: 64 << 20 });
}
