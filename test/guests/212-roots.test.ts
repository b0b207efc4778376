// Systems are mounted as they would themselves, whatever they call their devices and the appliance's kernel calls its own.
import { chmod, stat, utimes, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Guestfs, type InspectionReport, inspect } from '../../lib';
import { volumesOf } from '../../lib/cli/volumes';
import { type MountPlan, mountGuest } from '../../lib/guests/mount';
import { type ImageFacts, readImage } from '../../lib/host/image-facts';
import { inspectionLenses } from '../../lib/templates/lenses';
import { type RootsGuest, rootsGuest } from '../images';
import { commandGuest } from '../support/command';
import { temporaryFolder } from '../support/folder';
import { realHypervisor } from '../support/hypervisor';
import { failureOf } from '../support/internal';

let guest: RootsGuest;
let sources: { path: string; format: string }[];

beforeAll(async () => {
  guest = await rootsGuest();
  sources = guest.images.map((path) => ({ path, format: 'raw' }));
});

/** Devices by mount points of each system. */
const mounts = ({ operatingSystems }: InspectionReport) =>
  Object.fromEntries(
    operatingSystems.map(({ hostname, mountpoints }) => [
      hostname,
      Object.fromEntries(mountpoints.map(({ path, device }) => [path, device])),
    ]),
  );

/** All that a report calls a device. */
function devicesIn({ operatingSystems, problems }: InspectionReport): string[] {
  const systems = operatingSystems.flatMap(({ root, filesystems, mountpoints }) => [
    ...[root, ...filesystems],
    ...mountpoints.map(({ device }) => device),
  ]);
  return [...systems, ...problems.flatMap(({ device }) => device ?? [])];
}

describe('inspect', () => {
  let report: InspectionReport;

  beforeAll(async () => {
    report = await inspect(sources, { keys: [guest.key] });
  });

  test('each system has its own root at /, and the rest by whatever names it', () => {
    expect(mounts(report)).toEqual({
      plain: {
        '/': '/dev/sda2',
        '/boot/efi': '/dev/sda1',
        '/home': '/dev/mapper/cryptsda3',
        '/linked': '/dev/sdb1',
        '/mnt/my disk': '/dev/sdb1',
        '/var': '/dev/md127',
      },
      logical: { '/': '/dev/vg-a/root-2', '/opt': '/dev/vg_b/opt', '/srv': '/dev/mapper/cryptvg_a_c' },
      subvolumes: { '/': 'btrfsvol:/dev/sda5/@', '/home': 'btrfsvol:/dev/sda5/@home' },
    });
    expect(report.operatingSystems[1]).toMatchObject({
      root: 'btrfsvol:/dev/sda5/@',
      filesystems: ['btrfsvol:/dev/sda5/@', 'btrfsvol:/dev/sda5/@home', '/dev/vg-a/swap'],
    });
    expect(report.operatingSystems.map(({ applications }) => applications)).toEqual([[], [], []]);
  });

  test('every device is one that the report lists', () => {
    const listed = [
      ...report.images.map(({ device }) => device),
      ...report.partitions.map(({ device }) => device),
      ...report.filesystems.map(({ device }) => device),
    ];
    expect(devicesIn(report).filter((device) => !listed.includes(device))).toEqual([]);
    const sizes = report.filesystems.filter(({ type }) => type === 'btrfs').map(({ size }) => size);
    expect(sizes).toHaveLength(4);
    expect(new Set(sizes).size).toBe(1);
    expect(sizes[0]).toBeGreaterThan(2 ** 20);
  });

  test('what is left out is told by its line, and what need not be there is not', () => {
    const told = report.problems.map(({ code, device, message }) => [code, device, message]);
    expect(told).toEqual([
      [
        'ERR_GUESTFS_FSTAB',
        '/dev/sda2',
        '/etc/fstab:11 cannot be understood: that line is left out, as the system itself does',
      ],
      [
        'ERR_GUESTFS_FSTAB',
        '/dev/sda2',
        expect.stringMatching(/^\/etc\/fstab:10 mounts \/opt from LABEL=elsewhere/),
      ],
      ['ERR_GUESTFS_HIBERNATED', '/dev/vg-a/swap', expect.stringContaining('btrfsvol:/dev/sda5/@')],
      ['ERR_GUESTFS_HIBERNATED', '/dev/vg-a/windows', expect.stringContaining('shutdown /s /t 0')],
    ]);
  });

  test('is the same whatever the order in which the kernel has found the disks', async () => {
    using folder = temporaryFolder();
    const hypervisor = folder.file('qemu');
    await writeFile(hypervisor, lateFirstDisk(await realHypervisor()));
    await chmod(hypervisor, 0o755);
    const { mtime } = await stat(await realHypervisor());
    await utimes(hypervisor, mtime, mtime);
    let first: Promise<string> | undefined;
    const again = await inspect(sources, {
      ...{ keys: [guest.key], template: 'never' },
      onHandle: (g) => {
        void g.setHv(hypervisor);
        g.once('launchDone', () => {
          void fewLenses(g);
          first = g.debug('sh', ['readlink /dev/disk/by-path/*:1a.0-scsi-0:0:0:0']);
        });
      },
    });
    expect(await first).toMatch(/\/sd[bc]$/);
    expect(again).toEqual(report);
  });
});

/** A handle that others have takes all of augeas's lenses, and a quarter of a minute to read them for each system. */
async function fewLenses(g: Guestfs): Promise<void> {
  const few = inspectionLenses.map((lens) => `! -name ${lens}.aug`).join(' ');
  await g.debug('sh', [`find /usr/share/augeas/lenses/dist -name '*.aug' ${few} -delete`]);
}

/** A hypervisor whose first disk is behind a controller that the kernel finds last and libguestfs sorts first. */
function lateFirstDisk(real: string): string {
  return `#!/bin/bash
case "$*" in *guestfsd.sock*) ;; *) exec '${real}' "$@" ;; esac
args=(-device virtio-scsi-pci,id=late,addr=0x1a)
for arg in "$@"; do
  case "$arg" in
    virtio-scsi-pci,id=scsi*) arg="$arg,addr=0x10" ;;
    scsi-hd,drive=hd0*) arg="$arg,bus=late.0" ;;
  esac
  args+=("$arg")
done
exec '${real}' "\${args[@]}"
`;
}

describe('commands', () => {
  let g: Guestfs;
  let images: ImageFacts[];
  let told: string[];
  const subvolume = 'btrfsvol:/dev/sda5/@';

  beforeAll(async () => {
    images = await Promise.all(sources.map((source) => readImage(source, undefined)));
    g = new Guestfs();
    // What is written to a read-only drive is forgotten when the appliance ends.
    for (const { absolutePath } of images) await g.addDrive(absolutePath, { readonly: true, format: 'raw' });
    await g.launch();
    await fewLenses(g);
    // What is found stays the same; the appliance keeps what it knows of it.
    const inspectOs = g.inspectOs.bind(g);
    let found: Promise<string[]> | undefined;
    jest.spyOn(g, 'inspectOs').mockImplementation(async () => {
      await g.umountAll();
      found ??= inspectOs().catch((error: unknown) => {
        found = undefined;
        throw error;
      });
      return await found;
    });
  });

  afterAll(async () => {
    await g?.close();
  });

  function mount(plan: Partial<MountPlan>): Promise<void> {
    told = [];
    return mountGuest(g, images, {
      ...{ operation: 'ls', keys: [] },
      ...{ onLeftOut: ({ message }: Error) => told.push(message) },
      ...(plan.writable ? {} : { onError: ({ message }: Error) => told.push(message) }),
      ...plan,
    });
  }

  test('without a key, what is encrypted is told, and the rest is there', async () => {
    await mount({ root: '/dev/sda2' });
    expect(await g.ls('/boot/efi')).toEqual(['efi']);
    // A link for a mount point leads into the guest.
    for (const path of ['/var/log', '/mnt/my disk', '/real/data']) {
      expect([path, await g.exists(path)]).toEqual([path, true]);
    }
    expect(told).toEqual([
      expect.stringMatching(/^\/etc\/fstab:11 cannot be understood/),
      expect.stringMatching(
        /^\/etc\/fstab:5 mounts \/home from .* is on \/dev\/sda3: that is encrypted, and closed/,
      ),
      expect.stringMatching(/^\/etc\/fstab:10 mounts \/opt/),
    ]);
    const error = await failureOf(mount({ root: '/dev/sda2', writable: true }));
    expect(error).toMatchObject({
      code: 'ERR_GUESTFS_FSTAB',
      message: expect.stringContaining('the option keys'),
    });
  });

  test('members of RAID and subvolumes are listed by the names of the report', async () => {
    const listing = { ...commandGuest(g), images };
    const volumes = await volumesOf(listing, ['filesystem']);
    expect(
      volumes
        .find(({ name }) => name === '/dev/md127')
        ?.parents.slice()
        .sort(),
    ).toEqual(['/dev/sdb2', '/dev/sdb3']);
    expect(volumes.map(({ name }) => name)).toContain(`${subvolume}home`);
  });

  test('which of several systems is asked; a snapshot is one only by its name', async () => {
    const error = await failureOf(mount({}));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NO_ROOT' });
    expect(error.message).toContain(`operating systems on /dev/sda2, ${subvolume}, /dev/vg-a/root-2:`);
    await mount({ root: 'btrfsvol:/dev/sda5/snapshots/1' });
    expect([await g.exists('/etc/only-here'), await g.exists('/home/bob')]).toEqual([true, true]);
    await mount({ root: subvolume });
    expect([await g.exists('/etc/only-here'), await g.exists('/home/bob')]).toEqual([false, true]);
    expect(told).toEqual([]);
  });

  test('a hibernated system is read, and not written to', async () => {
    for (const plan of [{ root: subvolume }, { mountable: '/dev/vg-a/windows' }]) {
      await mount(plan);
      await g.umountAll();
      const error = await failureOf(mount({ ...plan, writable: true }));
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_HIBERNATED' });
      await g.umountAll();
    }
    await mount({ mountable: subvolume, writable: true });
    await g.write('/etc/written', '');
    await g.umountAll();
  });

  test('a filesystem that is broken is told by its line; where it is optional it keeps nothing from being written', async () => {
    await g.mount('/dev/vg-a/root-2', '/');
    const old = await g.readFile('/etc/fstab');
    const line = (options: string) => `/dev/disk/by-label/My\\x20Data /opt ext4 ${options} 0 2\n`;
    try {
      await g.write('/etc/fstab', line('defaults'));
      await g.umountAll();
      await g.zero('/dev/sdb1').catch(() => undefined);
      await g.mkfs('ext4', '/dev/sdb1', { label: 'My Data' });
      // The superblock's place of its group descriptors: blkid sees a filesystem, and nobody can mount it.
      await g.pwriteDevice('/dev/sdb1', Buffer.alloc(16, 0xff), 1024 + 0x18);
      const plan = { root: '/dev/vg-a/root-2', writable: true };
      const error = await failureOf(mount(plan));
      expect(error.message).toMatch(
        /\/dev\/sdb1 cannot be mounted at \/opt \(\/etc\/fstab:1, .*by the option mountable \/dev\/vg-a\/root-2/s,
      );
      await g.umountAll();
      await g.mount('/dev/vg-a/root-2', '/');
      await g.write('/etc/fstab', line('nofail'));
      await mount(plan);
      expect(told).toEqual([expect.stringContaining('/dev/sdb1 cannot be mounted at /opt')]);
      await g.write('/etc/written', '');
    } finally {
      await g.umountAll();
      await g.mount('/dev/vg-a/root-2', '/');
      await g.write('/etc/fstab', old);
      await g.umountAll();
    }
  });

  test('with the key everything is there, encrypted volumes in volumes too', async () => {
    await mount({ root: '/dev/vg-a/root-2', keys: [{ key: guest.key }] });
    expect([await g.exists('/srv/vault'), await g.exists('/opt/opt'), told]).toEqual([true, true, []]);
  });
});
