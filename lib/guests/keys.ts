import { invalidType, invalidValue } from '../faults/arguments';
import { checkEach, isArray, isObject, reading } from '../options/read';

/** A key to an encrypted volume. */
export interface VolumeKey {
  /** Device or UUID of the volume that the key is for; default: the key is tried on all volumes. */
  readonly device?: string | undefined;
  /** Passphrase, or recovery key of BitLocker. */
  readonly key: string;
}

const keysExpected = 'array of strings or { device, key }';

export function checkKeys(operation: string, keys: unknown): VolumeKey[] {
  if (!isArray(keys)) throw invalidType(operation, 'options.keys', keysExpected, typeof keys);
  return checkEach(operation, 'options.keys', keys, (key) => checkKey(operation, key));
}

/** Keys are secrets: errors say of what type something is, not what it is. */
function checkKey(operation: string, each: unknown): VolumeKey {
  const { device, key } = readKey(operation, each);
  if (typeof key !== 'string') throw invalidType(operation, 'options.keys', keysExpected, typeof key);
  if (key.includes('\0')) throw invalidValue(operation, 'options.keys', 'must not contain a NUL character');
  if (device !== undefined && typeof device !== 'string') {
    throw invalidType(operation, 'options.keys.device', 'string', device);
  }
  return { device, key };
}

function readKey(operation: string, each: unknown): { device?: unknown; key: unknown } {
  if (!isObject(each)) return { key: each };
  return reading(operation, 'options.keys', () => ({ device: each.device, key: each.key }));
}
