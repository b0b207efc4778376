// Mounts that change nothing.
import type { Guestfs } from '../guestfs';
import { isRefusal, orNull } from './problems';
import { mounting } from './unmountable';

type Calls = Pick<Guestfs, 'mountRo' | 'mountVfs' | 'vfsType' | 'dmesg'>;

/** Kinds of UFS, those of today first: the appliance's kernel does not find out by itself which it is. */
const kindsOfUfs = ['ufs2', '44bsd', 'sunx86', 'sun'];

/** Mounts a filesystem read-only, also one that needs to be told what it is. */
export async function mountReadOnly(g: Calls, device: string, path: string): Promise<void> {
  try {
    await mounting(g, device, () => g.mountRo(device, path));
  } catch (error) {
    if (!isRefusal(error) || (await orNull(g.vfsType(device))) !== 'ufs') throw error;
    for (const kind of kindsOfUfs) {
      const isMounted = g.mountVfs(`ro,ufstype=${kind}`, 'ufs', device, path).then(() => true);
      if (await orNull(isMounted)) return;
    }
    throw error;
  }
}
