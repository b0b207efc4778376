import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { definitions } from '../../lib/cli/compile';
import { noAppliance, noHypervisor, noKernel, noQemuImg } from '../../lib/faults/faults';
import {
  compiling,
  installation,
  installCommand,
  type Need,
  parseDistribution,
} from '../../lib/faults/packages';
import { explainNotLoaded, type Failed, reasonOf } from '../../lib/native/not-loaded';

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
      'apt install g++ pkg-config libguestfs-dev',
    ],
    [
      'Debian GNU/Linux 13 (trixie)',
      'apt install libguestfs0t64',
      'apt install g++ pkg-config libguestfs-dev',
    ],
    ['Debian GNU/Linux forky/sid', 'apt install libguestfs0t64', 'apt install g++ pkg-config libguestfs-dev'],
    ['Ubuntu 22.04.5 LTS', 'apt install libguestfs0', 'apt install g++ pkg-config libguestfs-dev'],
    ['Ubuntu 24.04.3 LTS', 'apt install libguestfs0t64', 'apt install g++ pkg-config libguestfs-dev'],
    ['Linux Mint 22', 'apt install libguestfs0', 'apt install g++ pkg-config libguestfs-dev'],
    [
      'Fedora Linux 43 (Container Image)',
      'dnf install libguestfs',
      'dnf install gcc-c++ pkgconf-pkg-config libguestfs-devel',
    ],
    [
      'Rocky Linux 9.6 (Blue Onyx)',
      'dnf install libguestfs',
      'dnf install gcc-c++ pkgconf-pkg-config libguestfs-devel',
    ],
    ['Arch Linux', 'pacman -S libguestfs', 'pacman -S gcc pkgconf libguestfs'],
    ['Manjaro', 'pacman -S libguestfs', 'pacman -S gcc pkgconf libguestfs'],
    [
      'openSUSE Leap 15.6',
      'zypper install libguestfs0',
      'zypper install gcc-c++ pkg-config libguestfs-devel',
    ],
    ['Alpine Linux v3.22', 'apk add libguestfs', 'apk add g++ pkgconf libguestfs-dev'],
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
  const root = '/nowhere/guestfs';
  const compiled = `${root}/build/Release/guestfs.node`;
  const prebuilt = `${root}/prebuilds/linux-x64/guestfs.glibc.node`;
  const usual = { file: undefined, named: false, platform: 'linux', arch: 'x64', root } as const;
  const explain = (failed: Partial<Failed> & { cause: Error }) => {
    const all = { ...usual, executable: undefined, permissions: 'none', ...failed } as const;
    const reason = reasonOf(all);
    return { reason, text: explainNotLoaded(all, reason) };
  };
  const error = (message: string, code: string, more = {}) =>
    Object.assign(new Error(message), { code, ...more });
  const dlopen = (message: string) => error(message, 'ERR_DLOPEN_FAILED');
  const notFound = error(`Cannot find module '../../prebuilds/x.node'\nRequire stack:`, 'MODULE_NOT_FOUND');
  const noLibrary = 'libguestfs.so.0: cannot open shared object file: No such file or directory';
  const noLibraryOnMusl =
    'Error loading shared library libguestfs.so.0: No such file or directory (needed by guestfs.node)';

  const mustNotSay = {
    compile: /guestfs build/,
    install: /Install it:/,
    bundle: /esbuild/,
  };

  test.each([
    ['the carried one', { cause: dlopen(noLibrary) }],
    ['the compiled one', { cause: dlopen(noLibrary), file: compiled }],
    ['the compiled one, on musl', { cause: dlopen(noLibraryOnMusl), file: compiled }],
    ['a named one', { cause: dlopen(noLibrary), file: '/a/guestfs.node', named: true }],
    ['one beside a bundle', { cause: dlopen(noLibrary), root: undefined }],
  ])('libguestfs is missing: %s', (_, failed) => {
    const { reason, text } = explain(failed);
    expect(reason).toBe('library');
    expect(text).toMatch(/libguestfs\.so\.0 is missing\. Install it:\n {2}.+ (install|add|-S) libguestfs/);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test.each([
    'libz.so.1: cannot open shared object file: No such file or directory',
    '/usr/lib/libguestfs.so.0: libvirt.so.0: cannot open shared object file: No such file or directory',
  ])('a library that it needs is missing: %s', (message) => {
    const { reason, text } = explain({ cause: dlopen(message) });
    expect(reason).toBe('dependency');
    expect(text).toMatch(/The library lib(?:z\.so\.1|virt\.so\.0) is missing/);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test('the system is older than the prebuilt binary', () => {
    const cause = dlopen("/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.node)");
    const { reason, text } = explain({ cause });
    expect(reason).toBe('glibc');
    expect(text).toContain('needs glibc 2.34 or newer, and this system has an older one.\n');
    expect(text).toContain(
      'Compile it: `npx guestfs build`, or `node /nowhere/guestfs/dist/cli/main.js build`. That needs:\n',
    );
    expect(text).toContain(`  ${compiled}: not there, nothing has been compiled\n`);
    expect(text).toContain(`  ${prebuilt}: /lib/libc.so.6: version`);
  });

  test.each([
    noLibraryOnMusl,
    'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by guestfs.node)',
    'Error relocating /nowhere/guestfs.node: __fprintf_chk: symbol not found',
  ])('what is carried is not for musl: %s', (message) => {
    const { reason, text } = explain({ cause: dlopen(message) });
    expect(reason).toBe('musl');
    expect(text).toMatch(/no binary for musl.*Compile it/s);
  });

  test('nothing is carried for this processor', () => {
    const { reason, text } = explain({ cause: new Error('The package carries none.'), arch: 's390x' });
    expect(reason).toBe('processor');
    expect(text).toMatch(/no binary for linux-s390x\.\nCompile it/);
  });

  test('what should be carried is not there', () => {
    const { reason, text } = explain({ cause: notFound });
    expect(reason).toBe('incomplete');
    expect(text).toContain(`  ${prebuilt}: Cannot find module '../../prebuilds/x.node'\n`);
    expect(text).toMatch(/should contain prebuilds\/linux-x64.*install it again.*Or compile it/s);
  });

  test('what was compiled here does not fit', () => {
    const { reason, text } = explain({ cause: dlopen(`${compiled}: file too short\nmore`), file: compiled });
    expect(reason).toBe('unfit');
    expect(text).toContain(`Tried:\n  ${compiled}: file too short\nThe binary does not fit this system.\n`);
  });

  test('a file is named that is not there', () => {
    const file = '/else where/guestfs.node';
    const cause = dlopen(`${file}: cannot open shared object file: No such file or directory`);
    const { reason, text } = explain({ cause, file, named: true });
    expect(reason).toBe('named');
    expect(text).toContain(`Tried:\n  GUESTFS_NODE_ADDON, ${file}: cannot open`);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test('a file is named that does not fit', () => {
    const cause = dlopen('/a.node: invalid ELF header');
    const { reason, text } = explain({ cause, file: '/a.node', named: true });
    expect(reason).toBe('unfit');
    expect(text).toContain('GUESTFS_NODE_ADDON names it');
  });

  test.each([
    notFound,
    new ReferenceError('require is not defined in ES module scope'),
    new Error('Dynamic require of "../../prebuilds/x.node" is not supported'),
    new Error(`Could not dynamically require "x". Please configure the dynamicRequireTargets`),
  ])('a bundle has lost it: $message', (cause) => {
    const { reason, text } = explain({ cause, root: undefined });
    expect(reason).toBe('bundled');
    expect(text).toMatch(/is a bundle.*external:guestfs.*serverExternalPackages.*GUESTFS_NODE_ADDON/s);
    expect(text).not.toMatch(mustNotSay.compile);
    expect(text).not.toMatch(mustNotSay.install);
  });

  test('a single executable has lost it', () => {
    const cause = error('No such built-in module: ../../prebuilds/x.node', 'ERR_UNKNOWN_BUILTIN_MODULE');
    const { reason, text } = explain({ cause, root: undefined, executable: '/opt/my app/app' });
    expect(reason).toBe('executable');
    expect(text).toMatch(/cp \S+guestfs\.glibc\.node '\/opt\/my app\/guestfs\.node'\n.*GUESTFS_NODE_ADDON/);
    expect(text).not.toMatch(mustNotSay.bundle);
  });

  const disabled = error(
    'Cannot load native addon because loading addons is disabled.',
    'ERR_DLOPEN_DISABLED',
  );

  test.each(['none', 'with addons'] as const)('Node.js was started with --no-addons: %s', (permissions) => {
    const { reason, text } = explain({ cause: disabled, permissions });
    expect(reason).toBe('no-addons');
    expect(text).toMatch(/started with --no-addons/);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test('the permission model forbids addons', () => {
    const { reason, text } = explain({
      cause: disabled,
      permissions: 'without addons',
      root: "/it's here/guestfs",
    });
    expect(reason).toBe('permission-addons');
    expect(text).toContain(`  --allow-addons --allow-fs-read='/it'\\''s here/guestfs'`);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test.each([
    [{ resource: prebuilt }, undefined, root],
    [{ resource: '/a/guestfs.node' }, '/a/guestfs.node', '/a/guestfs.node'],
    [{}, '/a/guestfs.node', '/a/guestfs.node'],
    [{}, undefined, root],
  ])('the permission model forbids to read it: %j', (more, file, named) => {
    const cause = error('Access to this API has been restricted', 'ERR_ACCESS_DENIED', more);
    const { reason, text } = explain({ cause, file, named: file !== undefined, permissions: 'with addons' });
    expect(reason).toBe('permission-reads');
    expect(text).toContain(`--allow-fs-read=${named}`);
    expect(text).not.toMatch(mustNotSay.compile);
  });

  test.each(['darwin', 'win32', 'freebsd'])('there is no libguestfs on %s', (platform) => {
    const { reason, text } = explain({ cause: notFound, platform, arch: 'arm64' });
    expect(reason).toBe('platform');
    expect(text).toMatch(
      new RegExp(`runs on Linux, and this is ${platform}-arm64\\..*container.*machine`, 's'),
    );
    expect(text).not.toMatch(mustNotSay.compile);
    expect(text).not.toMatch(mustNotSay.install);
    expect(text).not.toContain('linux-');
  });
});

test('all ways to compile the addon define the same', () => {
  const of = (file: string) => [
    ...new Set(readFileSync(file, 'utf8').match(/\b(?:NAPI_VERSION=\d+|NODE_(?:ADDON_)?API_[A-Z_]+)/g)),
  ];
  expect(of('binding.gyp').sort()).toEqual([...definitions].sort());
  expect(of('CMakeLists.txt').sort()).toEqual([...definitions].sort());
});
