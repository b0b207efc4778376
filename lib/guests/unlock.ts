import type { GuestfsError } from '../faults/errors';
import { Guestfs } from '../guestfs';
import type { VolumeKey } from './keys';
import { isRefusal } from './problems';
import type { EncryptedReport } from './report';

/**
 * Opens an encrypted volume, read-only unless it is to be `writable`, with the first key that fits; undefined when none
 * is meant for it.
 *
 * @param taken devices as which other volumes were opened
 * @returns the device on which the decrypted content appears
 * @throws the last key's GuestfsError
 */
export async function unlock(
  g: Guestfs,
  volume: EncryptedReport,
  keys: readonly VolumeKey[],
  writable = false,
  taken: readonly (string | null)[] = [],
): Promise<string | undefined> {
  const fitting = keys.filter(({ device }) => [undefined, volume.device, volume.uuid].includes(device));
  const name = mappingName(volume.device, taken);
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

/** Name as the virt tools make it; a second volume to which it would belong gets a number behind. */
function mappingName(device: string, taken: readonly (string | null)[]): string {
  const name = `crypt${device.replace(/^\/dev\//, '').replace(/\W/g, '_')}`;
  const isTaken = (each: string) => taken.includes(`/dev/mapper/${each}`);
  let number = 1;
  while (isTaken(number === 1 ? name : `${name}_${number}`)) number++;
  return number === 1 ? name : `${name}_${number}`;
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
