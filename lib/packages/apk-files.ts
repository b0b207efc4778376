// Files of packages of apk: they stand in its database, folder by folder.
import { apkDatabase } from './apk';
import type { Digest, FilesOfPackage, PackageFile } from './package-file';
import type { SystemFiles } from './system-files';

export async function* readApkFiles(files: SystemFiles): AsyncGenerator<FilesOfPackage> {
  const text = await apkDatabase(files);
  for (const stanza of (text ?? '').split(/\n\s*\n/)) {
    const found = filesOf(stanza);
    if (found) yield found;
  }
}

type Growing = { -readonly [K in keyof PackageFile]: PackageFile[K] };

function filesOf(stanza: string): FilesOfPackage | undefined {
  const files: Growing[] = [];
  const facts: Record<string, string> = {};
  let folder = '';
  for (const line of stanza.split('\n')) {
    const [letter, value] = [line.slice(0, 1), line.slice(2)];
    const last = files.at(-1);
    if (letter === 'F') folder = value === '' ? '' : `/${value}`;
    else if (letter === 'R') files.push({ path: `${folder}/${value}`, mode: 0o644, digest: null });
    else if (letter === 'a' && last) last.mode = Number.parseInt(value.split(':')[2] ?? '', 8) || 0;
    else if (letter === 'Z' && last) last.digest = digestIn(value);
    else if (/[PVA]/.test(letter)) facts[letter] = value;
  }
  const { P: name, V: version = null, A: arch = null } = facts;
  return name === undefined ? undefined : { name, version, arch, files };
}

/** `Q1` and SHA-1, or `Q2` and SHA-256, in base64. */
function digestIn(text: string): Digest | null {
  const algorithm = text.startsWith('Q1') ? 'sha1' : text.startsWith('Q2') ? 'sha256' : undefined;
  const bytes = Buffer.from(text.slice(2), 'base64');
  const isWhole = bytes.length === (algorithm === 'sha1' ? 20 : 32);
  return algorithm && isWhole ? { algorithm, value: bytes.toString('hex') } : null;
}
