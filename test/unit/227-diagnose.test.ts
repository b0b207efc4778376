import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { diagnose, type Finding, GuestfsError } from '../../lib';
import { UsageError } from '../../lib/cli/command';
import { describe as describeFinding, parse, summarise } from '../../lib/cli/doctor';
import { checkAll, checkWithoutLibrary } from '../../lib/doctor/diagnose';
import { explainLaunch, kvmVerdict } from '../../lib/doctor/launch';
import { libraryFailed } from '../../lib/doctor/library';
import { checkTemplates, templateVerdict } from '../../lib/doctor/templates';
import { errorFor, launchFailed, seeDoctor } from '../../lib/faults/errors';
import { textOf } from '../../lib/faults/faults';
import { parseDistribution } from '../../lib/faults/packages';
import { faultIn } from '../../lib/faults/words';
import type { Template } from '../../lib/templates/store';
import { shellWord } from '../../lib/text/shell';
import { runCli } from '../support/cli';
import { temporaryFolder } from '../support/folder';
import { machineWith, type Place, settingsWith } from '../support/machine';
import { root, runNode } from '../support/script';

type MachineArguments = Parameters<typeof machineWith>;

/** All that is not well. */
const complaints = (machine: MachineArguments, settings: Parameters<typeof settingsWith>[0] = {}) =>
  checkAll(machineWith(...machine), settingsWith(settings)).filter(({ severity }) => severity !== 'ok');

const MiB = 2 ** 20;
const asRoot = { uid: 0 };

test('nothing is wrong with a healthy machine, and every check says so', () => {
  const findings = checkAll(machineWith(), settingsWith());
  expect(findings.map(({ code, severity, remedy }) => [code, severity, remedy])).toEqual(
    [
      ...['LIBRARY', 'BACKEND', 'HYPERVISOR', 'QEMU_IMG', 'KERNEL', 'CACHEDIR', 'APPLIANCE', 'TMPDIR', 'KVM'],
      ...['MEMORY', 'INIT'],
    ].map((code) => [code, 'ok', null]),
  );
});

test('a hypervisor may be one that is found in the PATH', () => {
  const findings = checkAll(machineWith(), settingsWith({ hv: 'qemu-system-x86_64' }));
  expect(findings).toContainEqual(
    expect.objectContaining({ code: 'HYPERVISOR', severity: 'ok', detail: '/bin/qemu-system-x86_64' }),
  );
});

describe('one fault, one finding', () => {
  test.each<
    [
      what: string,
      machine: MachineArguments,
      settings: Parameters<typeof settingsWith>[0],
      finding: [code: string, severity: string, detail: RegExp, remedy: string | null],
    ]
  >([
    ['an old library', [], { version: '1.38.2' }, ['LIBRARY_OLD', 'warning', /1\.40/, null]],
    [
      'no qemu',
      [{ '/bin/qemu-system-x86_64': undefined }],
      {},
      [
        ...(['ERR_GUESTFS_NO_HYPERVISOR', 'error', /qemu-system-x86_64 does not exist/] as const),
        `${sudo()}apt install qemu-system-${process.arch === 'x64' ? 'x86' : 'arm'}`,
      ],
    ],
    [
      'a variable that names no qemu',
      [{}, { env: { PATH: '/bin', LIBGUESTFS_HV: '/nowhere' } }],
      { hv: '/nowhere' },
      ['ERR_GUESTFS_NO_HYPERVISOR', 'error', /\/nowhere does not exist/, 'unset LIBGUESTFS_HV'],
    ],
    [
      'one that names a folder',
      [{ '/opt': { isFolder: true } }, { env: { PATH: '/bin', LIBGUESTFS_HV: '/opt' } }],
      { hv: '/opt' },
      ['ERR_GUESTFS_NO_HYPERVISOR', 'error', /\/opt cannot be run/, 'unset LIBGUESTFS_HV'],
    ],
    [
      'no qemu in the PATH, where libguestfs 1.60 looks for it',
      [{}, { env: { PATH: '/bin' } }],
      { hv: 'qemu-system-riscv64' },
      [
        'ERR_GUESTFS_NO_HYPERVISOR',
        'error',
        /qemu-system-riscv64 does not exist/,
        `${sudo()}apt install qemu-system-${process.arch === 'x64' ? 'x86' : 'arm'}`,
      ],
    ],
    [
      'a variable that names no appliance',
      [{}, { env: { PATH: '/bin:/bin', LIBGUESTFS_PATH: '/nowhere' } }],
      { path: '/nowhere' },
      ['ERR_GUESTFS_NO_APPLIANCE', 'error', /in \/nowhere/, 'unset LIBGUESTFS_PATH'],
    ],
    [
      'no qemu-img',
      [{ '/bin/qemu-img': undefined }],
      {},
      ['ERR_GUESTFS_QEMU_IMG_MISSING', 'error', /read-only/, `${sudo()}apt install qemu-utils`],
    ],
    [
      'a kernel for root only, as on Ubuntu',
      [{ '/boot/vmlinuz-6.1.0-9-amd64': { refuses: { read: 'EACCES' } } }],
      {},
      [
        ...([
          'ERR_GUESTFS_KERNEL_UNREADABLE',
          'error',
          /^The appliance needs the kernel \/boot\/vmlinuz/,
        ] as const),
        'sudo chmod 0644 /boot/vmlinuz-6.1.0-9-amd64',
      ],
    ],
    [
      'the newest of several kernels, by number',
      [
        {
          '/boot/vmlinuz-6.1.0-10-amd64': { refuses: { read: 'EACCES' } },
          '/lib/modules/6.1.0-10-amd64/modules.dep': {},
          '/boot/vmlinuz-7.0-without-modules': { refuses: { read: 'EACCES' } },
          '/boot/vmlinuz-7.0-xen': { refuses: { read: 'EACCES' } },
          '/lib/modules/7.0-xen/modules.dep': {},
        },
      ],
      {},
      [
        ...(['ERR_GUESTFS_KERNEL_UNREADABLE', 'error', /needs the kernel/] as const),
        'sudo chmod 0644 /boot/vmlinuz-6.1.0-10-amd64',
      ],
    ],
    [
      'one among its modules goes before /boot, as on Fedora',
      [
        {
          '/lib/modules/5.0/vmlinuz': { refuses: { read: 'EACCES' } },
          '/lib/modules/5.0/modules.dep': {},
        },
      ],
      {},
      [
        ...(['ERR_GUESTFS_KERNEL_UNREADABLE', 'error', /needs the kernel/] as const),
        'sudo chmod 0644 /lib/modules/5.0/vmlinuz',
      ],
    ],
    [
      'SUPERMIN_KERNEL that is not there',
      [{}, { env: { PATH: '/bin', SUPERMIN_KERNEL: '/k', SUPERMIN_KERNEL_VERSION: '6.1' } }],
      {},
      ['ERR_GUESTFS_NO_KERNEL', 'error', /kernel \/k, which SUPERMIN_KERNEL names/, 'unset SUPERMIN_KERNEL'],
    ],
    [
      'no kernel, on Ubuntu',
      [{ '/boot/vmlinuz-6.1.0-9-amd64': undefined }, { distribution: parseDistribution('ID=ubuntu') }],
      {},
      ['ERR_GUESTFS_NO_KERNEL', 'error', /in \/boot/, `${sudo()}apt install linux-image-generic`],
    ],
    [
      'no appliance, on Fedora',
      [{ '/appliance/supermin.d': undefined }, { distribution: parseDistribution('ID=fedora') }],
      {},
      ['ERR_GUESTFS_NO_APPLIANCE', 'error', /in \/appliance:/, `${sudo()}dnf install libguestfs-appliance`],
    ],
    [
      'no supermin',
      [{ '/bin/supermin': undefined }],
      {},
      ['ERR_GUESTFS_NO_APPLIANCE', 'error', /supermin, which builds it/, `${sudo()}apt install supermin`],
    ],
    [
      'an appliance that has not been built',
      [{ '/cache/.guestfs-1000/appliance.d/root': undefined }],
      {},
      ['APPLIANCE_NOT_BUILT', 'warning', /first launch/, 'npx guestfs warm'],
    ],
    [
      'one that is older than the packages',
      [{ '/var/lib/dpkg/status': { modified: 31 } }],
      {},
      ['APPLIANCE_STALE', 'warning', /Packages have been installed/, 'npx guestfs warm'],
    ],
    [
      'one that is older than libguestfs',
      [{ '/appliance/supermin.d': { isFolder: true, modified: 30 } }],
      {},
      ['APPLIANCE_STALE', 'warning', /builds it again/, 'npx guestfs warm'],
    ],
    [
      'one that another process builds',
      [{}, { holders: (file) => (file === '/cache/.guestfs-1000/lock' ? [77] : []) }],
      {},
      ['APPLIANCE_BUSY', 'warning', /^Process 77 is building it/, null],
    ],
    [
      "one of another user's",
      [{ '/cache/.guestfs-1000': { isFolder: true, uid: 0 } }],
      {},
      ['ERR_GUESTFS_CACHEDIR', 'error', /belongs to user 0/, 'sudo rm -rf /cache/.guestfs-1000'],
    ],
    [
      'a cache that is no folder',
      [{ '/cache/.guestfs-1000': {} }],
      {},
      ['ERR_GUESTFS_CACHEDIR', 'error', /no folder/, 'sudo rm -rf /cache/.guestfs-1000'],
    ],
    [
      'a cache that cannot be written',
      [{ '/cache': { refuses: { write: 'EROFS' } }, '/cache/.guestfs-1000': undefined }],
      {},
      ['ERR_GUESTFS_CACHEDIR', 'error', /folder \/cache .*EROFS/, 'export LIBGUESTFS_CACHEDIR=/var/tmp'],
    ],
    [
      'a folder for temporary files that is not there',
      [{ '/tmp': undefined }],
      {},
      ['ERR_GUESTFS_TMPDIR', 'error', /folder \/tmp .*ENOENT/, 'export LIBGUESTFS_TMPDIR=/var/tmp'],
    ],
    [
      'another one that is not there',
      [{ '/var/tmp': undefined }],
      { tmpdir: '/elsewhere' },
      ['ERR_GUESTFS_TMPDIR', 'error', /folder \/elsewhere .*ENOENT/, 'export LIBGUESTFS_TMPDIR=/tmp'],
    ],
    [
      'no folder at all for temporary files',
      [{ '/tmp': undefined, '/var/tmp': { isFolder: true, refuses: { write: 'EACCES' } } }],
      {},
      ['ERR_GUESTFS_TMPDIR', 'error', /folder \/tmp .*ENOENT/, null],
    ],
    [
      'one that is full',
      [{}, { bytesLeft: 15 * MiB }],
      {},
      ['ERR_GUESTFS_TMPDIR', 'error', /No space left/, null],
    ],
    [
      'one that is nearly full',
      [{}, { bytesLeft: 255 * MiB }],
      {},
      ['TMPDIR_SHORT', 'warning', /255 MiB left/, null],
    ],
    [
      "another session's folder for sockets",
      [{ '/run/user/1000': undefined }, { env: { PATH: '/bin', XDG_RUNTIME_DIR: '/run/user/1000' } }],
      {},
      [
        'ERR_GUESTFS_SOCKDIR',
        'error',
        /\/run\/user\/1000 .*ENOENT.*XDG_RUNTIME_DIR/,
        'unset XDG_RUNTIME_DIR',
      ],
    ],
    [
      'no KVM where the processor has it',
      [{ '/proc/cpuinfo': { text: 'flags\t\t: fpu svm de\n' } }, { kvm: 'missing' }],
      {},
      ['KVM_MISSING', 'warning', /load the module.*emulation/, 'sudo modprobe kvm_amd'],
    ],
    [
      'no KVM in a virtual machine',
      [{ '/proc/cpuinfo': { text: 'flags\t\t: fpu vmx_not de\n' } }, { kvm: 'missing' }],
      {},
      ['KVM_MISSING', 'warning', /does not offer it/, null],
    ],
    [
      'KVM for a group',
      [{}, { kvm: 'forbidden' }],
      {},
      [
        'KVM_FORBIDDEN',
        'warning',
        /members of the group kvm/,
        'sudo usermod --append --groups kvm "$(id -un)"',
      ],
    ],
    [
      'KVM for a group that has no name here, as in a container',
      [{ '/etc/group': { text: 'root:x:0:\n' } }, { kvm: 'forbidden' }],
      {},
      ['KVM_FORBIDDEN', 'warning', /may not open/, 'sudo chmod 0666 /dev/kvm'],
    ],
    [
      'KVM that hangs',
      [{}, { kvmFails: true }],
      {},
      [
        ...(['KVM_FAILS', 'warning', /remembered in \/home\/u.*reboots/] as const),
        'export LIBGUESTFS_BACKEND_SETTINGS=force_tcg',
      ],
    ],
    [
      "libvirt's backend without libvirt",
      [],
      { backend: 'libvirt' },
      ['ERR_GUESTFS_LIBVIRT', 'error', /neither virtqemud nor libvirtd/, 'export LIBGUESTFS_BACKEND=direct'],
    ],
    [
      "the system's libvirt without the right to use it",
      [{ '/run/libvirt/libvirt-sock': { refuses: { write: 'EACCES' } } }],
      { backend: 'libvirt:qemu:///system' },
      ['ERR_GUESTFS_LIBVIRT', 'error', /may not use its socket/, 'export LIBGUESTFS_BACKEND=direct'],
    ],
    [
      'little memory',
      [{}, { bytesOfMemory: 1200 * MiB }],
      {},
      ['ERR_GUESTFS_MEMORY', 'warning', /1200 MiB .* up to 1536/, 'export LIBGUESTFS_MEMSIZE=896'],
    ],
    [
      'too little memory',
      [{}, { bytesOfMemory: 500 * MiB }],
      {},
      ['ERR_GUESTFS_MEMORY', 'error', /500 MiB .*not enough memory/, null],
    ],
    [
      'a container without an init',
      [{ '/proc/1/cmdline': { text: '/usr/local/bin/node\0server.js\0' } }],
      {},
      ['NO_INIT', 'warning', /Process 1 is node:/, 'docker run --init'],
    ],
    [
      'being process 1',
      [{}, { pid: 1 }],
      {},
      ['NO_INIT', 'warning', /Process 1 is this program:/, 'docker run --init'],
    ],
    [
      'zombies, whatever process 1 is',
      [
        {
          '/proc/20/stat': { text: '20 (qemu) Z (x) Z 1 20 20 0 -1 4227084 0' },
          '/proc/21/stat': { text: '21 (qemu) S 1 20 20 0 -1 4227084 0' },
          '/proc/22/stat': { text: '22 (qemu) Z 7 20 20 0 -1 4227084 0' },
        },
      ],
      {},
      ['NO_INIT', 'warning', /systemd, and 1 that have ended/, 'docker run --init'],
    ],
  ])('%s', (_, machine, settings, [code, severity, detail, remedy]) => {
    expect(complaints(machine, settings)).toEqual([
      { code, severity, remedy, title: expect.any(String), detail: expect.stringMatching(detail) },
    ]);
  });

  test.each([
    [1023, 'CACHEDIR_SHORT', 'warning'],
    [200, 'ERR_GUESTFS_CACHEDIR', 'error'],
  ])('%d MiB for an appliance that has to be built', (space, code, severity) => {
    const machine: MachineArguments = [
      { '/cache/.guestfs-1000': undefined, '/cache/.guestfs-1000/appliance.d': undefined },
      { bytesLeft: space * MiB },
    ];
    expect(complaints(machine)).toContainEqual(expect.objectContaining({ code, severity, remedy: null }));
    expect(complaints(machine).map((each) => each.code)).toEqual(
      severity === 'error'
        ? expect.not.arrayContaining(['APPLIANCE_NOT_BUILT'])
        : expect.arrayContaining(['APPLIANCE_NOT_BUILT']),
    );
    expect(complaints([{}, { bytesLeft: space * MiB }])).not.toContainEqual(
      expect.objectContaining({ code }),
    );
  });

  test('another folder has space for the appliance', () => {
    const machine: MachineArguments = [
      { '/cache/.guestfs-1000/appliance.d': undefined },
      {
        env: { PATH: '/bin', HOME: '/home/a b' },
        space: (folder) => (folder === '/home/a b' ? 2048 * MiB : 0),
        refusal: () => undefined,
      },
    ];
    expect(complaints(machine)).toContainEqual(
      expect.objectContaining({
        ...{ code: 'ERR_GUESTFS_CACHEDIR', remedy: "export LIBGUESTFS_CACHEDIR='/home/a b'" },
      }),
    );
  });

  test.each<[what: string, version: string, uid: number, passt: boolean, told: boolean]>([
    ['as root with a new libguestfs', '1.52.0', 0, true, true],
    ['and a much newer one', '2.0.1', 0, true, true],
    ['with an older one', '1.51.9', 0, true, false],
    ['as another user', '1.54.1', 1000, true, false],
    ['without passt', '1.54.1', 0, false, false],
  ])('passt %s', (_, version, uid, passt, told) => {
    const places = passt ? { '/bin/passt': { mode: 0o100755 } } : {};
    const codes = complaints([places, { uid }], { version }).map(({ code }) => code);
    expect(codes.includes('ERR_GUESTFS_PASST')).toBe(told);
  });
});

describe('what is as it should be', () => {
  test('root needs no sudo', () => {
    const [finding] = complaints([{ '/cache/.guestfs-0': { isFolder: true, uid: 1000 } }, asRoot]);
    expect(finding?.remedy).toBe('rm -rf /cache/.guestfs-0');
  });

  test('a fixed appliance brings its kernel along', () => {
    const places = Object.fromEntries(
      ['README.fixed', 'kernel', 'initrd', 'root'].map((name) => [`/fixed/${name}`, {}]),
    );
    const machine: MachineArguments = [{ ...places, '/boot/vmlinuz-6.1.0-9-amd64': undefined }];
    expect(complaints(machine, { path: '/nowhere:/fixed' })).toEqual([]);
  });

  test.each<[Place, RegExp]>([
    [{ size: 0 }, /initrd is empty/],
    [{ refuses: { read: 'EACCES' } }, /initrd may not be read by this user/],
  ])('a fixed appliance that is damaged is seen: %p', (initrd, words) => {
    const places = Object.fromEntries(
      ['README.fixed', 'kernel', 'initrd', 'root'].map((name) => [`/fixed/${name}`, {}]),
    );
    const machine: MachineArguments = [{ ...places, '/fixed/initrd': initrd }];
    expect(complaints(machine, { path: '/fixed' })).toMatchObject([
      { code: 'ERR_GUESTFS_APPLIANCE_INVALID', severity: 'error', detail: expect.stringMatching(words) },
    ]);
  });

  test('force_tcg: KVM does not matter', () => {
    const machine: MachineArguments = [{}, { kvmFails: true }];
    expect(complaints(machine, { backendSettings: ['force_tcg'] })).toEqual([]);
  });

  test('supermin passes over a SUPERMIN_KERNEL that it cannot read', () => {
    const env = { PATH: '/bin', SUPERMIN_KERNEL: '/k' };
    expect(complaints([{}, { env }])).toEqual([]);
    expect(complaints([{ '/k': { refuses: { read: 'EACCES' } } }, { env }])).toEqual([]);
    const [, , , , kernel] = checkAll(machineWith({ '/k': {} }, { env }), settingsWith());
    expect(kernel).toMatchObject({ code: 'KERNEL', detail: '/k' });
  });

  test.each([
    ['libvirt', { '/usr/sbin/virtqemud': { mode: 0o100755 } }],
    ['libvirt:qemu:///system', { '/run/libvirt/virtqemud-sock': {} }],
    ['libvirt:qemu+ssh://elsewhere/system', {}],
  ])('the backend %s', (backend, places) => {
    expect(complaints([places], { backend })).toEqual([]);
  });

  test('functions that the library lacks are named', () => {
    const [library] = checkAll(machineWith(), settingsWith({ missing: ['a', 'b', 'c', 'd'] }));
    expect(library).toMatchObject({
      severity: 'ok',
      detail: expect.stringMatching(/4 functions.*\(a, b, c, …\)/),
    });
  });
});

describe('without the library', () => {
  test('what needs none is still looked at', () => {
    const codes = checkWithoutLibrary(machineWith()).map(({ code }) => code);
    expect(codes).toEqual(['QEMU_IMG', 'KERNEL', 'KVM', 'INIT']);
  });

  test.each([
    ['library', `${sudo()}apt install libguestfs0`],
    ['musl', 'npx guestfs build'],
    ['glibc', 'npx guestfs build'],
    ['named', 'unset GUESTFS_NODE_ADDON'],
    ['no-addons', null],
  ])('the addon cannot be loaded: %s', (reason, remedy) => {
    const error = Object.assign(new Error('cannot be loaded'), { reason });
    expect(libraryFailed(machineWith(), error)).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', remedy });
  });

  test('the command says so, and ends with 1', async () => {
    const { stdout, code } = await runNode(['dist/cli/main.js', 'doctor', '--json'], {
      env: { GUESTFS_NODE_ADDON: '/nowhere/guestfs.node' },
    });
    expect(code).toBe(1);
    const [first] = JSON.parse(stdout) as Finding[];
    expect(first).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', severity: 'error' });
  });
});

describe('settings that libguestfs refuses', () => {
  test.each([
    ['LIBGUESTFS_TMPDIR', '/no where', 'ERR_GUESTFS_TMPDIR'],
    ['TMPDIR', '/nowhere', 'ERR_GUESTFS_TMPDIR'],
    ['LIBGUESTFS_CACHEDIR', '/nowhere', 'ERR_GUESTFS_CACHEDIR'],
    ['XDG_RUNTIME_DIR', '/run/user/nowhere', 'ERR_GUESTFS_SOCKDIR'],
    ['XDG_RUNTIME_DIR', '', 'ERR_GUESTFS_SOCKDIR'],
    ['LIBGUESTFS_MEMSIZE', 'much', 'ERR_GUESTFS_SETTINGS'],
    ['LIBGUESTFS_MEMSIZE', '1', 'ERR_GUESTFS_SETTINGS'],
    ['LIBGUESTFS_BACKEND', 'bogus', 'ERR_GUESTFS_SETTINGS'],
  ])('%s=%s: the doctor and every command call it the same', async (name, value, code) => {
    using folder = temporaryFolder();
    const env = { [name]: value };
    const command = ['df', '--progress=json', '--format=raw', folder.file('disk.img')];
    writeFileSync(folder.file('disk.img'), '');
    const failed = await runNode(['dist/cli/main.js', ...command], { env });
    expect(JSON.parse(failed.stderr)).toMatchObject({ type: 'error', code });
    const { stdout } = await runNode(['dist/cli/main.js', 'doctor', '--no-launch', '--json'], { env });
    const remedy = `unset ${name}`;
    const [first, ...others] = JSON.parse(stdout) as Finding[];
    expect(first).toMatchObject({ code, severity: 'error', remedy });
    expect(others.map((each) => each.code)).toContain('QEMU_IMG');
  });

  test('a folder that an option names is to be made', async () => {
    const [first] = await diagnose({ launch: false, handleOptions: { tmpdir: '/no where' } });
    expect(first).toMatchObject({ code: 'ERR_GUESTFS_TMPDIR', remedy: "mkdir -p '/no where'" });
  });
});

describe('a launch that fails', () => {
  const unreadable: Finding = {
    ...{ code: 'ERR_GUESTFS_KERNEL_UNREADABLE', severity: 'error', title: '', detail: '' },
    remedy: 'sudo chmod 0644 /boot/vmlinuz',
  };
  const failed = (code: string, problem: string, more?: string) =>
    errorFor({ code, operation: 'launch', problem, more });

  test('has the remedy of the finding that explains it', () => {
    const error = failed('ERR_GUESTFS_KERNEL_UNREADABLE', 'it may not be read');
    expect(explainLaunch(error, [unreadable])).toEqual({
      ...{ code: error.code, severity: 'error', title: 'An appliance does not start' },
      ...{ detail: 'It may not be read', remedy: unreadable.remedy },
    });
  });

  test('in words that nobody knows: what was found before may be why', () => {
    const error = failed('EINVAL', 'strange\x1b[31m', seeDoctor);
    expect(explainLaunch(error, [unreadable])).toMatchObject({
      ...{ code: 'LAUNCH_FAILED', remedy: null },
      detail: 'strange\nPerhaps because of what was found before: ERR_GUESTFS_KERNEL_UNREADABLE',
    });
  });

  test('in words that nobody knows leads to the doctor, and in known ones to what to do', () => {
    const [strange, known] = ['strange words', 'failed to find a suitable kernel'].map((words) =>
      launchFailed(new GuestfsError(words, { code: 'ERR_GUESTFS', operation: 'launch' }), ''),
    );
    expect(strange).toMatchObject({
      ...{ code: 'ERR_GUESTFS', message: expect.stringMatching(/^strange words\nRun `npx guestfs doctor` /) },
    });
    expect(known).toMatchObject({
      ...{ code: 'ERR_GUESTFS_NO_KERNEL', message: expect.not.stringContaining('doctor') },
    });
  });

  test('and one that had to do without KVM says why, once', () => {
    const warning = { code: 'KVM_FAILS', why: 'its kernel showed no sign of life within 15 s' } as const;
    const [finding] = kvmVerdict(machineWith(), [warning], []);
    expect(finding).toMatchObject({ code: 'KVM_FAILS', detail: expect.stringContaining('no sign of life') });
    expect(kvmVerdict(machineWith(), [warning], [finding as Finding])).toEqual([]);
    expect(kvmVerdict(machineWith(), [], [])).toEqual([]);
  });
});

describe('the words of a launch', () => {
  /** The fault that libguestfs's words tell, with what there is to say of it. */
  const told = (message: string) => {
    const fault = faultIn({ message });
    return fault && { ...fault, text: textOf(fault) };
  };

  test('a cache that libguestfs does not trust', () => {
    const words = 'security: cached appliance /var/tmp/.guestfs-1000 is not owned by UID 1000';
    expect(told(words)).toMatchObject({
      code: 'ERR_GUESTFS_CACHEDIR',
      text: expect.stringMatching(/\/var\/tmp\/\.guestfs-1000: it is not owned by UID 1000\. Remove it/),
    });
  });

  test('a program that cannot be run, and libvirt that is not there', () => {
    expect(told('/opt/qemu exited with error status 126.')).toMatchObject({
      ...{ code: 'ERR_GUESTFS_NO_HYPERVISOR', errno: 'EACCES', text: expect.stringContaining('/opt/qemu') },
    });
    expect(told('/opt/qemu exited with error status 1.')).toBeUndefined();
    const words = 'could not connect to libvirt (URI = qemu:///system): Failed to connect socket [code=38]';
    expect(told(words)).toMatchObject({
      code: 'ERR_GUESTFS_LIBVIRT',
      text: expect.stringMatching(/qemu:\/\/\/system: Failed to connect.*LIBGUESTFS_BACKEND=direct/),
    });
  });

  test('a kernel that is not there', () => {
    const words =
      "cp: cannot stat '/k': No such file or directory\nsupermin: cp -p '/k' '/c/.guestfs-0/appliance.d.x/kernel': command failed";
    expect(told(words)).toMatchObject({ code: 'ERR_GUESTFS_NO_KERNEL', errno: 'ENOENT' });
  });

  test('passt', () => {
    expect(told('passt exited with status 1')).toMatchObject({ code: 'ERR_GUESTFS_PASST' });
  });
});

describe('images', () => {
  const diagnoseImage = async (path: string) => {
    const findings = await diagnose({ launch: false, images: path });
    return findings.at(-1) as Finding;
  };
  const qemuImg = (...args: string[]) => execFileSync('qemu-img', args);

  test('one that is well', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-q', '-f', 'qcow2', folder.file('a.qcow2'), '1M');
    expect(await diagnoseImage(folder.file('a.qcow2'))).toMatchObject({ code: 'IMAGE', severity: 'ok' });
  });

  test('those that are not there, no images, or without their backing file', async () => {
    using folder = temporaryFolder();
    const [base, over] = [folder.file('base.qcow2'), folder.file('over.qcow2')];
    qemuImg('create', '-q', '-f', 'qcow2', base, '1M');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', over);
    qemuImg('rebase', '-u', '-f', 'qcow2', '-b', folder.file('gone'), '-F', 'qcow2', over);
    mkdirSync(folder.file('folder'));
    expect(await diagnoseImage(folder.file('nothing'))).toMatchObject({
      ...{ code: 'ERR_GUESTFS_IMAGE_UNREADABLE', severity: 'error' },
      remedy: `namei --long ${folder.file('nothing')}`,
    });
    expect(await diagnoseImage(folder.file('folder'))).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_INVALID' });
    expect(await diagnoseImage(over)).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE', severity: 'error' });
    qemuImg('rebase', '-u', '-f', 'qcow2', '-b', over, '-F', 'qcow2', over);
    expect(await diagnoseImage(over)).toMatchObject({ code: 'ERR_GUESTFS_BACKING_LOOP', severity: 'error' });
  });

  test('one that another program writes', async () => {
    using folder = temporaryFolder();
    const path = folder.file('a.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', path, '1M');
    const writer = spawn('qemu-io', ['-f', 'qcow2', path]);
    try {
      // Its prompt: it has opened the image.
      await once(writer.stdout, 'data');
      expect(await diagnoseImage(path)).toMatchObject({
        ...{ code: 'ERR_GUESTFS_IMAGE_LOCKED', severity: 'warning', remedy: `fuser --verbose ${path}` },
      });
    } finally {
      writer.stdin.end('quit\n');
      await once(writer, 'close');
    }
  });
});

describe('options', () => {
  test.each<[options: unknown, code: string]>([
    [{ launch: 'no' }, 'ERR_INVALID_ARG_TYPE'],
    [{ timeout: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ images: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ images: [''] }, 'ERR_INVALID_ARG_VALUE'],
    [{ onFinding: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ handleOptions: { memsiz: 1 } }, 'ERR_INVALID_ARG_VALUE'],
    [{ lunch: false }, 'ERR_INVALID_ARG_VALUE'],
    [{ signal: AbortSignal.abort() }, 'ABORT_ERR'],
  ])('%j rejects', async (options, code) => {
    await expect(diagnose(options as never)).rejects.toMatchObject({ code });
  });

  test('findings are told as they come, and of the handle that is meant', async () => {
    using folder = temporaryFolder();
    const told: Finding[] = [];
    const handleOptions = { tmpdir: folder.path, backendSettings: ['force_tcg'] };
    const findings = await diagnose({ launch: false, handleOptions, onFinding: (each) => told.push(each) });
    expect(told).toEqual(findings);
    expect(findings.find(({ code }) => /TMPDIR/.test(code))?.detail).toContain(folder.path);
    expect(findings.find(({ code }) => /KVM/.test(code))?.detail).toContain('force_tcg');
  });
});

describe('templates', () => {
  const template: Template = {
    ...{ key: 'a', folder: '/cache/.guestfs-node-1000/a', made: new Date(), used: undefined, bytes: 2 ** 30 },
    ...{ words: [], incoming: 'file', cycles: 2000, shared: false },
  };
  const emulated = { kvm: 'missing' } as const;
  const auto = { template: 'auto' } as const;
  const own = '/cache/.guestfs-node-1000';

  test.each<
    [
      string,
      MachineArguments,
      Parameters<typeof settingsWith>[0],
      readonly Template[],
      [string, string, RegExp],
    ]
  >([
    ['KVM', [], {}, [template], ['TEMPLATE', 'ok', /KVM.*template: 'auto'/]],
    ['KVM, and asked for', [], auto, [template], ['TEMPLATE', 'ok', /^1, 1 GiB: .*\/a$/]],
    [
      'switched off',
      [{}, emulated],
      { template: 'never' },
      [template],
      ['TEMPLATE', 'ok', /GUESTFS_TEMPLATE/],
    ],
    [
      'libvirt',
      [{}, emulated],
      { ...auto, backend: 'libvirt' },
      [],
      ['TEMPLATE', 'ok', /backend is libvirt/],
    ],
    [
      "root's",
      [{}, emulated],
      auto,
      [template, { ...template, shared: true }],
      ['TEMPLATE', 'ok', /^2, 2 GiB: .*\/a, .*\/a \(root's\)$/],
    ],
    ['none yet', [{}, emulated], auto, [], ['TEMPLATE_NOT_MADE', 'warning', /^The first launch makes it/]],
    [
      'no debugfs',
      [{ '/sbin/debugfs': undefined }, emulated],
      auto,
      [],
      ['TEMPLATE_UNUSABLE', 'warning', /e2fsprogs/],
    ],
    [
      'too little space',
      [{}, { ...emulated, bytesLeft: 2 * 2 ** 30 }],
      auto,
      [],
      ['TEMPLATE_UNUSABLE', 'warning', /^\/cache has less than 3 GiB left/],
    ],
    [
      'a folder that others may write to',
      [{ [own]: { isFolder: true, mode: 0o40777 } }, emulated],
      auto,
      [],
      ['TEMPLATE_UNUSABLE', 'warning', /no other may write to/],
    ],
    [
      "another user's folder",
      [{ [own]: { isFolder: true, uid: 5 } }, emulated],
      auto,
      [],
      ['TEMPLATE_UNUSABLE', 'warning', /belongs to this user/],
    ],
    [
      'a folder that may not be written to',
      [{ '/cache': { isFolder: true, refuses: { write: 'EROFS' } } }, emulated],
      auto,
      [],
      ['TEMPLATE_UNUSABLE', 'warning', /^\/cache may not be written to \(EROFS\)/],
    ],
  ])('%s', (_, machine, settings, templates, [code, severity, detail]) => {
    const findings = checkTemplates(machineWith(...machine), settingsWith(settings), templates);
    expect(findings).toEqual([
      expect.objectContaining({ code, severity, detail: expect.stringMatching(detail) }),
    ]);
  });

  test('a launch that could not go on from one says why, once', () => {
    const way = { reason: 'restoring', why: 'its kernel was silent' } as const;
    const [finding, ...others] = templateVerdict(way, []);
    expect(finding).toMatchObject({
      code: 'TEMPLATE_UNUSABLE',
      detail: expect.stringMatching(/^Its kernel was silent\. /),
    });
    expect(others).toEqual([]);
    expect(templateVerdict(way, [finding as Finding])).toEqual([]);
    expect(templateVerdict({ reason: 'off', why: 'switched off' }, [])).toEqual([]);
    expect(templateVerdict({}, [])).toEqual([]);
    expect(templateVerdict(undefined, [])).toEqual([]);
  });
});

test('every code stands in the documentation', () => {
  const types = ['lib/doctor/finding.ts', 'lib/faults/faults.ts'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const codes = types.flatMap((text) => [...text.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code));
  const guide = readFileSync(join(root, 'docs/guides/troubleshooting.md'), 'utf8');
  expect(codes.length).toBeGreaterThan(40);
  expect(codes.filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
});

describe('guestfs doctor', () => {
  test('arguments', () => {
    expect(parse(['--json', '--no-launch', '--timeout', '1.5', '--format=raw', 'a'])).toEqual({
      ...{ json: true, progress: 'auto' },
      options: { images: [{ path: 'a', format: 'raw' }], launch: false, timeout: 1500 },
    });
    for (const bad of [['--timeout', '0'], ['--progress', 'loud'], ['--launch']]) {
      expect(() => parse(bad)).toThrow(UsageError);
    }
  });

  test('what is not well has its remedy below, and nothing plays with the terminal', () => {
    const finding: Finding = {
      ...{ code: 'IMAGE_UNWRITABLE', severity: 'error', title: 'Bad' },
      ...{ detail: 'one\x1b[31m\ntwo\u202e', remedy: 'ls a\x07' },
    };
    expect(describeFinding(finding)).toBe('✗ Bad (IMAGE_UNWRITABLE)\n    one\n    two\n    $ ls a\n');
    expect(
      describeFinding(
        { ...finding, detail: 'three words here', remedy: 'a command of any length' },
        { width: 16, styled: (text) => text },
      ),
    ).toBe('✗ Bad (IMAGE_UNWRITABLE)\n    three words\n    here\n    $ a command of any length\n');
    expect(describeFinding({ ...finding, severity: 'ok' })).toBe('✓ Bad: one two\n');
    const coloured = { width: 80, styled: (text: string, style?: string) => `<${style}>${text}</>` };
    expect(describeFinding({ ...finding, detail: 'one' }, coloured)).toBe(
      '<red>✗ Bad</> (IMAGE_UNWRITABLE)\n    one\n    <bold>$ ls a</>\n',
    );
    expect(describeFinding({ ...finding, severity: 'ok' }, coloured)).toMatch(/^<green>✓<\/> Bad: /);
    expect(summarise([finding])).toBe('\n1 error, 0 warnings.\n');
    expect(summarise([])).toBe('\nAll is well.\n');
  });

  test('a path in a command is a word of a shell', () => {
    expect(shellWord('/a/b-c.qcow2')).toBe('/a/b-c.qcow2');
    expect(shellWord("/a b'c")).toBe(`'/a b'\\''c'`);
  });

  test('an image that is broken: exit code 1', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('x'), 'QFI\xfb');
    const { stdout, stderr, code } = await runCli(
      'doctor',
      '--no-launch',
      '--format=qcow2',
      folder.file('x'),
    );
    expect([stderr, code]).toEqual(['', 1]);
    expect(stdout).toMatch(
      /✗ The image cannot be opened \(ERR_GUESTFS_IMAGE_INVALID\)\n.*\n {4}\$ qemu-img info /,
    );
  });
});

/** Commands that install are those of whoever runs this. */
function sudo(): string {
  return process.getuid?.() === 0 ? '' : 'sudo ';
}
