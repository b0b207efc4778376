/** Reports of guests, as inspections make them. */
import type { ApplicationReport, InspectionReport, OperatingSystemReport } from '../../lib';
import type { VolumeReport } from '../../lib/guests/report';
import { UsageTree } from '../../lib/guests/tree-usage';

const GiB = 2 ** 30;

export const icon =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const nothing = {
  type: null,
  distro: null,
  version: null,
  versionText: null,
  productName: null,
  osRelease: null,
};
const noMore = {
  productVariant: null,
  arch: null,
  hostname: null,
  osinfo: null,
  buildId: null,
  windows: null,
  icon: null,
};

export function system(more: Partial<OperatingSystemReport> = {}): OperatingSystemReport {
  const lists = {
    mountpoints: [],
    filesystems: [],
    driveMappings: [],
    applications: null,
    applicationsSource: null,
  };
  return {
    root: '/dev/sda1',
    ...nothing,
    ...noMore,
    packageFormat: null,
    packageManager: null,
    ...lists,
    ...more,
  };
}

export function application(name: string, more: Partial<ApplicationReport> = {}): ApplicationReport {
  const unknown = {
    displayName: null,
    installPath: null,
    publisher: null,
    url: null,
    source: null,
    description: null,
    ...{
      sourceVersion: null,
      license: null,
      installedSize: null,
      installTime: null,
      origin: null,
      module: null,
    },
  };
  return {
    name,
    ...unknown,
    epoch: 0,
    version: '1.2.3',
    release: '4+deb12u1',
    arch: 'amd64',
    summary: `what ${name} is good for, in a line`,
    ...more,
  };
}

const volume = (
  name: string,
  kind: VolumeReport['kind'],
  size: number,
  parents: string[],
  more: Partial<VolumeReport> = {},
): VolumeReport => ({
  ...{ name, kind, size, parents, type: null, label: null, uuid: null },
  ...more,
});

const partition = (device: string, number: number, start: number, size: number, content: string | null) => ({
  ...{
    device,
    number,
    start,
    size,
    end: start + size - 1,
    type: 'gpt',
    mbrId: null,
    bootable: number === 1,
    label: null,
    content,
  },
  gptType: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
});

const filesystem = (
  device: string,
  type: string,
  size: number | null,
  used: number | null,
  label: string | null = null,
) => ({
  ...{ device, type, label, uuid: '0aa01dbc-0a2f-4271-85b8-b436edcb4365', size, used, iso: null },
  free: size === null || used === null ? null : size - used,
});

/** A Debian of some years: a boot partition, LVM in LUKS, a RAID over two disks, a gap. */
export function largeReport(packages = 3000, files = 20_000): InspectionReport {
  const tree = new UsageTree();
  for (let index = 0; index < files; index++) {
    const top = ['usr', 'var', 'home', 'etc', 'opt'][index % 5];
    const path = `/${top}/folder-${index % 23}/sub ${index % 101}/deep-${index % 7}/file-${index}`;
    tree.add({
      path,
      type: 'file',
      blocks: BigInt(8 + (index % 997) * 16),
      nlink: 1,
      dev: 1n,
      ino: BigInt(index),
    });
  }
  const disk = (device: string) => ({
    ...{
      path: `/images/${device.slice(-3)}.qcow2`,
      device,
      format: 'qcow2',
      virtualSize: 40 * GiB,
      blocksize: 512,
    },
    ...{ actualSize: 12 * GiB, backingChain: [], partitionTable: 'gpt' },
  });
  const map = '/dev/mapper/cryptsda2';
  return {
    images: [disk('/dev/sda'), disk('/dev/sdb')],
    partitions: [
      partition('/dev/sda1', 1, 2 ** 20, GiB, 'ext4'),
      partition('/dev/sda2', 2, 2 ** 20 + GiB, 20 * GiB, 'crypto_LUKS'),
      partition('/dev/sda3', 3, 25 * GiB, 15 * GiB - 2 ** 20, 'linux_raid_member'),
      partition('/dev/sdb1', 1, 2 ** 20, 15 * GiB, 'linux_raid_member'),
    ],
    filesystems: [
      filesystem('/dev/sda1', 'ext4', 0.9 * GiB, 0.2 * GiB, 'boot'),
      filesystem('/dev/vg0/root', 'ext4', 11 * GiB, 9.5 * GiB, 'root'),
      filesystem('/dev/vg0/swap', 'swap', null, null),
      filesystem('/dev/md127', 'xfs', 14.9 * GiB, 3 * GiB, 'data'),
    ],
    encrypted: [{ device: '/dev/sda2', type: 'crypto_LUKS', uuid: null, opened: true, mapping: map }],
    operatingSystems: [
      system({
        ...{ root: '/dev/vg0/root', type: 'linux', distro: 'debian', version: { major: 12, minor: 5 }, icon },
        ...{
          productName: 'Debian GNU/Linux 12 (bookworm)',
          arch: 'x86_64',
          hostname: 'web-1',
          osinfo: 'debian12',
        },
        ...{ packageFormat: 'deb', packageManager: 'apt', versionText: '12.5' },
        mountpoints: [
          { path: '/', device: '/dev/vg0/root' },
          { path: '/boot', device: '/dev/sda1' },
          { path: '/srv', device: '/dev/md127' },
        ],
        applications: Array.from({ length: packages }, (_, index) => application(`lib-package-${index}`)),
      }),
    ],
    problems: [
      {
        code: 'ERR_GUESTFS_UNCLEAN',
        operation: 'inspect',
        device: '/dev/sda1',
        message: 'its Windows was not shut down',
      },
      { code: 'ENOENT', operation: 'mountRo', device: null, message: 'something else' },
    ],
    volumes: [
      ...[
        volume('/dev/sda', 'device', 40 * GiB, [], { type: 'gpt' }),
        volume('/dev/sdb', 'device', 40 * GiB, [], { type: 'gpt' }),
      ],
      volume('/dev/sda1', 'partition', GiB, ['/dev/sda']),
      volume('/dev/sda1', 'filesystem', GiB, ['/dev/sda'], { type: 'ext4', label: 'boot' }),
      volume('/dev/sda2', 'partition', 20 * GiB, ['/dev/sda']),
      volume('/dev/sda2', 'encrypted', 20 * GiB, ['/dev/sda'], { type: 'crypto_LUKS' }),
      volume(map, 'pv', 20 * GiB, ['/dev/sda2']),
      volume('vg0', 'vg', 20 * GiB, [map]),
      volume('/dev/vg0/root', 'lv', 12 * GiB, ['vg0']),
      volume('/dev/vg0/root', 'filesystem', 12 * GiB, ['vg0'], { type: 'ext4', label: 'root' }),
      volume('/dev/vg0/swap', 'lv', 4 * GiB, ['vg0']),
      volume('/dev/vg0/swap', 'filesystem', 4 * GiB, ['vg0'], { type: 'swap' }),
      volume('/dev/sda3', 'partition', 15 * GiB, ['/dev/sda']),
      volume('/dev/sdb1', 'partition', 15 * GiB, ['/dev/sdb']),
      volume('/dev/md127', 'filesystem', 15 * GiB, ['/dev/sda3', '/dev/sdb1'], {
        type: 'xfs',
        label: 'data',
      }),
    ],
    usage: [{ device: '/dev/vg0/root', tree: tree.folded() }],
    times: { launch: 2310, total: 12_840 },
  };
}

/** The same report with another text in every place that a guest, or who names an image, chooses. */
export function withTexts(report: InspectionReport, texts: readonly string[]): InspectionReport {
  const names = new Map<string, string>();
  const keep = new Set(['kind', 'icon']);
  // What has the same name has the same one still, so that what lies on what stays so.
  const renamed = (name: string) => {
    const known = names.get(name) ?? `${texts[names.size % texts.length]}${names.size}`;
    names.set(name, known);
    return known;
  };
  const changed = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return keep.has(key) ? value : renamed(value);
    if (Array.isArray(value)) return value.map((each) => changed(each, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, changed(each, name)]));
  };
  return changed(report, '') as InspectionReport;
}
