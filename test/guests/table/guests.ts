/** The guests: each system, each layout and each kind of names at least once. */
import { debianTree, readFromTree } from '../../images';
import { type ForeignSystem, freebsd, windows } from './foreign';
import type { Layout } from './layout';
import { layouts } from './layouts';
import type { Names } from './names';
import type { System } from './system';
import { systems } from './systems';

export interface Guest {
  readonly name: string;
  readonly system: System | ForeignSystem;
  readonly layout: keyof typeof layouts;
  readonly names?: Names;
}

export const layoutOf = ({ layout }: Guest): Layout => layouts[layout];

export const guests: readonly Guest[] = [
  { name: 'ubuntu-24.04', system: systems.ubuntu24, layout: 'efi', names: { naming: 'label' } },
  { name: 'ubuntu-22.04', system: systems.ubuntu22, layout: 'lvmInLuks', names: { naming: 'device' } },
  { name: 'debian-raid1', system: systems.debian11, layout: 'raid1', names: { naming: 'device' } },
  { name: 'debian-raid5', system: systems.debian11, layout: 'raid5', names: { naming: 'by-id' } },
  { name: 'debian-raid1-id', system: systems.debian11, layout: 'raid1', names: { naming: 'by-id' } },
  { name: 'fedora-workstation', system: systems.fedora, layout: 'subvolumes', names: { naming: 'uuid' } },
  { name: 'fedora-server', system: systems.fedoraServer, layout: 'lvm', names: { naming: 'device' } },
  { name: 'fedora-coreos', system: systems.coreos, layout: 'ostree' },
  { name: 'rocky-9', system: systems.rocky, layout: 'sectors', names: { naming: 'partuuid' } },
  { name: 'rhel-8', system: systems.rhel, layout: 'luksInLvm', names: { naming: 'device' } },
  { name: 'centos-7', system: systems.centos7, layout: 'twoDisks', names: { naming: 'by-id' } },
  { name: 'oracle-9', system: systems.oracle, layout: 'thin', names: { naming: 'device' } },
  { name: 'amazon-2', system: systems.amazon2, layout: 'xfs', names: { naming: 'label' } },
  {
    name: 'amazon-2023',
    system: systems.amazon2023,
    layout: 'plain',
    names: { naming: 'device', driver: 'nvme' },
  },
  { name: 'opensuse-leap', system: systems.opensuse, layout: 'snapshots', names: { naming: 'uuid' } },
  { name: 'arch', system: systems.arch, layout: 'f2fs', names: { naming: 'partlabel' } },
  {
    name: 'alpine',
    system: systems.alpine,
    layout: 'luks',
    names: { naming: 'device', crypttab: { '/': 'root' } },
  },
  { name: 'gentoo', system: systems.gentoo, layout: 'separate', names: { naming: 'partlabel' } },
  { name: 'nixos', system: systems.nixos, layout: 'efi', names: { naming: 'by-uuid' } },
  { name: 'ubuntu-22.04-disks', system: systems.ubuntu22, layout: 'twoDisks', names: { naming: 'by-path' } },
  { name: 'freebsd-14', system: freebsd, layout: 'freebsd' },
  { name: 'windows-11', system: windows, layout: 'windows' },
];

/** A real Debian, by debootstrap; what it is to tell is read from its own files. */
export async function debianGuest(): Promise<Guest & { readonly archive: string }> {
  const archive = await debianTree();
  const release = await readFromTree('/usr/lib/os-release');
  const value = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  const exact = (await readFromTree('/etc/debian_version')).trim();
  const status = await readFromTree('/var/lib/dpkg/status');
  const packages = status.split('\n\n').flatMap((entry) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(entry)?.[1] ?? '';
    return field('Package') === ''
      ? []
      : [{ name: field('Package'), version: field('Version'), arch: field('Architecture') }];
  });
  return {
    name: 'debian',
    archive,
    system: {
      tells: {
        ...{
          type: 'linux',
          distro: value('ID'),
          productName: value('PRETTY_NAME'),
          hostname: 'guestfs-test',
        },
        versionText: exact.startsWith(`${value('VERSION_ID')}.`) ? exact : value('VERSION_ID'),
        ...{
          arch: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'],
          packageFormat: 'deb',
        },
      },
      ...{ files: {}, packages, logged: [] },
    },
    ...{ layout: 'plain', names: { naming: 'device' } },
  };
}
