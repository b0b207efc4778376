/** Bills of materials: valid in their formats, matched by scanners, and the same each time. */
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { type Guestfs, GuestfsError, type OperatingSystemReport } from '../../lib';
import { unknownSystem } from '../../lib/guests/operating-system';
import { type Package, packageOf } from '../../lib/packages/package';
import { cyclonedx } from '../../lib/sbom/cyclonedx';
import { fullVersion, type Inventory, timeOfDocument } from '../../lib/sbom/inventory';
import { copyrightOf, licenseOf } from '../../lib/sbom/licenses';
import { checkSbomOptions } from '../../lib/sbom/options';
import { purlOf } from '../../lib/sbom/purl';
import { dependencies } from '../../lib/sbom/relations';
import { spdx } from '../../lib/sbom/spdx';

const systemOf = (packageFormat: string, osRelease: Record<string, string>): OperatingSystemReport => ({
  ...unknownSystem('/dev/sda1'),
  ...{ packageFormat, osRelease, productName: `${osRelease.ID} for people` },
});

const debian = systemOf('deb', { ID: 'debian', VERSION_ID: '12' });
const fedora = systemOf('rpm', { ID: 'fedora', VERSION_ID: '40' });

const libc = packageOf({
  ...{ name: 'libc6', version: '2.36', release: '9+deb12u4', arch: 'amd64', source: 'glibc' },
  ...{ sourceVersion: '2.36-9+deb12u4', vendor: 'A <b@example.org>', depends: ['libgcc-s1'] },
});

const hostile = packageOf({
  ...{ name: '../e\u001b]0;vil?\n#@%', version: '1 2', release: '\u202e3', arch: 'a&b', vendor: '"\\\u0000' },
  ...{
    license: 'a AND (',
    summary: '<script>',
    url: 'javascript:alert(1)',
    source: 'x y',
    sourceVersion: '@',
  },
});

const inventory = (system: OperatingSystemReport, packages: readonly Package[]): Inventory => ({
  name: 'disk.img',
  time: timeOfDocument(packages, {}),
  systems: [
    {
      system,
      languages: [],
      packages: packages.map((each) => ({
        ...{ package: each, purl: purlOf(each, system), version: fullVersion(each), licenses: [], files: [] },
      })),
    },
  ],
});

describe('package URLs', () => {
  test.each<[string, OperatingSystemReport, Partial<Package>, string]>([
    [
      'of dpkg, with their source where it is another',
      debian,
      libc,
      'pkg:deb/debian/libc6@2.36-9+deb12u4?arch=amd64&distro=debian-12&upstream=glibc',
    ],
    [
      'of dpkg, whose source has a version of its own',
      debian,
      {
        name: 'gcc',
        epoch: 4,
        version: '12.2.0',
        release: '3',
        arch: 'amd64',
        source: 'gcc-defaults',
        sourceVersion: '1.203',
      },
      'pkg:deb/debian/gcc@4:12.2.0-3?arch=amd64&distro=debian-12&upstream=gcc-defaults%401.203',
    ],
    [
      'of RPM, with epoch and module',
      fedora,
      {
        ...{
          name: 'nodejs',
          epoch: 1,
          version: '18.1',
          release: '2.fc40',
          arch: 'x86_64',
          module: 'nodejs:18:1:c',
        },
        ...{ source: 'nodejs', sourceVersion: '18.1-2.fc40' },
      },
      'pkg:rpm/fedora/nodejs@18.1-2.fc40?arch=x86_64&distro=fedora-40&epoch=1&rpmmod=nodejs:18:1:c&upstream=nodejs-18.1-2.fc40.src.rpm',
    ],
    [
      'of Red Hat, which purl calls so',
      systemOf('rpm', { ID: 'rhel', VERSION_ID: '9.4' }),
      { name: 'bash', version: '5.1.8', release: '9.el9', arch: 'x86_64' },
      'pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4',
    ],
    [
      'of apk',
      systemOf('apk', { ID: 'alpine', VERSION_ID: '3.20.1' }),
      {
        name: 'ssl_client',
        version: '1.36.1',
        release: 'r29',
        arch: 'x86_64',
        source: 'busybox',
        sourceVersion: '1.36.1-r29',
      },
      'pkg:apk/alpine/ssl_client@1.36.1-r29?arch=x86_64&distro=alpine-3.20.1&upstream=busybox',
    ],
    [
      'of pacman',
      systemOf('pacman', { ID: 'arch' }),
      {
        name: 'linux',
        version: '6.9.1.arch1',
        release: '1',
        arch: 'x86_64',
        source: 'linux',
        sourceVersion: '6.9.1.arch1-1',
      },
      'pkg:alpm/arch/linux@6.9.1.arch1-1?arch=x86_64&distro=arch',
    ],
  ])('%s', (_, system, told, expected) => {
    const purl = purlOf(packageOf({ name: '', ...told }), system);
    expect(decodeURIComponent(purl)).toBe(decodeURIComponent(expected));
    const parsed = PackageURL.fromString(purl);
    expect([parsed.name, parsed.version]).toEqual([
      told.name,
      expect.stringContaining(told.version as string),
    ]);
  });

  test('of a name that nobody would give are parsed back to it', () => {
    const { name, version } = PackageURL.fromString(purlOf(hostile, debian));
    expect([name, version]).toEqual([hostile.name, '1 2-\u202e3']);
  });
});

describe('CycloneDX', () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

  test.each([
    [
      'a system',
      debian,
      [libc, packageOf({ name: 'libgcc-s1', license: 'GPL-3.0-or-later WITH GCC-exception-3.1' })],
    ],
    ['hostile words', debian, [hostile, hostile]],
    ['a system without packages', fedora, []],
  ])('of %s is valid', async (_, system, packages) => {
    const document = cyclonedx(inventory(system, packages));
    expect(await validator.validate(JSON.stringify(document))).toBeNull();
  });

  test('says which system, which packages, and what needs what', () => {
    const document = cyclonedx(inventory(debian, [libc, packageOf({ name: 'libgcc-s1' })])) as {
      components: { type: string; name: string; version?: string; purl?: string }[];
      dependencies: { ref: string; dependsOn?: string[] }[];
    };
    expect(document.components.map(({ type, name, version }) => [type, name, version])).toEqual(
      expect.arrayContaining([
        ['operating-system', 'debian', '12'],
        ['library', 'libc6', '2.36-9+deb12u4'],
      ]),
    );
    const needed = document.dependencies.find(({ ref }) => ref.includes('/libc6@'))?.dependsOn;
    expect(needed).toEqual([expect.stringContaining('/libgcc-s1')]);
  });
});

describe('SPDX', () => {
  test('has what its schema wants of every element, and names each once', () => {
    const document = spdx(inventory(debian, [libc, hostile, packageOf({ name: 'libgcc-s1' })])) as {
      packages: { SPDXID: string; licenseDeclared: string }[];
      relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
      hasExtractedLicensingInfos: object[];
    };
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z\d.-]+$/);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships)
      expect([...ids, 'SPDXRef-DOCUMENT']).toEqual(
        expect.arrayContaining([spdxElementId, relatedSpdxElement]),
      );
    expect(document.relationships).toContainEqual({
      ...{ spdxElementId: 'SPDXRef-Package-0-0', relationshipType: 'DEPENDS_ON' },
      relatedSpdxElement: 'SPDXRef-Package-0-2',
    });
    expect(document.packages.find(({ SPDXID }) => SPDXID === 'SPDXRef-Package-0-1')?.licenseDeclared).toBe(
      'LicenseRef-0',
    );
    expect(document.hasExtractedLicensingInfos).toEqual([
      { licenseId: 'LicenseRef-0', name: 'a AND (', extractedText: 'a AND (' },
    ]);
  });
});

test('documents are the same each time, and their time is told or that of the last installation', () => {
  const packages = [libc, packageOf({ name: 'new', installTime: '2024-02-03T04:05:06.000Z' })];
  for (const make of [cyclonedx, spdx])
    expect(JSON.stringify(make(inventory(debian, packages)))).toBe(
      JSON.stringify(make(inventory(debian, packages))),
    );
  expect(timeOfDocument(packages, {})).toBe('2024-02-03T04:05:06Z');
  expect(timeOfDocument(packages, { SOURCE_DATE_EPOCH: '86400' })).toBe('1970-01-02T00:00:00Z');
  expect(timeOfDocument([], { SOURCE_DATE_EPOCH: 'x' })).toBe('1970-01-01T00:00:00Z');
});

test('what a package needs is found by its name, by what others provide, and by the first alternative that is there', () => {
  const named = (name: string, depends: string[], provides: string[] = []) =>
    packageOf({ name, depends, provides });
  expect(
    dependencies([
      named('a', ['none | b (>= 1)', 'mail-agent', 'a', 'libz.so.1()(64bit)', '/bin/sh']),
      named('b', ['a:any', 'so:libc.so.6']),
      named('c', ['b>=2', 'b'], ['mail-agent (= 1)', 'libz.so.1()(64bit)', 'so:libc.so.6=1']),
    ]),
  ).toEqual([[1, 2], [0, 2], [1]]);
});

test('licences are read from copyright files of Debian that are made for it', async () => {
  const files: Record<string, string> = {
    '/usr/share/doc/a/copyright': `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: GPL-2+
 The text.

Files: x
License: Expat or LGPL-2.1+ and BSD-3-clause

License: GPL-2+
 Again.
`,
    '/usr/share/doc/b/copyright': 'This package was made by somebody.\nLicense: see below\n',
  };
  const g = {
    statns: async (path: string) => {
      const text = files[path];
      if (text === undefined) throw new GuestfsError('no such file', { code: 'ENOENT', operation: 'statns' });
      return { stMode: 0o100644n, stSize: BigInt(text.length) };
    },
    pread: async (path: string) => Buffer.from(files[path] ?? ''),
  } as unknown as Guestfs;
  expect(await copyrightOf(g, packageOf({ name: 'a' }))).toEqual([
    'GPL-2.0-or-later',
    'MIT OR LGPL-2.1-or-later AND BSD-3-Clause',
  ]);
  for (const name of ['b', 'c', '../a']) expect(await copyrightOf(g, packageOf({ name }))).toEqual([]);
});

test.each([
  ['MIT', 'expression'],
  ['GPL-2.0-or-later AND (MIT OR BSD-3-Clause)', 'expression'],
  ['GPLv2+', 'name'],
  ['', 'name'],
])('the licence %s is an %s', (text, kind) => {
  expect(licenseOf(text)).toEqual({ kind, text });
});

test.each([
  [{ format: 'swid' }, 'ERR_INVALID_ARG_VALUE'],
  [{ format: 1 }, 'ERR_INVALID_ARG_TYPE'],
  [{ licenses: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
  [{ licences: true }, 'ERR_INVALID_ARG_VALUE'],
])('options %j are refused', (options, code) => {
  expect(() => checkSbomOptions(options as never)).toThrow(expect.objectContaining({ code }));
});
