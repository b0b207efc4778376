import type { GuestfsError } from '../faults/errors';
import { Guestfs } from '../guestfs';
import type { VolumeKey } from './keys';
import { isRefusal } from './problems';
import type { EncryptedReport } from './report';

/**
 * Opens an encrypted volume, read-only unless it is to be `writable`, with the first key that fits; undefined when none
 * is meant for it.
 *
 * @returns the device on which the decrypted content appears
 * @throws the last key's GuestfsError
 */
export async function unlock(
  g: Guestfs,
  volume: EncryptedReport,
  keys: readonly VolumeKey[],
  writable = false,
): Promise<string | undefined> {
  const fitting = keys.filter(({ device }) => [undefined, volume.device, volume.uuid].includes(device));
  // The virt tools name the mapping so.
  const name = `crypt${volume.device.replace(/^\/dev\//, '').replace(/\W/g, '_')}`;
  let refusal: GuestfsError | undefined;
  for (const { key } of fitting) {
    try {
      await open(g, volume, key, name, writable);
      return `/dev/mapper/${name}`;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal = error;
    }
  }
  if (refusal) throw refusal;
  return undefined;
}

function open(
  g: Guestfs,
  { device, type }: EncryptedReport,
  key: string,
  name: string,
  writable: boolean,
): Promise<void> {
  if (Guestfs.supports('cryptsetupOpen') || type !== 'crypto_LUKS') {
    return g.cryptsetupOpen(device, key, name, { readonly: !writable });
  }
  return writable ? g.luksOpen(device, key, name) : g.luksOpenRo(device, key, name);
}
