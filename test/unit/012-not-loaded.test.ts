import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { noAppliance, noHypervisor, noKernel, noQemuImg } from '../../lib/faults/faults';
import { installation, installCommand, type Need, parseDistribution } from '../../lib/faults/packages';
import { compiling, explainNotLoaded } from '../../lib/native/not-loaded';
import { temporaryFolder } from '../support/folder';

// The lines of each distribution's own os-release that matter.
const osReleases = {
  'Debian GNU/Linux 12 (bookworm)': `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian`,
  'Debian GNU/Linux 13 (trixie)': `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian`,
  'Debian GNU/Linux forky/sid': `PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian`,
  'Ubuntu 22.04.5 LTS': `PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian`,
  'Ubuntu 24.04.3 LTS': `PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian`,
  'Linux Mint 22': `PRETTY_NAME="Linux Mint 22"\nVERSION_ID="22"\nID=linuxmint\nID_LIKE="ubuntu debian"`,
  'Fedora Linux 43 (Container Image)': `PRETTY_NAME="Fedora Linux 43 (Container Image)"\nVERSION_ID=43\nID=fedora`,
  'Rocky Linux 9.6 (Blue Onyx)': `ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\nPRETTY_NAME="Rocky Linux 9.6 (Blue Onyx)"`,
  'Arch Linux': `NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling`,
  Manjaro: `NAME='Manjaro'\nID=manjaro\nID_LIKE=arch`,
  'openSUSE Leap 15.6': `PRETTY_NAME="openSUSE Leap 15.6"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.6"`,
  'Alpine Linux v3.22': `PRETTY_NAME="Alpine Linux v3.22"\nID=alpine\nVERSION_ID=3.22.1`,
};

const sudo = process.getuid?.() === 0 ? '' : 'sudo ';

describe('what to install', () => {
  test.each<[keyof typeof osReleases, string, string]>([
    [
      'Debian GNU/Linux 12 (bookworm)',
      'apt install libguestfs0',
      'apt install g++ make python3 pkg-config libguestfs-dev',
    ],
    [
      'Debian GNU/Linux 13 (trixie)',
      'apt install libguestfs0t64',
      'apt install g++ make python3 pkg-config libguestfs-dev',
    ],
    [
      'Debian GNU/Linux forky/sid',
      'apt install libguestfs0t64',
      'apt install g++ make python3 pkg-config libguestfs-dev',
    ],
    [
      'Ubuntu 22.04.5 LTS',
      'apt install libguestfs0',
      'apt install g++ make python3 pkg-config libguestfs-dev',
    ],
    [
      'Ubuntu 24.04.3 LTS',
      'apt install libguestfs0t64',
      'apt install g++ make python3 pkg-config libguestfs-dev',
    ],
    ['Linux Mint 22', 'apt install libguestfs0', 'apt install g++ make python3 pkg-config libguestfs-dev'],
    [
      'Fedora Linux 43 (Container Image)',
      'dnf install libguestfs',
      'dnf install gcc-c++ make python3 pkgconf-pkg-config libguestfs-devel',
    ],
    [
      'Rocky Linux 9.6 (Blue Onyx)',
      'dnf install libguestfs',
      'dnf install gcc-c++ make python3 pkgconf-pkg-config libguestfs-devel',
    ],
    ['Arch Linux', 'pacman -S libguestfs', 'pacman -S gcc make python pkgconf libguestfs'],
    ['Manjaro', 'pacman -S libguestfs', 'pacman -S gcc make python pkgconf libguestfs'],
    [
      'openSUSE Leap 15.6',
      'zypper install libguestfs0',
      'zypper install gcc-c++ make python3 pkg-config libguestfs-devel',
    ],
    ['Alpine Linux v3.22', 'apk add libguestfs', 'apk add g++ make python3 pkgconf libguestfs-dev'],
  ])('on %s', (name, library, tools) => {
    const distribution = parseDistribution(osReleases[name]);
    expect(installation(['libguestfs'], distribution)).toEqual([`${name}: ${sudo}${library}`]);
    expect(installation(compiling, distribution)).toEqual([`${name}: ${sudo}${tools}`]);
  });

  test.each<[keyof typeof osReleases, string, string]>([
    ['Debian GNU/Linux 12 (bookworm)', 'apt install libguestfs0', 'qemu-utils'],
    ['Debian GNU/Linux 13 (trixie)', 'apt install libguestfs0t64', 'qemu-utils'],
    ['Fedora Linux 43 (Container Image)', 'dnf install libguestfs-appliance', 'qemu-img kernel'],
    ['Arch Linux', 'pacman -S libguestfs', 'qemu-img linux'],
    ['openSUSE Leap 15.6', 'zypper install libguestfs-appliance', 'qemu-tools kernel-default'],
    ['Alpine Linux v3.22', 'apk add libguestfs', 'qemu-img linux-virt'],
    ['Linux Mint 22', 'apt install libguestfs0', 'qemu-utils linux-image-generic'],
  ])('for the appliance, on %s', (name, appliance, others) => {
    const distribution = parseDistribution(osReleases[name]);
    expect(installCommand(['appliance'], distribution)).toBe(sudo + appliance);
    expect(installCommand(['qemu-img', 'kernel'], distribution)).toContain(` ${others}`);
  });

  test.each(['', 'ID=gentoo\nPRETTY_NAME="Gentoo Linux"'])('where we do not know: %j', (text) => {
    expect(installation(['libguestfs'], parseDistribution(text))).toEqual([
      `Debian, Ubuntu: ${sudo}apt install libguestfs0`,
      `Fedora, RHEL: ${sudo}dnf install libguestfs`,
      `Arch: ${sudo}pacman -S libguestfs`,
      `openSUSE: ${sudo}zypper install libguestfs0`,
      `Alpine: ${sudo}apk add libguestfs`,
    ]);
    expect(installCommand(['libguestfs'], parseDistribution(text))).toBeNull();
  });
});

describe('the table of packages', () => {
  const distributions = Object.values(osReleases).map((text) => parseDistribution(text));
  const needs: readonly Need[] = [
    'libguestfs',
    'appliance',
    'supermin',
    'kernel',
    'qemu',
    'qemu-img',
    ...compiling,
  ];

  test('errors name what the doctor names', () => {
    for (const distribution of distributions) {
      for (const [need, { advice }] of [
        ['kernel', noKernel(distribution)],
        ['appliance', noAppliance('/none', distribution)],
        ['qemu', noHypervisor('/none', 'ENOENT', distribution)],
      ] as const) {
        expect(advice).toContain(`\`${installCommand([need], distribution)}\``);
      }
    }
    expect(noQemuImg().advice).toContain(installCommand(['qemu-img']) ?? 'apt install qemu-utils');
  });

  test('where we do not know the distribution, errors name those of all that we know', () => {
    expect(noKernel(parseDistribution('')).advice).toBe(
      [
        `\`${sudo}apt install linux-image-${process.arch === 'x64' ? 'amd64' : process.arch}\` (Debian)`,
        `\`${sudo}apt install linux-image-generic\` (Ubuntu)`,
        `\`${sudo}dnf install kernel\` (Fedora, RHEL)`,
        `\`${sudo}pacman -S linux\` (Arch)`,
        `\`${sudo}zypper install kernel-default\` (openSUSE)`,
        `\`${sudo}apk add linux-virt\` (Alpine)`,
      ].join(', '),
    );
  });

  test('the documentation and the setup name no others', () => {
    const known = new Set(
      distributions.flatMap((distribution) =>
        needs.flatMap((need) => installCommand([need], distribution)?.split(' ') ?? []),
      ),
    );
    known.add('linux-image-amd64').add('qemu-system-x86').add('libguestfs-xfs');
    const named =
      /\b(?:libguestfs0\w*|libguestfs-appliance|linux-image-[a-z0-9]+|qemu-(?:system-x86|kvm|utils|base))\b/g;
    for (const file of [
      'README.md',
      'docs/guides/getting-started.md',
      'docs/guides/ci-and-containers.md',
      'docs/guides/troubleshooting.md',
      'scripts/system.mjs',
    ]) {
      const names = readFileSync(file, 'utf8').match(named) ?? [];
      expect({ file, others: names.filter((name) => !known.has(name)) }).toEqual({ file, others: [] });
      expect(names).not.toEqual([]);
    }
  });
});

describe('why the addon does not load', () => {
  // Nobody has a checkout here: what is looked for in it is not there.
  const nowhere = '/nowhere/guestfs';
  const explain = (message: string, file?: string, root = nowhere) =>
    explainNotLoaded(new Error(message), root, file);
  const prebuilt = `${nowhere}/prebuilds/linux-x64/guestfs.glibc.node`;

  // `npm run test:cmake` names its addon, and then nothing else is looked for.
  const named = process.env.GUESTFS_NODE_ADDON;
  beforeEach(() => {
    delete process.env.GUESTFS_NODE_ADDON;
  });
  afterEach(() => {
    if (named !== undefined) process.env.GUESTFS_NODE_ADDON = named;
    else delete process.env.GUESTFS_NODE_ADDON;
  });

  test.each([
    'libguestfs.so.0: cannot open shared object file: No such file or directory',
    'Error loading shared library libguestfs.so.0: No such file or directory (needed by guestfs.node)',
  ])('libguestfs is missing: %s', (reason) => {
    const text = explain(reason, prebuilt);
    expect(text).toContain(`  ${nowhere}/build/Release/guestfs.node: not there, nothing has been compiled\n`);
    expect(text).toContain(`  ${prebuilt}: ${reason}\n`);
    expect(text).toMatch(/libguestfs\.so\.0 is missing\. Install it:\n {2}.+ (install|add|-S) libguestfs/);
    expect(text).not.toContain('Compile');
  });

  test('the system is older than the prebuilt binary', () => {
    const text = explain("/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.node)", prebuilt);
    expect(text).toContain('needs glibc 2.34 or newer, and this system has an older one. Compile it.');
    expect(text).toMatch(
      / make .*\n.*`npm rebuild guestfs`, or `node \/nowhere\/guestfs\/scripts\/native\.mjs`/,
    );
  });

  test('nothing was built for musl', () => {
    const text = explain('No native build was found for platform=linux arch=x64 runtime=node libc=musl');
    expect(text).toContain('There is no prebuilt binary for musl');
    expect(text).toContain(`${nowhere}/prebuilds: nothing there`);
  });

  test('nothing was built for this processor', () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'prebuilds/linux-s390x'), { recursive: true });
    const text = explain('No native build was found for platform=linux', undefined, folder.path);
    expect(text).toContain(
      `There is no prebuilt binary for ${process.platform}-${process.arch}. Compile it.`,
    );
    expect(text).toContain('/prebuilds: only linux-s390x\n');
  });

  test('what was compiled here does not fit', () => {
    using folder = temporaryFolder();
    const file = folder.file('build/Release/guestfs.node');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
    const text = explain('file too short\nand more', file, folder.path);
    expect(text).toContain(
      `Tried:\n  ${file}: file too short\nThe binary does not fit this system. Compile it.`,
    );
  });

  test('the addon that was named does not load', () => {
    process.env.GUESTFS_NODE_ADDON = '/elsewhere/guestfs.node';
    const text = explain('file too short', '/elsewhere/guestfs.node');
    expect(text).toContain('Tried:\n  /elsewhere/guestfs.node: file too short\nThe binary does not fit');
    expect(text).not.toContain(`${nowhere}/build`);
    expect(text).not.toContain('prebuilds');
  });
});
