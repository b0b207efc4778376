import type { Guestfs } from '../../guestfs';
import { firmwareFilesystems, mountAgain, shallow } from '../boot';
import type { GuestRule, Sighting } from '../rule';

/** Names that kernels have in the folders from which they are booted. */
const kernel = /^(?:vmlinu[xz]|bzImage|zImage|uImage|Image|kernel|linux)(?:[-._]?\d*.*)?$/;
const unified = /\/EFI\/Linux\/[^/]+\.efi$/i;
/** What stands beside kernels. */
const noKernel =
  /\.(?:conf|cfg|config|map|hmac|txt|sig|dtb|ini|mod|lst|c32)$|\/(?:grub2?|syslinux|extlinux|isolinux)\//i;

export const kernelMissing: GuestRule = {
  id: 'kernel-missing',
  severity: 'warning',
  title: 'A system without a kernel',
  advice: 'Install a kernel, unless the image is meant for a hypervisor that brings its own',
  help: 'Without a kernel the machine does not boot. Looked at are /boot, the EFI system partition, unified kernel images and the folders of modules.',
  checkGuest: async ({ g, report }) => {
    const systems = report.operatingSystems.filter(({ type }) => type === 'linux');
    if (systems.length === 0) return undefined;
    const without: string[] = [];
    for (const system of systems) {
      await mountAgain(g, system);
      if (!(await hasKernel(g))) without.push(system.root);
    }
    if (without.length === 0) return [];
    for (const device of firmwareFilesystems(report)) {
      await g.umountAll();
      await g.mountRo(device, '/');
      if (await hasKernelIn(g, '/', 5)) return [];
    }
    return without.map(
      (device): Sighting => ({ device, seen: `no kernel of the system on ${device} is on any of the disks` }),
    );
  },
};

async function hasKernel(g: Guestfs): Promise<boolean> {
  for (const [folder, depth] of [
    ['/boot', 5],
    ['/efi', 5],
    ['/', 1],
  ] as const)
    if (await hasKernelIn(g, folder, depth)) return true;
  for (const modules of ['/usr/lib/modules', '/lib/modules'])
    for await (const { depth, name } of shallow(g, modules, 2))
      if (depth === 2 && /^(?:vmlinuz|bzImage|Image)$/.test(name)) return true;
  return false;
}

async function hasKernelIn(g: Guestfs, folder: string, depth: number): Promise<boolean> {
  for await (const { path, name, type, size } of shallow(g, folder, depth)) {
    const isFile = type === 'file' && size > 0n;
    const isKernel = kernel.test(name) && !noKernel.test(path);
    if (isFile && (isKernel || unified.test(path))) return true;
    // A link to a kernel elsewhere, as NixOS and Debian have it.
    if (type === 'symlink' && isKernel && (await g.isFile(path, { followsymlinks: true }))) return true;
  }
  return false;
}
