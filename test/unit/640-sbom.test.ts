/** Bills of materials: valid in their formats, matched by scanners, and the same each time. */
import { toUSVString } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import fc from 'fast-check';
import { PackageURL } from 'packageurl-js';
import { type Guestfs, GuestfsError, type OperatingSystemReport } from '../../lib';
import { unknownSystem } from '../../lib/guests/operating-system';
import { type Package, packageOf } from '../../lib/packages/package';
import type { PackageFile } from '../../lib/packages/package-file';
import { cyclonedx } from '../../lib/sbom/cyclonedx';
import { fullVersion, type Inventory, type SystemInventory, timeOfDocument } from '../../lib/sbom/inventory';
import { copyrightOf, licenseOf } from '../../lib/sbom/licenses';
import { checkSbomOptions } from '../../lib/sbom/options';
import { languagePurl, purlOf } from '../../lib/sbom/purl';
import { dependencies } from '../../lib/sbom/relations';
import { spdx } from '../../lib/sbom/spdx';
import { spdxErrors } from '../support/spdx';

const systemOf = (packageFormat: string, osRelease: Record<string, string>): OperatingSystemReport => ({
  ...unknownSystem('/dev/sda1'),
  ...{ packageFormat, osRelease, productName: `${osRelease.ID} for people` },
});

const digests: PackageFile[] = [
  ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((algorithm, index) => ({
    ...{ path: `/usr/a b\u0007${index}`, mode: 0o755 },
    digest: {
      algorithm,
      value: 'ab'.repeat([16, 20, 28, 32, 48, 64][index] as number),
    } as PackageFile['digest'],
  })),
  { path: '/etc/conf', mode: null, digest: null },
];

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

/** Kinds of systems, of which the documents must be valid. */
const cases: [string, OperatingSystemReport, Package[]][] = [
  [
    'a system',
    debian,
    [libc, packageOf({ name: 'libgcc-s1', license: 'GPL-3.0-or-later WITH GCC-exception-3.1' })],
  ],
  [
    'hostile words',
    debian,
    [hostile, hostile, packageOf({ name: ' ', url: 'https://a b', license: '\udcff' })],
  ],
  ['a system without packages', fedora, []],
  [
    'a system whose licences are its own words',
    fedora,
    ['LicenseRef-Fedora-UltraPermissive AND MIT', 'LicenseRef-0', 'DocumentRef-x:LicenseRef-y', 'GPLv2+'].map(
      (license) => packageOf({ name: 'a', license, module: 'a:1', url: 'http://example.org/~a?b=c' }),
    ),
  ],
];

const inventory = (
  system: OperatingSystemReport,
  packages: readonly Package[],
  files: readonly PackageFile[] = [],
): Inventory => ({
  name: 'disk.img',
  time: timeOfDocument(packages, {}),
  systems: [
    {
      system,
      languages: [],
      packages: packages.map((each) => ({
        ...{ package: each, purl: purlOf(each, system), version: fullVersion(each), licenses: [], files },
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
    [
      'of openSUSE, whatever it makes',
      systemOf('rpm', { ID: 'opensuse-tumbleweed', VERSION_ID: '20240601' }),
      { name: 'curl', version: '8.8.0', release: '1.1', arch: 'x86_64' },
      'pkg:rpm/opensuse/curl@8.8.0-1.1?arch=x86_64&distro=opensuse-tumbleweed-20240601',
    ],
    [
      'of SUSE, for its products',
      systemOf('rpm', { ID: 'sles_sap', VERSION_ID: '15.5' }),
      { name: 'curl', version: '8', release: '1', arch: 'x86_64' },
      'pkg:rpm/suse/curl@8-1?arch=x86_64&distro=sles_sap-15.5',
    ],
    [
      'of Debian without a version, by the name of the next one',
      systemOf('deb', { ID: 'debian', VERSION_CODENAME: 'forky' }),
      { name: 'Curl', version: '8', release: '1', arch: 'amd64' },
      'pkg:deb/debian/curl@8-1?arch=amd64&distro=debian-forky',
    ],
    [
      'of Alpine of tomorrow',
      systemOf('apk', { ID: 'alpine', VERSION_ID: '3.21.0_alpha20240807' }),
      { name: '.build-deps', version: '20240807.101112', arch: 'noarch' },
      'pkg:apk/alpine/.build-deps@20240807.101112?arch=noarch&distro=alpine-3.21.0_alpha20240807',
    ],
    [
      'of Arch, that has no versions',
      systemOf('pacman', { ID: 'arch', BUILD_ID: 'rolling', VERSION_ID: '' }),
      { name: 'a', epoch: 1, version: '2', release: '3', arch: 'any' },
      'pkg:alpm/arch/a@1:2-3?arch=any&distro=arch-rolling',
    ],
    [
      'of a derivate of Debian, whose package has an epoch of 0',
      systemOf('deb', { ID: 'raspbian', ID_LIKE: 'debian', VERSION_ID: '12' }),
      { name: 'a', version: '2', release: '3', arch: 'armhf', source: 'a', sourceVersion: '0:2-3' },
      'pkg:deb/raspbian/a@2-3?arch=armhf&distro=raspbian-12',
    ],
    [
      'of a system without os-release, in the words that it would have there',
      { ...systemOf('rpm', {}), osRelease: null, distro: 'oraclelinux', versionText: '5.11' },
      { name: 'a', version: '2', release: '3', arch: 'i386' },
      'pkg:rpm/ol/a@2-3?arch=i386&distro=ol-5.11',
    ],
  ])('%s', (_, system, told, expected) => {
    const purl = purlOf(packageOf({ name: '', ...told }), system);
    expect(decodeURIComponent(purl)).toBe(decodeURIComponent(expected));
    const parsed = PackageURL.fromString(purl);
    expect([parsed.name, parsed.version]).toEqual([
      system.packageFormat === 'rpm' ? told.name : told.name?.toLowerCase(),
      expect.stringContaining(told.version as string),
    ]);
  });

  test('of whatever a guest calls itself and its packages can be parsed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\udcff',
        '\ud800x',
        ' ',
        '',
        '/',
        '//',
        '.',
        '..',
        '@',
        '%',
        '%zz',
        '?#',
        '\u0000',
        '\ufeff',
      ),
    );
    const each = fc.record({
      name: text,
      version: text,
      arch: text,
      source: text,
      sourceVersion: text,
      module: text,
    });
    const system = fc.record({ ID: text, VERSION_ID: text });
    fc.assert(
      fc.property(
        each,
        system,
        fc.constantFrom('deb', 'rpm', 'apk', 'pacman', 'xbps'),
        (told, release, format) => {
          const [path, qualifiers] = purlOf(packageOf(told), systemOf(format, release)).split('?');
          expect(PackageURL.fromString(path as string).name).toBeTruthy();
          expect(new URLSearchParams(qualifiers).get('arch') ?? '').toBe(toUSVString(told.arch).trim());
          for (const type of ['npm', 'pypi', 'gem'] as const)
            expect(PackageURL.fromString(languagePurl(type, packageOf(told))).name).toBeTruthy();
        },
      ),
    );
  });

  test('of a name that nobody would give are parsed back to it', () => {
    const { name, version } = PackageURL.fromString(purlOf(hostile, debian));
    expect([name, version]).toEqual([hostile.name, '1 2-\u202e3']);
  });
});

describe('CycloneDX', () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

  test.each(cases)('of %s is valid', async (_, system, packages) => {
    const document = cyclonedx(inventory(system, packages, digests));
    expect(await validator.validate(JSON.stringify(document))).toBeNull();
  });

  test('says what Grype and Trivy ask for', () => {
    const derivate = systemOf('deb', { ID: 'mint', ID_LIKE: 'ubuntu debian', VERSION_ID: '22' });
    const { components } = cyclonedx(
      inventory(derivate, [libc, packageOf({ name: 'nodejs', module: 'nodejs:18' })]),
    ) as { components: { properties: { name: string; value: string }[] }[] };
    const [system = [], ...others] = components.map(({ properties }) =>
      properties.map(({ name, value }) => `${name}=${value}`),
    );
    expect(system).toEqual([
      ...['id=mint', 'versionID=22', 'idLike:0=ubuntu', 'idLike:1=debian'].map(
        (each) => `syft:distro:${each}`,
      ),
    ]);
    expect(others.map((each) => each.filter((one) => one.startsWith('aqua')))).toEqual([
      ['aquasecurity:trivy:SrcName=glibc', 'aquasecurity:trivy:SrcVersion=2.36-9+deb12u4'],
      ['aquasecurity:trivy:Modularitylabel=nodejs:18'],
    ]);
  });

  test('packages of languages are the image’s, and none of the distribution', () => {
    const [system] = inventory(debian, [libc]).systems;
    const [, ...found] = [1, 2].map((count) => ({
      ...{ package: packageOf({ name: `left-${count}` }), purl: 'pkg:npm/left@1', version: '1' },
      ...{ licenses: [], files: [] },
    }));
    const both = {
      ...inventory(debian, []),
      systems: [{ ...(system as SystemInventory), languages: found }],
    };
    const { dependencies: told } = cyclonedx(both) as {
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    expect(told.slice(0, 2).map(({ dependsOn }) => dependsOn.map((ref) => ref.split('#')[0]))).toEqual([
      ['system:/dev/sda1', 'pkg:npm/left@1'],
      [expect.stringContaining('/libc6@')],
    ]);
    const { relationships } = spdx(both) as { relationships: Record<string, string>[] };
    expect(relationships).toContainEqual({
      ...{ spdxElementId: 'SPDXRef-Image', relationshipType: 'CONTAINS' },
      relatedSpdxElement: 'SPDXRef-Package-0-1',
    });
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
  test.each(cases)('of %s is valid', (_, system, packages) => {
    const document = JSON.parse(JSON.stringify(spdx(inventory(system, packages, digests))));
    expect(spdxErrors(document)).toEqual([]);
    const analysed = (document.packages as { SPDXID: string; filesAnalyzed: boolean }[]).slice(2);
    expect(analysed.filter(({ filesAnalyzed }) => !filesAnalyzed)).toEqual([]);
    const told = new Set(
      document.hasExtractedLicensingInfos?.map(({ licenseId }: { licenseId: string }) => licenseId),
    );
    for (const { licenseDeclared } of document.packages as { licenseDeclared: string }[])
      for (const [reference] of licenseDeclared.matchAll(/LicenseRef-[\w.-]+/g))
        expect(told).toContain(reference);
  });

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

test('of a package for several architectures, that of the one which needs it is told', () => {
  const named = (name: string, arch: string, depends: string[] = [], provides: string[] = []) =>
    packageOf({ name, arch, depends, provides });
  expect(
    dependencies([
      named('libc6', 'amd64', [], ['libc']),
      named('libc6', 'i386', [], ['libc']),
      named('steam', 'i386', ['libc6 (>= 2)', 'perl:any', 'tool:amd64', 'tool:i386']),
      named('bash', 'amd64', ['libc6']),
      named('docs', 'all', ['libc6', 'libc']),
      named('perl', 'amd64', ['libc6:i386', 'libc:any']),
      named('tool', 'amd64', ['libc6:s390x']),
    ]),
  ).toEqual([[], [], [1, 5, 6], [0], [0], [0, 1], []]);
  expect(
    dependencies([
      named('glibc', 'i686', [], ['libc.so.6', 'glibc(x86-32)']),
      named('glibc', 'x86_64', [], ['libc.so.6()(64bit)']),
      named('setup', 'noarch', ['glibc']),
      named('wine', 'i686', ['libc.so.6', 'glibc(x86-32) >= 2', 'glibc']),
      named('sed', 'x86_64', ['libc.so.6()(64bit)', 'glibc']),
      named('grep', 'x86_64', ['sed']),
    ]),
  ).toEqual([[], [], [1], [0], [1], [4]]);
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
