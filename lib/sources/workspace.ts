// The folder for what has to be written while a guest is open; it goes with the guest, or with the process.
import { join } from 'node:path';
import { OwnedFolder, ownedFolders } from '../templates/owned-folder';
import type { Server } from './server';

const folderName = 'guestfs-images';

export class Workspace {
  readonly #parent: string;
  #folder: Promise<OwnedFolder> | undefined;
  #files = 0;
  readonly #servers: Server[] = [];

  /** @param parent folder for temporary files */
  constructor(parent: string) {
    this.#parent = parent;
  }

  /** A new path in the folder, which is made with the first, for this user only. */
  async path(name: string): Promise<string> {
    this.#folder ??= this.#make();
    return join((await this.#folder).path, `${this.#files++}-${name}`);
  }

  async #make(): Promise<OwnedFolder> {
    // What processes have left behind that were killed.
    await ownedFolders(this.#parent, folderName);
    return await OwnedFolder.make(this.#parent, folderName, 0o700);
  }

  /** Takes over a server, which ends before the folder goes. */
  owns(server: Server): void {
    this.#servers.push(server);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
    const folder = await this.#folder?.catch(() => undefined);
    await folder?.remove();
  }
}
