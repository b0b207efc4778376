import { readFileSync } from 'node:fs';
import type { VolumeKey } from '../inspect';
import { bytesOf, nameOf } from '../text/bytes';
import { UsageError } from './command';

/** Reads `[DEVICE:]file:PATH` or `[DEVICE:]key:STRING`. */
export function parseKey(text: string): VolumeKey {
  const match = /^(?:(?!file:|key:)(.+?):)?(file|key):(.*)$/s.exec(text);
  // The text may be a passphrase, so it is not repeated.
  if (!match) throw new UsageError('--key must be [DEVICE:]file:PATH or [DEVICE:]key:STRING');
  const [, device, kind, value = ''] = match;
  return { device, key: kind === 'file' ? readKey(value) : value };
}

/** Reads `file:PATH` or `env:VARIABLE`. */
export function parseSecret(text: string): string {
  const [, kind, value = ''] = /^(file|env):(.+)$/s.exec(text) ?? [];
  // The text may be the password itself, so it is not repeated.
  if (kind === undefined) throw new UsageError('--secret must be file:PATH or env:VARIABLE');
  if (kind === 'file') return readKey(value, '--secret');
  const secret = process.env[value];
  if (secret === undefined)
    throw new UsageError(`--secret: there is no variable ${value} in the environment`);
  return secret;
}

function readKey(path: string, option = '--key'): string {
  try {
    // Editors end the line.
    return nameOf(readFileSync(bytesOf(path))).replace(/\r?\n$/, '');
  } catch (error) {
    throw new UsageError(
      `${option}: the file '${path}' cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}
