/** Layouts of disks, as installers and images of the vendors have them. */
import type { Content, Layout, Partition } from './layout';

const esp: Partition = {
  size: 40,
  name: 'EFI System Partition',
  use: 'efi',
  holds: { fs: 'vfat', at: '/boot/efi', label: 'UEFI' },
};
const biosBoot: Partition = { size: 1, name: 'BIOS boot partition', use: 'bios' };
const boot: Partition = { size: 64, name: 'boot', holds: { fs: 'ext4', at: '/boot', label: 'boot' } };
const swap: Content = { fs: 'swap', label: 'swap' };

export const layouts = {
  plain: {
    disks: [
      {
        ...{ size: 640, table: 'mbr' },
        partitions: [{ size: 576, holds: { fs: 'ext4', at: '/', label: 'root' } }, { holds: swap }],
      },
    ],
  },
  efi: {
    disks: [
      {
        ...{ size: 320, table: 'gpt' },
        partitions: [
          esp,
          { size: 128, name: 'root', holds: { fs: 'ext4', at: '/', label: 'cloudimg-rootfs' } },
          { size: 32, name: 'data', holds: { fs: 'ext4', at: '/srv', label: 'My Data' } },
          { name: 'swap', holds: swap },
        ],
      },
    ],
  },
  lvm: {
    disks: [
      {
        ...{ size: 1100, table: 'gpt' },
        partitions: [biosBoot, boot, { name: 'lvm', holds: { pv: 'fedora_web-1' } }],
      },
    ],
    groups: {
      'fedora_web-1': {
        volumes: {
          root: { size: 400, holds: { fs: 'xfs', at: '/', label: 'root' } },
          home: { size: 400, holds: { fs: 'xfs', at: '/home', label: 'home' } },
          swap: { size: 32, holds: swap },
        },
      },
    },
  },
  thin: {
    disks: [{ size: 560, table: 'gpt', partitions: [esp, boot, { name: 'thin', holds: { pv: 'ol' } }] }],
    groups: {
      ol: {
        thin: true,
        volumes: {
          root: { size: 300, holds: { fs: 'ext4', at: '/', label: 'root' } },
          var: { size: 300, holds: { fs: 'ext4', at: '/var', label: 'var' } },
        },
      },
    },
  },
  luks: {
    disks: [
      {
        ...{ size: 320, table: 'gpt' },
        partitions: [
          { ...esp, holds: { fs: 'vfat', at: '/boot', label: 'ESP' } },
          { name: 'root', holds: { luks: { fs: 'ext4', at: '/', label: 'root' } } },
        ],
      },
    ],
  },
  luksInLvm: {
    disks: [{ size: 400, table: 'mbr', partitions: [boot, { holds: { pv: 'rhel' } }] }],
    groups: {
      rhel: {
        volumes: {
          root: { size: 160, holds: { luks: { fs: 'ext4', at: '/', label: 'root' } } },
          home: { size: 64, holds: { luks: { fs: 'ext4', at: '/home', label: 'home' } } },
        },
      },
    },
  },
  lvmInLuks: {
    disks: [
      {
        size: 480,
        table: 'gpt',
        partitions: [esp, boot, { name: 'crypt', holds: { luks: { pv: 'ubuntu-vg' } } }],
      },
    ],
    groups: {
      'ubuntu-vg': {
        volumes: {
          'ubuntu-lv': { size: 200, holds: { fs: 'ext4', at: '/', label: 'root' } },
          swap: { size: 32, holds: swap },
        },
      },
    },
  },
  raid1: {
    disks: ['a', 'b'].map(() => ({
      ...{ size: 360, table: 'gpt' as const },
      partitions: [
        biosBoot,
        { size: 64, name: 'boot', holds: { member: 'boot' } },
        { name: 'raid', holds: { member: 'root' } },
      ],
    })),
    arrays: {
      boot: { level: 'raid1', holds: { fs: 'ext4', at: '/boot', label: 'boot' } },
      root: { level: 'raid1', holds: { fs: 'ext4', at: '/', label: 'root' } },
    },
  },
  raid5: {
    disks: ['a', 'b', 'c'].map(() => ({
      ...{ size: 160, table: 'gpt' as const },
      partitions: [biosBoot, { name: 'raid', holds: { member: 'store' } }],
    })),
    arrays: { store: { level: 'raid5', holds: { pv: 'vg0' } } },
    groups: {
      vg0: {
        volumes: {
          root: { size: 160, holds: { fs: 'ext4', at: '/', label: 'root' } },
          var: { size: 64, holds: { fs: 'ext4', at: '/var', label: 'var' } },
        },
      },
    },
  },
  subvolumes: {
    disks: [
      {
        ...{ size: 480, table: 'gpt' },
        partitions: [
          esp,
          boot,
          {
            name: 'fedora',
            holds: { fs: 'btrfs', label: 'fedora', subvolumes: { root: '/', home: '/home' } },
          },
        ],
      },
    ],
  },
  snapshots: {
    disks: [
      {
        ...{ size: 480, table: 'gpt' },
        partitions: [
          biosBoot,
          {
            name: 'root',
            holds: {
              ...{ fs: 'btrfs', label: 'ROOT', standard: '@/.snapshots/1/snapshot' },
              subvolumes: {
                '@': null,
                '@/.snapshots': '/.snapshots',
                '@/.snapshots/1/snapshot': '/',
                '@/home': '/home',
                '@/var': '/var',
              },
              snapshots: { '@/.snapshots/2/snapshot': '@/.snapshots/1/snapshot' },
            },
          },
        ],
      },
    ],
  },
  xfs: {
    disks: [
      {
        ...{ size: 480, table: 'gpt' },
        partitions: [{ name: 'Linux', size: 420, holds: { fs: 'xfs', at: '/', label: '/' } }, biosBoot],
      },
    ],
  },
  f2fs: {
    disks: [
      {
        ...{ size: 320, table: 'gpt' },
        partitions: [
          { ...esp, holds: { fs: 'vfat', at: '/boot', label: 'ESP' } },
          { name: 'Arch root', holds: { fs: 'f2fs', at: '/' } },
        ],
      },
    ],
  },
  separate: {
    disks: [
      {
        ...{ size: 480, table: 'gpt' },
        partitions: [
          biosBoot,
          { size: 64, name: 'rootfs', holds: { fs: 'ext4', at: '/', label: 'rootfs' } },
          { size: 128, name: 'usr', holds: { fs: 'ext4', at: '/usr', label: 'usr' } },
          { size: 128, name: 'var', holds: { fs: 'ext4', at: '/var', label: 'var' } },
          { name: 'home', holds: { fs: 'ext4', at: '/home', label: 'home' } },
        ],
      },
    ],
  },
  sectors: {
    ...{ blocksize: 4096 },
    disks: [
      {
        ...{ size: 520, table: 'gpt' },
        partitions: [
          { ...esp, size: 300 },
          { name: 'root', size: 128, holds: { fs: 'ext4', at: '/', label: 'root' } },
          { name: 'home', holds: { fs: 'ext4', at: '/home', label: 'home' } },
        ],
      },
    ],
  },
  twoDisks: {
    disks: [
      { size: 256, table: 'mbr', partitions: [{ holds: { fs: 'ext4', at: '/', label: 'root' } }] },
      {
        ...{ size: 128, table: 'gpt' },
        partitions: [{ name: 'data', holds: { fs: 'ext3', at: '/srv/data', label: 'data' } }],
      },
    ],
  },
  ostree: {
    disks: [
      {
        ...{ size: 700, table: 'gpt' },
        partitions: [
          { ...biosBoot, name: 'BIOS-BOOT' },
          { size: 40, name: 'EFI-SYSTEM', use: 'efi', holds: { fs: 'vfat', label: 'EFI-SYSTEM' } },
          { size: 128, name: 'boot', holds: { fs: 'ext4', at: '/boot', label: 'boot' } },
          { name: 'root', holds: { fs: 'xfs', at: '/', label: 'root' } },
        ],
      },
    ],
  },
  freebsd: {
    disks: [
      {
        ...{ size: 128, table: 'gpt' },
        partitions: [
          { size: 33, name: 'efiesp', use: 'efi', holds: { fs: 'vfat', at: '/boot/efi', label: 'EFISYS' } },
          { size: 80, name: 'rootfs', use: 'freebsd', holds: { fs: 'ufs', at: '/' } },
        ],
      },
    ],
  },
  windows: {
    disks: [
      {
        ...{ size: 256, table: 'gpt' },
        partitions: [
          { size: 40, name: 'EFI system partition', use: 'efi', holds: { fs: 'vfat', label: 'SYSTEM' } },
          { size: 16, name: 'Microsoft reserved partition', use: 'msr' },
          { size: 96, name: 'Basic data partition', holds: { fs: 'ntfs', at: '/', label: 'Windows' } },
          { name: 'Basic data partition', holds: { fs: 'ntfs', label: 'Data' } },
        ],
      },
    ],
  },
} as const satisfies Record<string, Layout>;
