import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Removes the sockets that no process has open; false when there are none. libguestfs does not tell the name of a
 * handle's folder: ours is among the user's that are as old as the handle or younger.
 */
export function removeStaleSockets(folder: string, since: number): boolean {
  try {
    const open = readFileSync('/proc/net/unix', 'utf8');
    const sockets = readdirSync(folder)
      .filter((name) => /^libguestfs.{6}$/.test(name))
      .map((name) => join(folder, name, 'guestfsd.sock'))
      .filter((socket) => !open.includes(socket) && isOwnSocket(socket, since));
    for (const socket of sockets) rmSync(socket, { force: true });
    return sockets.length > 0;
  } catch {
    return false;
  }
}

function isOwnSocket(path: string, since: number): boolean {
  try {
    const found = lstatSync(path);
    return found.isSocket() && found.uid === process.getuid?.() && found.ctimeMs >= since;
  } catch {
    return false; // another user's folder
  }
}
