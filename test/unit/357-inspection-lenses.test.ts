// Inspection reads a guest's files the same by its few lenses as by all that augeas has on this machine.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspectedFiles, inspectionLenses } from '../../lib/templates/lenses';

/** The appliance has its lenses from here. */
const all = '/usr/share/augeas/lenses/dist';
const reader = join(__dirname, '../support/augeas.py');
const folder = mkdtempSync(join(tmpdir(), 'guestfs-lenses-'));
const few = lensesIn('few', inspectionLenses);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Reading {
  readonly lenses: readonly string[];
  readonly errors: Readonly<Record<string, string>>;
  readonly tree: Readonly<Record<string, string | null>>;
}

/** A guest whose files have what people write into them, and what no lens can read. */
const guest: Record<keyof typeof inspectedFiles, string> = {
  '/etc/fstab': `# <file system> <mount point> <type> <options> <dump> <pass>
UUID=1f32fedd-2adc-46d2-82fb-a2e3bf2d377d / ext4 errors=remount-ro 0 1
LABEL=boot\t/boot\text2   defaults,noatime   0   2 # end

/dev/mapper/vg-home /home btrfs subvol=@home,compress=zstd:1 0 0
/dev/md0 /data xfs defaults
/dev/ada0p2 / ufs rw 1 1
//server/share /mnt/share cifs credentials=/etc/secret,uid=0
tmpfs /tmp tmpfs size=1G,nosuid
/dev/sda3 none swap sw 0 0
`,
  '/etc/crypttab': 'luks-1 UUID=4d1cb7a0-7b7a-4f5e-a6b8-111111111111 none luks,discard\nplain /dev/sda5\n',
  '/etc/mdadm.conf': `DEVICE partitions
ARRAY /dev/md0 metadata=1.2 name=host:0 UUID=c5a35cd3:4b6c4a7a:1c3b8d4e:0a1b2c3d
ARRAY /dev/md/1 level=raid1 num-devices=2 uuid=c5a35cd3:4b6c4a7a:1c3b8d4e:0a1b2c3e devices=/dev/sda1,/dev/sdb1
`,
  '/etc/mdadm/mdadm.conf': 'HOMEHOST <system>\nMAILADDR root\nARRAY /dev/md127 uuid=00000000:0:0:0\n',
  '/etc/sysconfig/network': 'NETWORKING=yes\nHOSTNAME="rhel5.example.com"\n# GATEWAY\nexport A=$(echo b)\n',
};
const broken = Object.fromEntries(Object.keys(guest).map((file) => [file, 'one\n="']));

function lensesIn(name: string, lenses: readonly string[]): string {
  const place = join(folder, name);
  mkdirSync(place);
  for (const lens of lenses) cpSync(join(all, `${lens}.aug`), join(place, `${lens}.aug`));
  return place;
}

function read(lenses: string, files: Record<string, string>): Reading | null {
  const root = mkdtempSync(join(folder, 'guest-'));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  const args = [reader, lenses, root, ...Object.keys(inspectedFiles)];
  return JSON.parse(execFileSync('/usr/bin/python3', args, { encoding: 'utf8' }));
}

describe('with few lenses', () => {
  let full: Reading;
  beforeAll(() => {
    full = read(all, guest) as Reading;
  });

  test('the files of a guest are read as with all', () => {
    expect(full.errors).toEqual({});
    expect(read(few, guest)).toEqual(full);
    for (const [file, lens] of Object.entries(inspectedFiles)) {
      expect(Object.keys(full.tree).filter((path) => path.startsWith(`/files${file}/`))).not.toEqual([]);
      expect(full.lenses.map((each) => each.toLowerCase())).toContain(`@${lens}`);
    }
    expect(full.tree).toMatchObject({
      '/files/etc/fstab/3/opt[1]/value': '@home',
      '/files/etc/sysconfig/network/HOSTNAME': '"rhel5.example.com"',
    });
  });

  test('what cannot be read fails as with all', () => {
    const outcome = read(few, broken);
    expect(Object.keys(outcome?.errors ?? {})).toHaveLength(Object.keys(broken).length);
    expect(outcome).toEqual(read(all, broken));
  });

  test('none of them can be done without', () => {
    for (const lens of inspectionLenses) {
      const others = inspectionLenses.filter((each) => each !== lens);
      expect([lens, read(lensesIn(`without-${lens}`, others), guest)]).not.toEqual([lens, full]);
    }
  });
});
