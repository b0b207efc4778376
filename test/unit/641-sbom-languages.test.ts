/** Bills of materials with files, and with packages of languages. */
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect, test } from '@jest/globals';
import { PackageURL } from 'packageurl-js';
import { Problems } from '../../lib/guests/problems';
import { packageOf } from '../../lib/packages/package';
import { cyclonedx } from '../../lib/sbom/cyclonedx';
import { filesOf } from '../../lib/sbom/files';
import type { Inventory, Listed } from '../../lib/sbom/inventory';
import { languagePackages } from '../../lib/sbom/languages';
import { languagePurl } from '../../lib/sbom/purl';
import { spdx } from '../../lib/sbom/spdx';
import { fakeHandle } from '../support/command';
import { debian, folderOf } from '../support/trees';

const files = {
  '/usr/lib/python3/dist-packages/Zope.Interface-5.4.dist-info/METADATA':
    'Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.4\nLicense: ZPL 2.1\nSummary: Interfaces\n\nVersion: 9\n',
  '/usr/local/lib/python3.12/site-packages/six.egg-info': 'Name: six\nVersion: 1.16.0\nLicense: UNKNOWN\n',
  '/usr/local/lib/python3.12/site-packages/old.egg-info/PKG-INFO': 'Name: old\nVersion: 1\n',
  '/usr/local/lib/python3.12/site-packages/broken.dist-info/METADATA': 'nothing\n',
  '/usr/local/lib/python3.12/site-packages/pkg/__init__.py': 'x',
  '/usr/lib/node_modules/npm/package.json': '{"name": "npm", "version": "10.9.0", "license": "Artistic-2.0"}',
  '/usr/lib/node_modules/npm/node_modules/@npmcli/fs/package.json':
    '{"name": "@npmcli/fs", "version": "3.1.0"}',
  '/usr/lib/node_modules/npm/node_modules/x/lib/package.json': '{"name": "not-a-package"}',
  '/usr/lib/node_modules/npm/node_modules/bad/package.json': '{',
  '/var/lib/gems/3.1.0/specifications/rake-13.0.6.gemspec':
    '  s.name = "rake".freeze\n  s.version = "13.0.6"\n  s.licenses = ["MIT".freeze]\n',
  '/var/lib/gems/3.1.0/specifications/default/json-2.6.1-x86_64-linux.gemspec': 'eval whatever',
};

test('packages of Python, npm and Ruby are found by their metadata', async () => {
  const found: string[] = [];
  const g = fakeHandle(folderOf(files));
  const realpath = async (path: string) => {
    await g.lstatns(path);
    return path;
  };
  for await (const { type, package: each } of languagePackages(Object.assign(g, { realpath }))) {
    const purl = languagePurl(type, each);
    expect(PackageURL.fromString(purl).version).toBe(each.version);
    found.push(`${purl} ${each.license ?? '-'}`);
  }
  expect(found.sort()).toEqual([
    'pkg:gem/json@2.6.1 -',
    'pkg:gem/rake@13.0.6 MIT',
    'pkg:npm/%40npmcli/fs@3.1.0 -',
    'pkg:npm/npm@10.9.0 Artistic-2.0',
    'pkg:pypi/old@1 -',
    'pkg:pypi/six@1.16.0 -',
    'pkg:pypi/zope-interface@5.4 ZPL 2.1',
  ]);
});

test('files stand with their packages, and the documents are valid', async () => {
  const sum = 'd41d8cd98f00b204e9800998ecf8427e';
  const g = fakeHandle(
    folderOf({
      '/var/lib/dpkg/info/a:amd64.list': '/etc\n/etc/a\n/bin/a\n',
      '/var/lib/dpkg/info/a:amd64.md5sums': `${sum}  bin/a\n`,
    }),
  );
  const problems: [] = [];
  const of = await filesOf(g, debian, new Problems(problems));
  const own = packageOf({ name: 'a', version: '1', arch: 'amd64' });
  const told = of(own);
  expect(told.map(({ path, digest }) => [path, digest?.value])).toEqual([
    ['/etc/a', undefined],
    ['/bin/a', sum],
  ]);
  expect([of(packageOf({ name: 'b' })), problems]).toEqual([[], []]);

  const listed = (name: string, more: Partial<Listed>): Listed => ({
    ...{ package: packageOf({ name }), purl: `pkg:pypi/${name}@1`, version: '1', licenses: [], files: [] },
    ...more,
  });
  const inventory: Inventory = {
    ...{ name: 'disk.img', time: '2024-01-01T00:00:00Z' },
    systems: [
      {
        system: debian,
        packages: [listed('a', { files: told })],
        languages: [listed('six', { path: '/usr/lib/six' })],
      },
    ],
  };
  const document = cyclonedx(inventory) as {
    components: { name: string; components?: object[]; properties: object[] }[];
  };
  expect(
    await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(JSON.stringify(document)),
  ).toBeNull();
  expect(document.components.map(({ name }) => name)).toEqual(['debian', 'a', 'six']);
  expect(document.components[1]?.components).toContainEqual({
    type: 'file',
    name: '/bin/a',
    hashes: [{ alg: 'MD5', content: sum }],
  });
  expect(document.components[2]?.properties).toContainEqual({ name: 'guestfs:path', value: '/usr/lib/six' });
  const { files: elements, relationships } = spdx(inventory) as {
    files: { SPDXID: string; fileName: string }[];
    relationships: object[];
  };
  expect(elements).toMatchObject([
    { fileName: './bin/a', checksums: [{ algorithm: 'MD5', checksumValue: sum }] },
  ]);
  expect(relationships).toContainEqual({
    ...{ spdxElementId: 'SPDXRef-Package-0-0', relationshipType: 'CONTAINS' },
    relatedSpdxElement: elements[0]?.SPDXID,
  });
});
