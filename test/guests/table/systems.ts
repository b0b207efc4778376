/** The systems of Linux. */
import { type Files, osRelease, program } from './files';
import { apk, berkeleyRpm, dpkg, type Package, pacman, portage, rpm } from './packages';
import { journal, linux, type System } from './system';

/** Packages of rpm, of deb and so on, with an epoch and without. */
const rpms = (arch: string, release: string): Package[] => [
  { name: 'bash', version: '5.2.26', release: `3.${release}`, arch },
  { name: 'openssl-libs', version: '3.2.1', release: `2.${release}`, epoch: 1, arch },
  { name: 'tzdata', version: '2024a', release: `5.${release}`, arch: 'noarch' },
];
const debs: Package[] = [
  { name: 'bash', version: '5.2.21', release: '2ubuntu4', arch: 'amd64' },
  { name: 'tar', version: '1.35+dfsg', release: '3build1', arch: 'amd64' },
  { name: 'zlib1g', version: '1.3.dfsg', release: '3.1ubuntu2', epoch: 1, arch: 'amd64' },
];

/** What rpm itself reads of its configuration; libguestfs lets it, in the guest. */
const rpmConfig = (place: string): Files => ({
  'usr/bin/rpm': program('x86_64'),
  'usr/lib/rpm/macros': `%_dbpath /${place}\n%_db_backend sqlite\n`,
  'usr/lib/rpm/rpmrc': '',
});

const sysimage = 'usr/lib/sysimage/rpm';
/** As Fedora has it since 36. */
const rpmLink: Files = { 'var/lib/rpm': { link: '../../usr/lib/sysimage/rpm' }, ...rpmConfig(sysimage) };

const fedora = (release: Readonly<Record<string, string>>) => ({
  ...{ NAME: 'Fedora Linux', VERSION_ID: '40', ID: 'fedora', PLATFORM_ID: 'platform:f40', ...release },
});

export const systems = {
  ubuntu24: {
    ...linux({
      ...{ name: 'noble', log: 'syslog' },
      release: {
        ...{
          PRETTY_NAME: 'Ubuntu 24.04.1 LTS',
          NAME: 'Ubuntu',
          VERSION_ID: '24.04',
          ID: 'ubuntu',
          ID_LIKE: 'debian',
        },
        ...{ VERSION: '24.04.1 LTS (Noble Numbat)', VERSION_CODENAME: 'noble' },
      },
      files: {
        'etc/lsb-release':
          'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION="Ubuntu 24.04.1 LTS"\n',
        'etc/debian_version': 'trixie/sid\n',
      },
      tells: { distro: 'ubuntu', packageFormat: 'deb' },
    }),
    ...{ packages: debs, database: dpkg },
  },
  ubuntu22: {
    ...linux({
      name: 'jammy',
      release: {
        ...{
          PRETTY_NAME: 'Ubuntu 22.04.4 LTS',
          NAME: 'Ubuntu',
          VERSION_ID: '22.04',
          ID: 'ubuntu',
          ID_LIKE: 'debian',
        },
        ...{ VERSION: '22.04.4 LTS (Jammy Jellyfish)', VERSION_CODENAME: 'jammy' },
      },
      files: {
        'etc/lsb-release':
          'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION="Ubuntu 22.04.4 LTS"\n',
        'etc/debian_version': 'bookworm/sid\n',
      },
      tells: { distro: 'ubuntu', packageFormat: 'deb' },
    }),
    ...{ packages: debs, database: dpkg },
  },
  debian11: {
    ...linux({
      ...{ name: 'bullseye', log: 'syslog', isMerged: true },
      release: {
        PRETTY_NAME: 'Debian GNU/Linux 11 (bullseye)',
        NAME: 'Debian GNU/Linux',
        VERSION_ID: '11',
        ID: 'debian',
      },
      files: { 'etc/debian_version': '11.9\n' },
      tells: { distro: 'debian', packageFormat: 'deb', versionText: '11.9' },
    }),
    ...{ packages: debs, database: dpkg },
  },
  fedora: {
    ...linux({
      name: 'workstation.example.com',
      release: fedora({ PRETTY_NAME: 'Fedora Linux 40 (Workstation Edition)', VARIANT_ID: 'workstation' }),
      files: { 'etc/fedora-release': 'Fedora release 40 (Forty)\n', ...rpmLink },
      tells: { distro: 'fedora', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'fc40'), database: rpm(sysimage) },
  },
  fedoraServer: {
    ...linux({
      name: 'server',
      release: fedora({ PRETTY_NAME: 'Fedora Linux 40 (Server Edition)', VARIANT_ID: 'server' }),
      files: { 'etc/fedora-release': 'Fedora release 40 (Forty)\n', ...rpmLink },
      tells: { distro: 'fedora', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'fc40'), database: rpm(sysimage) },
  },
  coreos: {
    ...linux({
      name: 'coreos',
      release: fedora({
        ...{ PRETTY_NAME: 'Fedora CoreOS 40.20240416.3.1', VERSION: '40.20240416.3.1', VARIANT_ID: 'coreos' },
        OSTREE_VERSION: '40.20240416.3.1',
      }),
      files: {
        'etc/fedora-release': 'Fedora release 40 (Forty)\n',
        ...rpmConfig('usr/share/rpm'),
        'sysroot/': '',
        ostree: { link: 'sysroot/ostree' },
        'usr/lib/sysimage/rpm': { link: '../../share/rpm' },
      },
      tells: { distro: 'fedora', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'fc40'), database: rpm('usr/share/rpm') },
    isUnknown: true,
    deployment: {
      folder: `/ostree/deploy/fedora-coreos/deploy/${'c0'.repeat(32)}.0`,
      shared: '/ostree/deploy/fedora-coreos/var',
    },
    fstab: null,
  },
  rocky: {
    ...linux({
      ...{ name: 'rocky.example.com', log: 'messages' },
      release: {
        PRETTY_NAME: 'Rocky Linux 9.4 (Blue Onyx)',
        NAME: 'Rocky Linux',
        VERSION_ID: '9.4',
        ID: 'rocky',
        ID_LIKE: 'rhel centos fedora',
      },
      files: {
        'etc/rocky-release': 'Rocky Linux release 9.4 (Blue Onyx)\n',
        'etc/redhat-release': { link: 'rocky-release' },
        ...rpmConfig('var/lib/rpm'),
      },
      tells: { distro: 'rocky', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'el9'), database: rpm('var/lib/rpm') },
  },
  rhel: {
    ...linux({
      ...{ name: 'rhel', log: 'messages' },
      release: {
        PRETTY_NAME: 'Red Hat Enterprise Linux 8.10 (Ootpa)',
        NAME: 'Red Hat Enterprise Linux',
        VERSION_ID: '8.10',
        ID: 'rhel',
        ID_LIKE: 'fedora',
      },
      files: {
        'etc/redhat-release': 'Red Hat Enterprise Linux release 8.10 (Ootpa)\n',
        ...rpmConfig('var/lib/rpm'),
      },
      tells: { distro: 'rhel', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'el8'), database: berkeleyRpm },
  },
  centos7: {
    ...linux({
      ...{ name: 'centos', log: 'messages' },
      release: {
        PRETTY_NAME: 'CentOS Linux 7 (Core)',
        NAME: 'CentOS Linux',
        VERSION_ID: '7',
        ID: 'centos',
        ID_LIKE: 'rhel fedora',
      },
      files: {
        'etc/centos-release': 'CentOS Linux release 7.9.2009 (Core)\n',
        'etc/redhat-release': { link: 'centos-release' },
        ...rpmConfig('var/lib/rpm'),
      },
      tells: { distro: 'centos', packageFormat: 'rpm', versionText: '7.9.2009' },
    }),
    ...{ packages: rpms('x86_64', 'el7'), database: berkeleyRpm },
  },
  oracle: {
    ...linux({
      name: 'oracle',
      release: {
        PRETTY_NAME: 'Oracle Linux Server 9.4',
        NAME: 'Oracle Linux Server',
        VERSION_ID: '9.4',
        ID: 'ol',
        ID_LIKE: 'fedora',
      },
      files: {
        'etc/oracle-release': 'Oracle Linux Server release 9.4\n',
        'etc/redhat-release': 'Red Hat Enterprise Linux release 9.4 (Plow)\n',
        ...rpmConfig('var/lib/rpm'),
      },
      tells: { distro: 'oraclelinux', packageFormat: 'rpm' },
    }),
    ...{ packages: rpms('x86_64', 'el9'), database: rpm('var/lib/rpm') },
  },
  amazon2: {
    ...linux({
      ...{ name: 'ip-10-0-0-1.ec2.internal', log: 'messages' },
      release: {
        PRETTY_NAME: 'Amazon Linux 2',
        NAME: 'Amazon Linux',
        VERSION_ID: '2',
        ID: 'amzn',
        ID_LIKE: 'centos rhel fedora',
      },
      files: { 'etc/system-release': 'Amazon Linux release 2 (Karoo)\n', ...rpmConfig('var/lib/rpm') },
      tells: { distro: 'amzn', packageFormat: 'rpm' },
    }),
    ...{
      packages: rpms('x86_64', 'amzn2'),
      database: berkeleyRpm,
    },
  },
  amazon2023: {
    ...linux({
      ...{ name: 'ip-10-0-0-2.ec2.internal', machine: 'aarch64' },
      release: {
        PRETTY_NAME: 'Amazon Linux 2023.4.20240416',
        NAME: 'Amazon Linux',
        VERSION_ID: '2023',
        ID: 'amzn',
        ID_LIKE: 'fedora',
      },
      files: {
        'etc/system-release': { link: 'amazon-linux-release' },
        'etc/amazon-linux-release': 'Amazon Linux release 2023.4.20240416 (Amazon Linux)\n',
        ...rpmConfig('var/lib/rpm'),
      },
      tells: { distro: 'amzn', packageFormat: 'rpm' },
    }),
    ...{
      packages: rpms('aarch64', 'amzn2023'),
      database: rpm('var/lib/rpm'),
    },
  },
  opensuse: {
    ...linux({
      name: 'leap',
      release: {
        PRETTY_NAME: 'openSUSE Leap 15.6',
        NAME: 'openSUSE Leap',
        VERSION_ID: '15.6',
        ID: 'opensuse-leap',
        ID_LIKE: 'suse opensuse',
      },
      // rpm keeps it in a format (ndb) that Debian's rpm cannot write: this is its beginning.
      files: {
        [`${sysimage}/Packages.db`]: 'RpmP',
        'var/lib/rpm': { link: '../../usr/lib/sysimage/rpm' },
        ...rpmConfig(sysimage),
      },
      tells: { distro: 'opensuse', packageFormat: 'rpm' },
    }),
    ...{ packages: [], unlisted: "of rpm's format ndb, and damaged: Debian's rpm makes none" },
  },
  arch: {
    ...linux({
      name: 'arch',
      release: { PRETTY_NAME: 'Arch Linux', NAME: 'Arch Linux', ID: 'arch', BUILD_ID: 'rolling' },
      files: { 'etc/arch-release': '' },
      tells: { distro: 'archlinux', packageFormat: 'pacman' },
    }),
    packages: [
      { name: 'bash', version: '5.2.026', release: '2', arch: 'x86_64' },
      { name: 'ca-certificates', version: '20220905', release: '1', arch: 'any' },
      { name: 'linux', version: '6.8.7.arch1', release: '1', epoch: 1, arch: 'x86_64' },
    ],
    database: pacman,
  },
  alpine: {
    ...linux({
      ...{ name: 'alpine', machine: 'aarch64', isMerged: false, log: 'messages' },
      release: {
        PRETTY_NAME: 'Alpine Linux v3.19',
        NAME: 'Alpine Linux',
        VERSION_ID: '3.19.1',
        ID: 'alpine',
      },
      files: { 'etc/alpine-release': '3.19.1\n' },
      tells: { distro: 'alpinelinux', packageFormat: 'apk' },
    }),
    packages: [
      { name: 'busybox', version: '1.36.1', release: 'r15', arch: 'aarch64' },
      { name: 'musl', version: '1.2.4_git20230717', release: 'r4', arch: 'aarch64' },
    ],
    database: apk,
  },
  gentoo: {
    ...linux({
      ...{ name: 'gentoo', log: 'messages' },
      release: { PRETTY_NAME: 'Gentoo Linux', NAME: 'Gentoo', VERSION_ID: '2.15', ID: 'gentoo' },
      files: {
        'etc/gentoo-release': 'Gentoo Base System release 2.15\n',
        'etc/conf.d/hostname': 'hostname="gentoo"\n',
      },
      tells: { distro: 'gentoo', packageFormat: 'ebuild' },
    }),
    ...{ packages: [{ name: 'screen', version: '4.9.1', arch: 'amd64' }], database: portage },
    unlisted: 'none is listed of this format',
  },
  nixos: {
    ...linux({
      name: 'nixos',
      release: { PRETTY_NAME: 'NixOS 23.11 (Tapir)', NAME: 'NixOS', VERSION_ID: '23.11', ID: 'nixos' },
      tells: { distro: 'nixos', packageFormat: null },
    }),
    files: {
      ...Object.fromEntries(
        ['boot', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'srv', 'sys', 'tmp', 'var/lib'].map((name) => [
          `${name}/`,
          '',
        ]),
      ),
      'bin/sh': { link: '/nix/store/aa-bash-5.2/bin/sh' },
      'usr/bin/env': { link: '/nix/store/bb-coreutils-9.3/bin/env' },
      'nix/store/aa-bash-5.2/bin/sh': program('x86_64'),
      'nix/store/bb-coreutils-9.3/bin/env': program('x86_64'),
      'etc/static': { link: '/nix/store/cc-etc/etc' },
      ...Object.fromEntries(
        ['fstab', 'hostname', 'os-release'].map((name) => [`etc/${name}`, { link: `/etc/static/${name}` }]),
      ),
      'etc/NIXOS': '',
      'nix/store/cc-etc/etc/hostname': 'nixos\n',
      'nix/store/cc-etc/etc/os-release': osRelease({
        PRETTY_NAME: 'NixOS 23.11 (Tapir)',
        NAME: 'NixOS',
        VERSION_ID: '23.11',
        ID: 'nixos',
      }),
      ...journal('nixos'),
    },
    ...{
      packages: [],
      unlisted: 'no packages that could be listed',
      isUnknown: true,
      fstab: '/nix/store/cc-etc/etc/fstab',
    },
  },
} as const satisfies Record<string, System>;
