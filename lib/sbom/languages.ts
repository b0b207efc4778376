// Packages of the package managers of languages, by the metadata that they install in their standard global places.
import { listNames } from '../bulk/listing';
import type { Guestfs } from '../guestfs';
import { smallFile } from '../guests/small-files';
import { type Package, packageOf } from '../packages/package';
import { unlessAbsent } from '../packages/system-files';

/** A package of a language, and where its metadata is. */
export interface LanguagePackage {
  readonly type: 'pypi' | 'npm' | 'gem';
  readonly package: Package;
  readonly path: string;
}

/** Packages that are read: more are no installation. */
export const mostLanguagePackages = 50_000;

/** Packages of a mounted system, place by place. */
export async function* languagePackages(g: Guestfs): AsyncGenerator<LanguagePackage> {
  const seen = new Set<string>();
  for await (const folder of places(g)) {
    // One place may be another by a link: /usr/lib64 for /usr/lib.
    const real = await unlessAbsent(g.realpath(folder.path));
    if (real === undefined || seen.has(real)) continue;
    seen.add(real);
    yield* folder.read(g, real);
  }
}

interface Place {
  readonly path: string;
  readonly read: (g: Guestfs, folder: string) => AsyncGenerator<LanguagePackage>;
}

const prefixes = ['/usr', '/usr/local'];
const nodeFolders = [...prefixes.map((prefix) => `${prefix}/lib/node_modules`), '/usr/lib64/node_modules'];
const gemFolders = [
  ...['/var/lib/gems', '/usr/lib/ruby/gems', '/usr/local/lib/ruby/gems', '/usr/share/rubygems-integration'],
  ...['/usr/lib64/ruby/gems', '/usr/local/share/ruby/gems'],
];

async function* places(g: Guestfs): AsyncGenerator<Place> {
  for (const prefix of prefixes) {
    for (const lib of ['lib', 'lib64']) {
      const folder = `${prefix}/${lib}`;
      for (const name of await names(g, folder)) {
        if (!/^python[23](?:\.\d+)?$/.test(name)) continue;
        for (const kind of ['site-packages', 'dist-packages'])
          yield { path: `${folder}/${name}/${kind}`, read: pythonPackages };
      }
    }
  }
  for (const path of nodeFolders) yield { path, read: nodePackages };
  yield { path: '/usr/share/gems/specifications', read: gems };
  yield { path: '/usr/local/bundle/specifications', read: gems };
  for (const folder of gemFolders)
    for (const name of await names(g, folder))
      for (const inside of ['specifications', 'specifications/default'])
        yield { path: `${folder}/${name}/${inside}`, read: gems };
}

const names = async (g: Guestfs, folder: string) => (await unlessAbsent(listNames(g, folder, {}))) ?? [];

/** `NAME-VERSION.dist-info`, and what was there before it. https://packaging.python.org/specifications/ */
async function* pythonPackages(g: Guestfs, folder: string): AsyncGenerator<LanguagePackage> {
  for (const name of await names(g, folder)) {
    const file = name.endsWith('.dist-info')
      ? 'METADATA'
      : name.endsWith('.egg-info')
        ? 'PKG-INFO'
        : undefined;
    if (file === undefined) continue;
    const path = `${folder}/${name}/${file}`;
    const inside = await smallFile(g, path);
    // Some of the older ones are files themselves.
    const text = inside ?? (await smallFile(g, `${folder}/${name}`));
    const [head = ''] = (text ?? '').split(/\r?\n\r?\n/);
    const get = (field: string) =>
      new RegExp(`^${field}:[ \\t]*(\\S.*)$`, 'im').exec(head)?.[1]?.trim() ?? null;
    const [own, version] = [get('Name'), get('Version')];
    if (own === null) continue;
    const license = get('License-Expression') ?? get('License');
    const facts = {
      summary: get('Summary'),
      url: get('Home-page'),
      license: license === 'UNKNOWN' ? null : license,
    };
    yield {
      ...{ type: 'pypi', path: inside === undefined ? `${folder}/${name}` : path },
      package: packageOf({ name: own, version, ...facts }),
    };
  }
}

/** Depth to which packages lie in packages. */
const deepest = 12;

/** What npm has installed for all, with what each brings for itself. */
async function* nodePackages(g: Guestfs, folder: string): AsyncGenerator<LanguagePackage> {
  const isPackage = /\/node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/;
  const walk = g.walk(folder, {
    maxDepth: deepest,
    filter: ({ path, type }) => type === 'file' && isPackage.test(path),
    // Only packages, and the folders that hold them, have some.
    prune: ({ path }) => !/\/node_modules(?:\/@[^/]+)?(?:\/[^/@][^/]*)?$/.test(path),
  });
  for await (const { path } of walk) {
    const found = nodePackage((await smallFile(g, path)) ?? '');
    if (found) yield { type: 'npm', package: found, path };
  }
}

function nodePackage(text: string): Package | undefined {
  try {
    const { name, version, license, description, homepage } = JSON.parse(text) as Record<string, unknown>;
    const word = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
    if (!word(name)) return undefined;
    const facts = { license: word(license), summary: word(description), url: word(homepage) };
    return packageOf({ name: word(name) as string, version: word(version), ...facts });
  } catch {
    return undefined;
  }
}

/** `NAME-VERSION.gemspec`: a program, of which only the first assignments are read. */
async function* gems(g: Guestfs, folder: string): AsyncGenerator<LanguagePackage> {
  for (const file of await names(g, folder)) {
    const [, byFile, versionOfFile] = /^(.+?)-(\d[\w.]*)(?:-[\w.-]+)?\.gemspec$/.exec(file) ?? [];
    if (byFile === undefined) continue;
    const path = `${folder}/${file}`;
    const text = (await smallFile(g, path)) ?? '';
    const get = (field: string) =>
      new RegExp(`^[ \\t]*s\\.${field}[ \\t]*=[ \\t]*\\[?"([^"\\n]{1,500})"`, 'm').exec(text)?.[1] ?? null;
    const facts = {
      summary: get('summary'),
      url: get('homepage'),
      license: get('licenses') ?? get('license'),
    };
    yield {
      ...{ type: 'gem', path },
      package: packageOf({
        name: get('name') ?? byFile,
        version: get('version') ?? versionOfFile ?? null,
        ...facts,
      }),
    };
  }
}
