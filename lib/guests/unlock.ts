import { errorFor, type GuestfsError, type OptionNames, wordsOf } from '../faults/errors';
import { tellsWrongKey } from '../faults/words';
import { Guestfs } from '../guestfs';
import { mapperName } from './guest-names';
import type { VolumeKey } from './keys';
import { isRefusal } from './problems';
import type { EncryptedReport } from './report';

/**
 * Opens an encrypted volume, read-only unless it is to be `writable`, with the first key that fits; undefined when none
 * is meant for it.
 *
 * @param taken devices as which other volumes were opened
 * @returns the device on which the decrypted content appears
 * @throws GuestfsError `ERR_GUESTFS_KEY` when none of them opens it, else the last one's
 */
export async function unlock(
  g: Guestfs,
  volume: EncryptedReport,
  keys: readonly VolumeKey[],
  writable = false,
  taken: readonly (string | null)[] = [],
): Promise<string | undefined> {
  const fitting = keys.filter((key) => isFor(key, volume));
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
  if (refusal) throw tellsWrongKey(wordsOf(refusal)) ? wrongKey(refusal, volume.device) : refusal;
  return undefined;
}

/** A volume may be named by its device, as LVM names it in `/dev/mapper` too, or by its UUID. */
function isFor({ device }: VolumeKey, volume: EncryptedReport): boolean {
  if (device === undefined || device === volume.device) return true;
  if (device === `/dev/mapper/${mapperName(volume.device)}`) return true;
  return volume.uuid !== null && device.toLowerCase() === volume.uuid.toLowerCase();
}

function wrongKey(cause: GuestfsError, device: string): GuestfsError {
  return errorFor({
    ...{ code: 'ERR_GUESTFS_KEY', operation: cause.operation, cause, unnamed: true },
    problem: `none of the keys that were given opens ${device}`,
    ...{ joint: '; ', hint: (names: OptionNames) => `give its own by ${names('keys')}` },
  });
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
