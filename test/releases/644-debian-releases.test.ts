/** Bills of materials of real systems, package by package, beside what dpkg says of the same trees. */
import { readFileSync } from 'node:fs';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { sbom } from '../../lib';
import { type DebianRelease, debianRelease, debianReleases } from '../images/debian-releases';
import { spdxErrors } from '../support/spdx';

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly properties: readonly { readonly name: string; readonly value: string }[];
  readonly licenses?: readonly object[];
  readonly components?: readonly { readonly hashes?: readonly object[] }[];
}

interface Document {
  readonly components: readonly Component[];
}

const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

describe.each(debianReleases)('%s', (name) => {
  let release: DebianRelease;
  let document: Document;
  let packages: readonly Component[];

  beforeAll(async () => {
    release = await debianRelease(name);
    const { report, ...made } = await sbom(
      { path: release.image, format: 'raw' },
      { files: true, licenses: true },
    );
    document = made.document as Document;
    packages = document.components.filter(({ type }) => type === 'library');
    expect(report.problems).toEqual([]);
  }, 1_800_000);

  test('each package is told as dpkg tells it, and no other', () => {
    const told = packages.map(({ version, purl, properties, ...each }) => {
      const property = (key: string) => properties.find(({ name }) => name === `guestfs:${key}`)?.value;
      const { qualifiers } = PackageURL.fromString(purl);
      const size = Number(property('installedSize') ?? Number.NaN) / 1024;
      return [each.name, version, qualifiers?.arch, property('source'), property('sourceVersion'), size].join(
        '|',
      );
    });
    const expected = linesOf(release.packages)
      .filter((line) => line.endsWith('|installed'))
      .map((line) => line.replace(/\|installed$/, ''));
    expect(told.sort()).toEqual(expected.sort());
    expect(told.length).toBeGreaterThan(50);
  });

  test('the URLs name the release, and the source where it is another package', () => {
    const facts = new Map(linesOf(release.osRelease).map((line) => line.split('=', 2) as [string, string]));
    const word = (key: string) => facts.get(key)?.replaceAll('"', '');
    const distro = `debian-${word('VERSION_ID') ?? word('VERSION_CODENAME')}`;
    const sources = new Map(linesOf(release.packages).map((line) => [line.split('|')[0], line.split('|')]));
    for (const each of packages) {
      const { type, namespace, qualifiers, version } = PackageURL.fromString(each.purl);
      const [, , , source, sourceVersion] = sources.get(each.name) ?? [];
      const upstream = sourceVersion === version ? source : `${source}@${sourceVersion}`;
      expect([type, namespace, qualifiers?.distro]).toEqual(['deb', 'debian', distro]);
      expect(qualifiers?.upstream ?? each.name).toBe(upstream);
    }
  });

  test('every checksum of the database is told, and the licences of many', () => {
    const hashes = packages.flatMap(({ components = [] }) => components.flatMap((file) => file.hashes ?? []));
    expect(hashes.length).toBe(Number(linesOf(release.checksums)[0]));
    expect(packages.filter(({ licenses }) => licenses).length).toBeGreaterThan(packages.length / 3);
  });

  test('both documents are valid', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(JSON.stringify(document))).toBeNull();
    const spdx = await sbom(
      { path: release.image, format: 'raw' },
      { format: 'spdx', files: true, licenses: true },
    );
    expect(spdxErrors(spdx.document)).toEqual([]);
  });
});
