// What the machine must have: packages of its distribution, and a kernel that supermin can read.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { logged, StepError } from './steps.mjs';

// `a|b`: the first of them that the distribution offers; `a?`: left out where it offers none.
const apt = {
  packages: () => ({
    base: `g++ make python3 pkg-config libguestfs-dev libguestfs-xfs? ${debianQemu()} qemu-utils supermin`,
    kernel: /ubuntu/.test(osRelease()) ? 'linux-image-generic' : `linux-image-${debianArch()}`,
    test: 'cmake clang-format clang-tidy fuse3|fuse debootstrap guestfish|libguestfs-tools grub-rescue-pc? zsh? fish? qemu-block-extra? nbdkit nginx-light|nginx openssh-server xz-utils zstd bzip2 rpm pacman-package-manager? db-util python3 chromium?',
    bench: 'debootstrap python3-guestfs guestfs-tools|libguestfs-tools guestfish|libguestfs-tools libc6-dev',
    conformance: 'genisoimage|xorriso xz-utils zstd cpio libc6-dev',
    guests: 'f2fs-tools rpm db-util makefs pacman-package-manager fakeroot guestfs-tools|libguestfs-tools',
    fleet: 'redis-server postgresql util-linux',
    releases: 'debootstrap debian-archive-keyring e2fsprogs',
    sanitizers: 'cmake valgrind',
    cross: 'clang lld qemu-user-static',
  }),
  installed() {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's.
    const list = output('dpkg-query', '-W', '-f', '${db:Status-Status} ${Package}, ${Provides}\n');
    const names = list
      .match(/^installed .*/gm)
      ?.flatMap((line) => line.slice('installed '.length).split(/, ?/));
    const set = new Set(names?.map((name) => name.split(' ')[0]));
    return (name) => set.has(name);
  },
  offers: (name) => /Candidate: [^(]/.test(output('apt-cache', 'policy', name)),
  refresh: ['apt-get', 'update'],
  install: [
    ...['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'],
    ...['install', '-y', '--no-install-recommends'],
  ],
};

const dnf = {
  packages: () => ({
    base: 'gcc-c++ make python3 pkgconf-pkg-config libguestfs-devel libguestfs-xfs? qemu-kvm qemu-img supermin',
    kernel: 'kernel-core',
    test: 'cmake /usr/bin/clang-format /usr/bin/clang-tidy fuse3 debootstrap? /usr/bin/guestfish libstdc++-static zsh? fish? nbdkit? nginx openssh-server xz zstd bzip2 chromium?',
    bench: 'debootstrap? python3-libguestfs guestfs-tools /usr/bin/guestfish',
    conformance: 'genisoimage|xorriso xz zstd cpio glibc-static',
    guests: 'dpkg f2fs-tools rpm-build libdb-utils makefs? pacman fakeroot guestfs-tools',
    fleet: 'redis|valkey postgresql-server util-linux',
    releases: 'debootstrap debian-keyring dpkg e2fsprogs',
    sanitizers: 'cmake libasan libubsan libtsan valgrind',
    cross: '',
  }),
  installed: () => (name) => succeeds('rpm', '-q', '--whatprovides', name),
  offers: (name) => output('dnf', '-q', 'repoquery', '--whatprovides', name) !== '',
  install: 'dnf install -y --setopt=install_weak_deps=False'.split(' '),
};

const pacman = {
  packages: () => ({
    base: 'gcc make python pkgconf libguestfs qemu-base qemu-img supermin',
    kernel: 'linux',
    test: 'cmake clang fuse3 debootstrap zsh? fish? nbdkit? nginx openssh xz zstd bzip2 chromium?',
    bench: 'debootstrap guestfs-tools',
    conformance: 'cdrtools|libisoburn xz zstd cpio',
    guests: 'dpkg f2fs-tools rpm-tools db5.3? makefs? fakeroot guestfs-tools',
    fleet: 'redis|valkey postgresql util-linux',
    releases: 'debootstrap debian-archive-keyring dpkg e2fsprogs',
    sanitizers: 'cmake valgrind',
    cross: '',
  }),
  installed: () => (name) => succeeds('pacman', '-T', name),
  offers: (name) => succeeds('pacman', '-Si', name),
  // Only where there are no lists at all: newer lists without a full upgrade break an Arch system.
  refresh: isEmpty('/var/lib/pacman/sync') ? ['pacman', '-Sy'] : undefined,
  install: 'pacman -S --needed --noconfirm'.split(' '),
};

/** The step that installs what is missing for building, running and the `extras`, as they are called above. */
export function systemPackages(extras) {
  const manager = findManager();
  if (!manager) return { skipped: 'no apt, dnf or pacman here, so nothing is checked' };

  const packages = manager.packages();
  const installed = manager.installed();
  const missing = ['base', ...extras, ...(kernels().length > 0 ? [] : ['kernel'])]
    .flatMap((group) => packages[group].split(' ').filter(Boolean))
    .filter((item) => !alternatives(item).some(installed));
  const choose = () =>
    missing.flatMap((item) => {
      const names = alternatives(item);
      return names.find(manager.offers) ?? (item.endsWith('?') ? [] : names[0]);
    });

  const names = choose();
  if (names.length === 0) return {};
  const refresh = manager.refresh ? [manager.refresh] : [];
  return {
    doing: `installing ${names.join(' ')}`,
    async work() {
      const sudo = privilege([...refresh, [...manager.install, ...names]]);
      // A third party's repository that does not answer is no reason to stop.
      for (const command of refresh) await logged([...sudo, ...command]).catch(() => {});
      await logged([...sudo, ...manager.install, ...choose()]);
    },
  };
}

/** The step that makes kernels readable: Ubuntu installs them for root's eyes only, and supermin copies one. */
export function readableKernel() {
  if (process.env.SUPERMIN_KERNEL) return {};
  const closed = kernels().filter((file) => !isReadable(file));
  if (closed.length === 0) return {};
  const command = ['chmod', 'a+r', ...closed];
  return {
    doing: `making ${closed.join(' ')} readable`,
    work: async () => logged([...privilege([command]), ...command]),
  };
}

/** What to put before commands so that root runs them; ends the step with the commands where that cannot be. */
function privilege(commands) {
  if (process.getuid() === 0) return [];
  if (succeeds('sudo', '-n', 'true')) return ['sudo', '-n'];
  const lines = commands.map((command) => `    sudo ${command.join(' ')}`);
  throw new StepError(`only root may do this. Run it and try again:\n\n${lines.join('\n')}\n`);
}

/** Kernels that supermin would consider: those that have modules. */
function kernels() {
  const boot = list('/boot').filter((name) => /^vmlinu[xz]-/.test(name));
  const versions = list('/lib/modules').filter((version) =>
    existsSync(`/lib/modules/${version}/modules.dep`),
  );
  return [
    ...boot
      .filter((name) => versions.includes(name.replace(/^vmlinu[xz]-/, '')))
      .map((name) => `/boot/${name}`),
    ...versions.map((version) => `/lib/modules/${version}/vmlinuz`).filter((file) => existsSync(file)),
  ];
}

function findManager() {
  if (succeeds('apt-get', '--version')) return apt;
  if (succeeds('dnf', '--version')) return dnf;
  if (succeeds('pacman', '--version')) return pacman;
  return undefined;
}

function alternatives(item) {
  return item.replace('?', '').split('|');
}

function debianQemu() {
  return (
    { amd64: 'qemu-system-x86', i386: 'qemu-system-x86', arm64: 'qemu-system-arm' }[debianArch()] ??
    'qemu-system'
  );
}

function debianArch() {
  return output('dpkg', '--print-architecture');
}

/** `ID` and `ID_LIKE` of this distribution. */
function osRelease() {
  return (
    readFileSync('/etc/os-release', 'utf8')
      .match(/^ID(_LIKE)?=.*/gm)
      ?.join(' ') ?? ''
  );
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function output(command, ...args) {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return (stdout ?? '').trim();
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function isEmpty(folder) {
  return list(folder).length === 0;
}

function isReadable(file) {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
