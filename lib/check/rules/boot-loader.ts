import type { Guestfs } from '../../guestfs';
import type { InspectionReport, PartitionReport } from '../../guests/report';
import { firmwareFilesystems, mountAgain, shallow } from '../boot';
import type { GuestRule } from '../rule';

/** Words by which the first sector of a disk tells its boot loader. */
const named = /GRUB|LILO|SYSLINUX|EXTLINUX|ISOLINUX|isolinux|Limine|Loading |BTX|boot0|NTLDR|BOOTMGR/;

/** Partitions that firmware of PowerPC, and GRUB on BIOS, read boot loaders from. */
const loaders = new Set(['9E1A2D38-C612-4316-AA26-8B49521E5A8B', '21686148-6449-6E6F-744E-656564454649']);
const prep = 0x41;

/** Architectures whose machines do not boot from files or sectors that could be known. */
const untold = /^(?:s390|alpha|hppa|ia64|sparc)/;
const boards = /^(?:arm|aarch64|riscv|mips)/;

export const bootLoaderMissing: GuestRule = {
  id: 'boot-loader-missing',
  severity: 'warning',
  title: 'No boot loader',
  advice:
    'Install a boot loader: grub-install, bootctl install. An image that a hypervisor boots by a kernel of its own needs none',
  help: 'Without a boot loader the firmware does not find the system. Looked at are the first sectors of disks and of active partitions, the EFI programs of FAT filesystems, PReP and BIOS boot partitions, and what boards boot from. Machines of IBM Z, Alpha, HP and SPARC are not judged.',
  checkGuest: async ({ g, report }) => {
    const systems = report.operatingSystems.filter(
      ({ type, arch }) => type !== null && !untold.test(arch ?? ''),
    );
    if (systems.length === 0) return undefined;
    for (const { device } of report.images) if (await bootsFrom(g, device, report)) return [];
    for (const { device } of report.partitions.filter(isLoader)) if (await hasContent(g, device)) return [];
    for (const device of firmwareFilesystems(report)) {
      await g.umountAll();
      await g.mountRo(device, '/');
      if (await hasPrograms(g)) return [];
    }
    for (const system of systems.filter(({ arch }) => boards.test(arch ?? ''))) {
      await mountAgain(g, system);
      if (await g.isFile('/boot/extlinux/extlinux.conf', { followsymlinks: true })) return [];
    }
    return [{ device: systems[0]?.root, seen: 'no boot loader is on any of the disks' }];
  },
};

const isLoader = ({ gptType, mbrId }: PartitionReport) => loaders.has(gptType ?? '') || mbrId === prep;

async function hasContent(g: Guestfs, device: string): Promise<boolean> {
  return (await g.preadDevice(device, 4096, 0)).some((byte) => byte !== 0);
}

/** Whether a BIOS, or a board that reads sectors, finds something to run on a disk. */
async function bootsFrom(g: Guestfs, disk: string, { partitions }: InspectionReport): Promise<boolean> {
  const own = partitions.filter(({ device }) => isPartOf(device, disk));
  const first = await sector(g, disk);
  const code = first.subarray(0, 440);
  const isEmpty = code.every((byte) => byte === 0);
  if (!isEmpty && named.test(code.toString('latin1'))) return true;
  if (own.length === 0) return !isEmpty && isBootSector(first);
  for (const { device, bootable } of own)
    if (bootable && !isEmpty && isBootSector(await sector(g, device))) return true;
  // Loaders of boards lie between the partition table and the first partition.
  const start = Math.min(...own.map((each) => each.start));
  const gap =
    start > 8192 + 34 * 512 ? await g.preadDevice(disk, Math.min(start - 24 * 1024, 2 ** 20), 24 * 1024) : [];
  return gap.some((byte) => byte !== 0);
}

const isPartOf = (device: string, disk: string) =>
  device.startsWith(disk) && /^p?\d+$/.test(device.slice(disk.length));

const sector = async (g: Guestfs, device: string) => await g.preadDevice(device, 512, 0);

const isBootSector = (bytes: Buffer) =>
  bytes.length === 512 &&
  bytes.readUInt16LE(510) === 0xaa55 &&
  bytes.subarray(0, 3).some((byte) => byte !== 0);

/** What EFI runs, and what boards read from FAT. */
const programs =
  /^\/EFI\/.+\.efi$|^\/(?:bootcode\.bin|start\d?[^/]*\.elf|u-boot[^/]*|MLO|boot\.bin|extlinux\/extlinux\.conf)$/i;

async function hasPrograms(g: Guestfs): Promise<boolean> {
  for await (const { path, type, size } of shallow(g, '/', 4))
    if (type === 'file' && size > 0n && programs.test(path)) return true;
  return false;
}
