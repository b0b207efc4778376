// What guests' tables of volumes say, and which of the report's devices they mean.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isOptional, parseCrypttab, parseFstab, parseMdadmConf } from '../../lib/guests/fstab';
import { GuestNames, type KnownDevices, noMoreNames } from '../../lib/guests/guest-names';
import { partsOf, subvolumeFor, volumesOf } from '../../lib/guests/subvolumes';

const lineOf = (text: string) => parseFstab(text).lines[0] as ReturnType<typeof parseFstab>['lines'][number];

describe('fstab', () => {
  test('is read line by line, without comments, and with blanks of all kinds', () => {
    const text =
      '# <file system> <mount point>\n\n UUID=a\t/ ext4  errors=remount-ro 0 1\r\nLABEL=b /boot//efi/ vfat umask=0077,nofail\n/dev/sda3 none swap sw 0 0 # end\n';
    expect(parseFstab(text)).toEqual({
      bad: [],
      lines: [
        {
          ...{ line: 3, spec: 'UUID=a', path: '/', type: 'ext4' },
          options: new Map([['errors', 'remount-ro']]),
        },
        {
          ...{ line: 4, spec: 'LABEL=b', path: '/boot/efi', type: 'vfat' },
          options: new Map([
            ['umask', '0077'],
            ['nofail', ''],
          ]),
        },
        { line: 5, spec: '/dev/sda3', path: 'none', type: 'swap', options: new Map([['sw', '']]) },
      ],
    });
  });

  test.each([
    ['a blank inside of the options', 'server:/export /export nfs rw ,nofail 0 0'],
    ['no type', '/dev/sda1 /data'],
    ['one word', 'nonsense'],
    ['letters for a number', '/dev/sda1 /data ext4 defaults 0 x'],
    ['a way out', '/dev/sda1 /../data ext4'],
    ['a NUL', '/dev/sda1 /data\\000x ext4'],
    ['another NUL', '/dev/sda1 /data\0 ext4'],
  ])('a line with %s is told, and the others are read', (_, bad) => {
    const { lines, bad: numbers } = parseFstab(`UUID=a / ext4\n${bad}\nUUID=b /home ext4 defaults 0 2\n`);
    expect(numbers).toEqual([2]);
    expect(lines.map(({ path }) => path)).toEqual(['/', '/home']);
  });

  test('what augeas does not understand and mount(8) does is read', () => {
    expect(parseFstab('/dev/sda1 /data ext4 defaults, 0 0\n/dev/sda2 /srv ext4 noatime,,ro').bad).toEqual([]);
  });

  test('blanks and bytes in names are escaped', () => {
    expect(lineOf('LABEL=My\\040Disk /mnt/caf\\303\\251\\134n ext4')).toMatchObject({
      spec: 'LABEL=My Disk',
      path: '/mnt/café\\n',
    });
    expect(lineOf('LABEL=caf\\351 /mnt ext4').spec).toBe('LABEL=caf\udce9');
  });

  test('a comma within quotes divides no options', () => {
    expect([...lineOf('/dev/sda1 /x ext4 context="u:r:s0:c1,c2",nofail').options]).toEqual([
      ['context', '"u:r:s0:c1,c2"'],
      ['nofail', ''],
    ]);
  });

  test('says what a system comes up without', () => {
    const isSpare = (options: string) => isOptional(lineOf(`/dev/sda1 /x ext4 ${options}`));
    expect(['nofail', 'rw,noauto', '_netdev', 'defaults,x-systemd.automount'].map(isSpare)).not.toContain(
      false,
    );
    expect(['defaults', 'auto', 'x-systemd.device-timeout=5', 'subvol=nofail'].map(isSpare)).not.toContain(
      true,
    );
  });

  test('whatever it contains, it is read in time, with paths that lead nowhere else', () => {
    const pieces = fc.constantFrom(
      ' ',
      '\t',
      '\n',
      '\r',
      '#',
      '/',
      '..',
      '\\040',
      '\\0',
      '"',
      ',',
      '=',
      'x',
      '\0',
      '\udce9',
      'ext4',
      '0',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), fc.string(), (parts, noise) => {
        const text = parts.join('') + noise;
        const { lines, bad } = parseFstab(text);
        expect(lines.length + bad.length).toBeLessThanOrEqual(text.split('\n').length);
        for (const { path, spec, type } of lines) {
          expect(path.split('/')).not.toContain('..');
          expect(`${path}${spec}${type}`).not.toContain('\0');
        }
        parseCrypttab(text);
        parseMdadmConf(text);
      }),
    );
    const started = process.cpuUsage();
    for (const piece of ['"', ',', ' ', '\\040', '/', 'a=']) parseFstab(`a /b c ${piece.repeat(200_000)}`);
    // What grows with the square of the length takes minutes.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(15_000);
  });
});

test('crypttab', () => {
  const text =
    '# name source key options\nluks-1 UUID=a none luks,discard\nhome /dev/vg/h\nbroken\n__proto__ UUID=b\n';
  expect([...parseCrypttab(text)]).toEqual([
    ['luks-1', 'UUID=a'],
    ['home', '/dev/vg/h'],
    ['__proto__', 'UUID=b'],
  ]);
});

test('mdadm.conf', () => {
  const text = `HOMEHOST <system>
ARRAY /dev/md0 metadata=1.2 name=host:0 UUID=C5A35CD3:4b6c4a7a:1c3b8d4e:0a1b2c3d
array data level=raid1
   uuid=00000000:00000000:00000000:00000001
ARRAY /dev/md9
`;
  expect([...parseMdadmConf(text)]).toEqual([
    ['/dev/md0', 'c5a35cd34b6c4a7a1c3b8d4e0a1b2c3d'],
    ['/dev/md/data', '00000000000000000000000000000001'],
  ]);
});

const filesystem = (
  device: string,
  type = 'ext4',
  uuid: string | null = null,
  label: string | null = null,
) => ({
  ...{ device, type, uuid, label },
});

/** Two disks that are alike, a third one with one filesystem, logical volumes, RAID, and encrypted volumes of all kinds. */
const known: KnownDevices = {
  disks: ['/dev/sda', '/dev/sdb', '/dev/sdc'],
  partitions: [
    { device: '/dev/sda1', number: 1, label: 'EFI System' },
    { device: '/dev/sda2', number: 2, label: 'root' },
    { device: '/dev/sda3', number: 3, label: 'home' },
    { device: '/dev/sdb1', number: 1, label: null },
    { device: '/dev/sdb3', number: 3, label: 'home' },
    { device: '/dev/sdb4', number: 4, label: null },
  ],
  partitionUuids: new Map([
    ['/dev/sda2', '1a2b3c4d-02'],
    ['/dev/sda3', 'c0ffee00-0000-4000-8000-000000000001'],
  ]),
  filesystems: [
    filesystem('/dev/sda1', 'vfat', 'ABCD-1234', 'EFI'),
    filesystem('/dev/sda2', 'ext4', 'r', 'root'),
    filesystem('/dev/sda3', 'ext4', 'h', 'My Disk'),
    filesystem('/dev/sdb1', 'swap', 's'),
    filesystem('/dev/sdb3', 'ext4', 'h', 'My Disk'),
    filesystem('/dev/sdc', 'xfs', 'x', 'café'),
    filesystem('/dev/vg-a/lv-b', 'xfs', 'v'),
    filesystem('/dev/md127', 'ext4', 'm'),
    filesystem('/dev/md126p1', 'ext4', 'mp'),
    filesystem('/dev/mapper/cryptvg_a_c', 'ext4', 'inner'),
    filesystem('/dev/mapper/cryptsdb5', 'ext4', 'other'),
  ],
  encrypted: [
    {
      device: '/dev/vg-a/c',
      uuid: '11111111-2222-3333-4444-555555555555',
      mapping: '/dev/mapper/cryptvg_a_c',
    },
    { device: '/dev/sdb5', uuid: '66666666-2222-3333-4444-555555555555', mapping: '/dev/mapper/cryptsdb5' },
    { device: '/dev/sdb4', uuid: '99999999-2222-3333-4444-555555555555', mapping: null },
  ],
  logicalVolumes: ['/dev/vg-a/lv-b', '/dev/vg-a/c'],
};

const more = {
  crypttab: new Map([
    ['data', 'UUID=11111111-2222-3333-4444-555555555555'],
    ['quoted', 'UUID="11111111-2222-3333-4444-555555555555"'],
    ['by-name', '/dev/mapper/vg--a-c'],
    ['sealed', '/dev/sdb4'],
    ['loop', '/dev/mapper/loop'],
  ]),
  mdadm: new Map([['/dev/md0', 'a'.repeat(32)]]),
  arrays: [
    { device: '/dev/md127', uuid: 'a'.repeat(32), name: 'host:root' },
    { device: '/dev/md126', uuid: 'b'.repeat(32), name: 'host:1' },
  ],
  volumeIds: new Map([['G'.repeat(32) + 'L'.repeat(32), '/dev/vg-a/lv-b']]),
};

const names = (root = '/dev/sda2', rootLine?: string) =>
  new GuestNames(known, more, root, rootLine === undefined ? undefined : lineOf(rootLine));
const find = (spec: string, type = 'auto', of = names()) =>
  of.find(lineOf(`${spec.replaceAll(' ', '\\040')} /x ${type}`));

describe('names of devices', () => {
  test.each([
    ['UUID=abcd-1234', '/dev/sda1'],
    ['UUID="x"', '/dev/sdc'],
    ["LABEL='root'", '/dev/sda2'],
    ['LABEL=café', '/dev/sdc'],
    ['PARTUUID=1A2B3C4D-02', '/dev/sda2'],
    ['PARTLABEL=EFI System', '/dev/sda1'],
    ['/dev/disk/by-uuid/v', '/dev/vg-a/lv-b'],
    ['/dev/disk/by-label/caf\\xc3\\xa9', '/dev/sdc'],
    ['/dev/disk/by-label/My\\x20Disk', '/dev/sda3'],
    ['/dev/disk/by-partlabel/EFI\\x20System', '/dev/sda1'],
    ['/dev/disk/by-partuuid/c0ffee00-0000-4000-8000-000000000001', '/dev/sda3'],
    ['/dev/vg-a/lv-b', '/dev/vg-a/lv-b'],
    ['/dev/mapper/vg--a-lv--b', '/dev/vg-a/lv-b'],
    [`/dev/disk/by-id/dm-uuid-LVM-${'G'.repeat(32)}${'L'.repeat(32)}`, '/dev/vg-a/lv-b'],
    ['/dev/disk/by-id/dm-name-vg--a-lv--b', '/dev/vg-a/lv-b'],
    ['/dev/mapper/luks-11111111-2222-3333-4444-555555555555', '/dev/mapper/cryptvg_a_c'],
    ['/dev/mapper/luks-66666666-2222-3333-4444-555555555555', '/dev/mapper/cryptsdb5'],
    ['/dev/disk/by-id/dm-name-luks-66666666-2222-3333-4444-555555555555', '/dev/mapper/cryptsdb5'],
    ['/dev/disk/by-id/dm-uuid-CRYPT-LUKS2-66666666222233334444555555555555-home', '/dev/mapper/cryptsdb5'],
    ['/dev/mapper/cryptsdb5', '/dev/mapper/cryptsdb5'],
    ['/dev/mapper/data', '/dev/mapper/cryptvg_a_c'],
    ['/dev/mapper/quoted', '/dev/mapper/cryptvg_a_c'],
    ['/dev/mapper/by-name', '/dev/mapper/cryptvg_a_c'],
    ['UUID=inner', '/dev/mapper/cryptvg_a_c'],
    ['/dev/md0', '/dev/md127'],
    ['/dev/md/0', '/dev/md127'],
    ['/dev/md/root', '/dev/md127'],
    ['/dev/md_root', '/dev/md127'],
    ['/dev/md1p1', '/dev/md126p1'],
    ['/dev/md127', '/dev/md127'],
    [
      `/dev/disk/by-id/md-uuid-${'a'.repeat(8)}:${'a'.repeat(8)}:${'a'.repeat(8)}:${'a'.repeat(8)}`,
      '/dev/md127',
    ],
    ['/dev/disk/by-id/md-name-host:root', '/dev/md127'],
    ['/dev/sdc', '/dev/sdc'],
    ...['/dev/hda3', '/dev/vda3', '/dev/xvda3', '/dev/nvme0n1p3', '/dev/mmcblk0p3', '/dev/cciss/c0d0p3'].map(
      (name) => [name, '/dev/sda3'],
    ),
    ['/dev/nvme1n1p3', '/dev/sdb3'],
  ] as [string, string][])('%s is %s', (spec, device) => {
    expect(find(spec)).toEqual({ device });
  });

  test.each([
    ...[
      'UUID=',
      'UUID=gone',
      'LABEL=',
      'PARTUUID=x',
      '/dev/sdd1',
      '/dev/sda9',
      '/dev/vg-a/gone',
      '/dev/vg/a',
    ],
    ...[
      '/dev/mapper/gone',
      '/dev/mapper/loop',
      '/dev/md5',
      '/dev/disk/by-id/wwn-0x1-part9',
      '/dev/disk/by-uuid/../x',
    ],
    ...[
      '/dev/sdzzzz1',
      '/dev/nvme0n2p1',
      '/dev/dm-0',
      '/dev/disk/by-id/dm-uuid-LVM-x',
      '/dev/sda2',
      '/dev/sda',
    ],
  ])('%s is not here', (spec) => {
    expect(find(spec)).toEqual({});
  });

  test('what is on an encrypted volume that no key has opened is told from what is not there', () => {
    for (const name of ['luks-99999999-2222-3333-4444-555555555555', 'sealed']) {
      expect(find(`/dev/mapper/${name}`)).toEqual({ closed: '/dev/sdb4' });
    }
  });

  test('of copies of a disk each system has its own', () => {
    for (const spec of ['UUID=h', 'LABEL=My Disk', 'PARTLABEL=home']) {
      expect(find(spec, 'ext4', names('/dev/sda2'))).toEqual({ device: '/dev/sda3' });
      expect(find(spec, 'ext4', names('/dev/sdb2'))).toEqual({ device: '/dev/sdb3' });
      expect(find(spec, 'ext4', names('/dev/mapper/cryptsdb5'))).toEqual({ device: '/dev/sdb3' });
    }
  });

  test('names of hardware are believed only where the filesystem fits', () => {
    expect(find('/dev/sdb1', 'swap')).toEqual({ device: '/dev/sdb1' });
    expect(find('/dev/sdb1', 'ext4')).toEqual({});
    expect(find('/dev/sda3', 'ext3')).toEqual({ device: '/dev/sda3' });
    expect(find('/dev/sda1', 'msdos')).toEqual({ device: '/dev/sda1' });
  });

  test('the hardware of the root tells that of the others, and without it nothing is guessed', () => {
    const spec = '/dev/disk/by-id/ata-DISK_1-part3';
    expect(find(spec)).toEqual({});
    const root = '/dev/disk/by-id/ata-DISK_1-part2 / ext4';
    expect(find(spec, 'ext4', names('/dev/sda2', root))).toEqual({ device: '/dev/sda3' });
    expect(find(spec, 'ext4', names('/dev/sdb2', root))).toEqual({ device: '/dev/sdb3' });
    const path = '/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part3';
    const rootPath = '/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2 / ext4';
    expect(find(path, 'ext4', names('/dev/sda2', rootPath))).toEqual({ device: '/dev/sda3' });
    expect(find('/dev/disk/by-id/ata-DISK_9-part2', 'ext4', names('/dev/sdb2'))).toEqual({
      device: '/dev/sda2',
    });
  });

  test('another name of the same kind is that of another disk', () => {
    const part3 = (name: string, root: string) =>
      find(`/dev/disk/${name}-part3`, 'ext4', names('/dev/sda2', `/dev/disk/${root}-part2 / ext4`));
    const another = { device: '/dev/sdb3' };
    expect(part3('by-id/ata-DISK_2', 'by-id/ata-DISK_1')).toEqual(another);
    expect(part3('by-path/pci-0000:00:1f.2-ata-2.0', 'by-path/pci-0000:00:1f.2-ata-1.0')).toEqual(another);
    expect(part3('by-id/wwn-0x2', 'by-id/ata-DISK_1')).toEqual({});
    expect(part3('by-path/pci-0000:00:1f.2-ata-1', 'by-path/pci-0000:00:1f.2-ata-1.0')).toEqual({});
    expect(part3('by-id/nvme-MODEL_1_1', 'by-id/nvme-MODEL_1')).toEqual({});
    expect(part3('by-id/scsi-SQEMU', 'by-id/scsi-3600')).toEqual({});
  });

  test('whatever a name is, it stands for a device of the report or for nothing', () => {
    const specs = fc.oneof(
      fc.string(),
      fc.string().map((text) => `/dev/mapper/${text}`),
      fc.string().map((text) => `/dev/disk/by-id/${text}`),
      fc
        .constantFrom('/dev/md', '/dev/sd', '/dev/nvme0n1p', 'UUID=', '/dev/disk/by-label/')
        .chain((start) => fc.stringMatching(/^[a-z0-9\\/.-]*$/).map((end) => start + end)),
    );
    const devices = known.filesystems.map(({ device }) => device);
    fc.assert(
      fc.property(specs, (spec) => {
        const line = { line: 1, spec, path: '/x', type: 'auto', options: new Map<string, string>() };
        const { device } = names().find(line);
        if (device !== undefined) expect(devices).toContain(device);
        new GuestNames({ ...known, disks: [], filesystems: [] }, noMoreNames, spec, line).find(line);
      }),
    );
  });
});

describe('subvolumes', () => {
  const subvolumes = {
    whole: 256n,
    paths: new Map([
      [256n, '@'],
      [257n, '@home'],
      [258n, '@/var/log'],
    ]),
  };
  const mounted = (options: string, list: typeof subvolumes | null = subvolumes) =>
    subvolumeFor('/dev/sda2', lineOf(`UUID=u /x btrfs ${options}`).options, list);

  test('those that can be mounted by a name of their own', () => {
    const named = ['btrfsvol:/dev/sda2/@home', 'btrfsvol:/dev/sda2/@/var/log'];
    expect(volumesOf('/dev/sda2', subvolumes)).toEqual(['btrfsvol:/dev/sda2//', ...named]);
    expect(volumesOf('/dev/sda2', { ...subvolumes, whole: 5n })).toEqual(['btrfsvol:/dev/sda2/@', ...named]);
  });

  test.each([
    ['defaults', '/dev/sda2'],
    ['subvol=@', '/dev/sda2'],
    ['subvol=/@', '/dev/sda2'],
    ['subvolid=256', '/dev/sda2'],
    ['noatime,subvol=@home', 'btrfsvol:/dev/sda2/@home'],
    ['subvol=/@/var/log', 'btrfsvol:/dev/sda2/@/var/log'],
    ['subvolid=257', 'btrfsvol:/dev/sda2/@home'],
    ['subvolid=0x101', 'btrfsvol:/dev/sda2/@home'],
    ['subvolid=300,subvol=@home', 'btrfsvol:/dev/sda2/@home'],
    ['subvol=gone', undefined],
    ['subvolid=300', undefined],
    ['subvolid=many', undefined],
    ['subvolid=5', 'btrfsvol:/dev/sda2//'],
    ['subvolid=0', 'btrfsvol:/dev/sda2//'],
    ['subvol=/', 'btrfsvol:/dev/sda2//'],
  ])('%s is %s', (options, mountable) => {
    expect(mounted(options)).toBe(mountable);
  });

  test('the top, where it is what is mounted without a name', () => {
    expect(mounted('subvolid=5', { ...subvolumes, whole: 5n })).toBe('/dev/sda2');
    expect(mounted('subvol=/', { ...subvolumes, whole: 5n })).toBe('/dev/sda2');
  });

  test('are believed where they cannot be listed', () => {
    expect(mounted('subvol=@home', null)).toBe('btrfsvol:/dev/sda2/@home');
    expect(mounted('subvolid=257', null)).toBeUndefined();
  });

  test('names have a device and a path', () => {
    expect(partsOf('btrfsvol:/dev/vg/lv/@/a', ['/dev/vg/lv'])).toEqual({ device: '/dev/vg/lv', path: '@/a' });
    expect(partsOf('btrfsvol:/dev/sda2//', ['/dev/sda2'])).toEqual({ device: '/dev/sda2', path: '/' });
    expect(partsOf('btrfsvol:/dev/sdb1/@', [])).toEqual({ device: '/dev/sdb1', path: '@' });
    expect(partsOf('/dev/sda1', ['/dev/sda1'])).toBeUndefined();
  });
});
