// Folders of a guest that are to be seen at a second place, too.
import type { Guestfs } from '../guestfs';
import { quoted } from '../text/shell';

/** Where the appliance has the guest. */
const sysroot = '/sysroot';

/**
 * Shows what is at one path at the other, without what is mounted inside; libguestfs has no call for it. On neither path
 * may there be a link: it would lead to a place of the appliance.
 */
export async function bind(g: Pick<Guestfs, 'debug'>, source: string, place: string): Promise<void> {
  const inside = (path: string) => quoted(path === '/' ? sysroot : `${sysroot}${path}`);
  await g.debug('sh', [`mount --bind -- ${inside(source)} ${inside(place)}`]);
}
