/** A real, minimal Debian or Ubuntu system of the host's own release, as a tarball. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { cached } from './cache';

const run = promisify(execFile);

export const debianTreeSources = ['debian-tree.ts'];

/** Path of the tarball. Everything in it belongs to `guestfs-test`, a machine with one user, `alice`. */
export async function debianTree(): Promise<string> {
  return join(await cached(debianTreeSources, build), 'debian.tar');
}

/** A file of the tree, read without libguestfs: what tests compare the appliance's answers with. */
export async function readFromTree(path: string): Promise<string> {
  const { stdout } = await run('tar', ['-xOf', await debianTree(), `.${path}`], { maxBuffer: 64 << 20 });
  return stdout;
}

// As in Debian's own container images: no caches, no documentation, no translations. Devices and mounts are the
// guest kernel's business.
const script = `
set -e
[ -z "$4" ] || export http_proxy="$4"
command -v debootstrap >/dev/null || { echo 'debootstrap is missing: sudo apt-get install debootstrap' >&2; exit 1; }
tree=$(mktemp -d -p "\${TMPDIR:-/var/tmp}")
trap 'rm -rf --one-file-system "$tree"' EXIT
trap 'exit 1' HUP INT TERM
debootstrap --variant=minbase --keyring="$3" "$1" "$tree" "$2" >&2 || {
  tail -n 20 "$tree/debootstrap/debootstrap.log" >&2 2>/dev/null
  exit 1
}
echo guestfs-test >"$tree/etc/hostname"
chroot "$tree" useradd --create-home --uid 1000 --shell /bin/bash alice
echo 'Hello from the guest.' >"$tree/home/alice/hello.txt"
chroot "$tree" chown alice: /home/alice/hello.txt
cd "$tree"
rm -rf var/cache/apt/* var/lib/apt/lists/* usr/share/doc/* usr/share/man/* usr/share/info/* usr/share/locale/*
tar --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - .
`;

async function build(directory: string): Promise<void> {
  const { suite, mirror, keyring } = await hostArchive();
  const command = ['sh', '-c', script, 'debian-tree', suite, mirror, keyring, await aptProxy()];
  if (process.getuid?.() !== 0) command.unshift(...(await sudo()));

  const tarball = await open(join(directory, 'debian.tar'), 'w');
  try {
    const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', tarball.fd, 'pipe'] });
    const [log, [status]] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      once(child, 'close'),
    ]);
    if (status !== 0) {
      throw new Error(
        `debootstrap could not make ${suite} from ${mirror}. It needs root, the network and a file system ` +
          `mounted without nodev and noexec (TMPDIR chooses it). Its last words:\n${log.slice(-2000)}`,
      );
    }
  } finally {
    await tarball.close();
  }
}

async function sudo(): Promise<string[]> {
  try {
    await run('sudo', ['-n', 'true']);
  } catch (cause) {
    throw new Error(
      'debootstrap needs root: run the tests once as root, or as a user with password-free sudo.',
      {
        cause,
      },
    );
  }
  return ['sudo', '-n'];
}

/** The release and the mirror that apt itself uses on this machine. */
async function hostArchive(): Promise<{ suite: string; mirror: string; keyring: string }> {
  const format = ['$(ORIGIN)', '$(RELEASE)', '$(COMPONENT)', '$(CODENAME)', '$(REPO_URI)'].join('\t');
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).catch(
    (cause: unknown) => {
      throw new Error('The Debian test images need apt: run these tests on Debian or Ubuntu.', { cause });
    },
  );
  const { stdout: release } = await run('sh', ['-c', '. /etc/os-release; echo "$VERSION_CODENAME"']);
  const archives = stdout
    .split('\n')
    // "bookworm-updates" and the like complete a release, they are none (but Ubuntu's have the same code name).
    .filter((line) => /^(Debian|Ubuntu)\t[a-z]+\tmain\t/.test(line))
    .map((line) => line.split('\t'));
  const [origin, , , suite, uri] =
    archives.find((archive) => archive[3] === release.trim()) ?? archives[0] ?? [];
  if (!origin || !suite || !uri) {
    throw new Error(
      'apt knows no package list of Debian or Ubuntu: run `sudo apt-get update`, then the tests again.',
    );
  }
  const keyring = `/usr/share/keyrings/${origin.toLowerCase()}-archive-keyring.gpg`;
  return { suite, mirror: await firstMirror(uri), keyring };
}

/** debootstrap does not know apt's `mirror+file:` lists, which cloud images use. */
async function firstMirror(uri: string): Promise<string> {
  const list = /^mirror\+file:(.*[^/])\/?$/.exec(uri)?.[1];
  if (list === undefined) return uri;
  const mirror = /^\s*((?:https?|file):\S+)/m.exec(await readFile(list, 'utf8'))?.[1];
  if (mirror === undefined)
    throw new Error(`${list}, named in apt's sources, lists no mirror that debootstrap can use.`);
  return mirror;
}

async function aptProxy(): Promise<string> {
  const { stdout } = await run('apt-config', ['dump', '--format', '%v%n', 'Acquire::http::Proxy']);
  return process.env.http_proxy ?? stdout.trim();
}

/** `name version` of the packages in the guest's dpkg database. */
export async function installedPackages(): Promise<string[]> {
  const status = await readFromTree('/var/lib/dpkg/status');
  return status
    .split('\n\n')
    .filter((paragraph) => /^Status: .* installed$/m.test(paragraph))
    .map((paragraph) => ['Package', 'Version'].map((name) => field(paragraph, name)).join(' '))
    .sort();
}

function field(paragraph: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
}
