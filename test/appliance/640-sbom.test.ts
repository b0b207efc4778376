/** A bill of materials of a real system: every package that is installed, and nothing else. */
import { truncateSync, writeFileSync } from 'node:fs';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { debianMbr, installedPackages } from '../images';
import { withAppliance } from '../images/appliance';
import { MiB } from '../support/appliance';
import { runCli } from '../support/cli';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { schemaErrors } from '../support/schemas';
import { spdxErrors } from '../support/spdx';

interface CycloneDx {
  components: { type: string; name: string; version: string; purl?: string; components?: object[] }[];
  metadata: { component: { name: string } };
}

describe('packages of two guests', () => {
  let folder: TemporaryFolder;
  const stanza = (name: string, version: string) =>
    `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`;

  beforeAll(async () => {
    folder = temporaryFolder();
    const drives = ['before', 'after'].map((name) => ({ path: folder.file(name), format: 'raw' as const }));
    for (const { path } of drives) writeFileSync(path, '');
    for (const { path } of drives) truncateSync(path, 32 * MiB);
    await withAppliance(drives, async (g) => {
      const packages = [
        [stanza('gone', '1-1'), stanza('openssl', '3.0.11-1'), stanza('same', '1'), stanza('worse', '1:1')],
        [stanza('new', '2'), stanza('openssl', '3.0.9-1+deb12u1'), stanza('same', '1'), stanza('worse', '2')],
      ];
      for (const [index, stanzas] of packages.entries()) {
        const device = ['/dev/sda', '/dev/sdb'][index] as string;
        await g.mkfs('ext4', device, { features: '^has_journal' });
        await g.mount(device, '/');
        for (const each of ['/etc', '/bin', '/home', '/usr', '/var/lib/dpkg']) await g.mkdirP(each);
        await g.write('/etc/os-release', 'ID=debian\nVERSION_ID="12"\n');
        await g.write('/etc/debian_version', '12.5\n');
        await g.write('/etc/fstab', '');
        await g.write('/var/lib/dpkg/status', stanzas.join('\n'));
        await g.umountAll();
      }
    });
  });

  afterAll(() => folder[Symbol.dispose]());

  test('are compared as dpkg orders their versions', async () => {
    const args = [
      '--packages',
      '--progress=none',
      '--format=raw',
      folder.file('before'),
      folder.file('after'),
    ];
    const text = await runCli('diff', '--exit-code', ...args);
    expect(text).toMatchObject({
      stdout: `- gone:amd64 1-1
+ new:amd64 2
↓ openssl:amd64 3.0.11-1 → 3.0.9-1+deb12u1
↓ worse:amd64 1:1 → 2
`,
      ...{ stderr: '', code: 3 },
    });
    const told = (await runCli('diff', '--json', ...args)).stdout.trimEnd().split('\n');
    expect(told.flatMap((line) => schemaErrors('diff', JSON.parse(line)) ?? [])).toEqual([]);
    const [, second] = told;
    expect(JSON.parse(second as string)).toMatchObject({
      change: 'added',
      before: null,
      after: { version: '2' },
    });
    const lines = (await runCli('diff', '--text', ...args.slice(1))).stdout.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining(['--- a/var/lib/dpkg/status', '-Package: gone', '+Package: new']),
    );
  });
});

test('Debian, as CycloneDX and as SPDX', async () => {
  const image = ['--format=raw', await debianMbr()];
  const first = await runCli('sbom', '--progress=none', '--files', '--languages', ...image);
  expect([first.code, first.stderr]).toEqual([0, '']);
  const { components, metadata } = JSON.parse(first.stdout) as CycloneDx;
  expect(metadata.component.name).toBe('debian-mbr.img');
  const system = components.filter(({ type }) => type === 'operating-system');
  expect(system).toMatchObject([{ name: 'debian' }]);
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(first.stdout)).toBeNull();
  const packages = components.filter(({ type }) => type === 'library');
  const expected = await installedPackages();
  expect(packages.map(({ name, version }) => `${name} ${version}`).sort()).toEqual(expected);
  const bash = packages.find(({ name }) => name === 'bash')?.components;
  const md5 = expect.stringMatching(/^[\da-f]{32}$/);
  expect(bash).toContainEqual({ type: 'file', name: '/bin/bash', hashes: [{ alg: 'MD5', content: md5 }] });
  for (const { name, version, purl } of packages) {
    const { type, namespace, ...parsed } = PackageURL.fromString(purl as string);
    expect([type, namespace, parsed.name, parsed.version]).toEqual(['deb', 'debian', name, version]);
  }

  const second = await runCli('sbom', '--progress=none', '--as', 'spdx', ...image);
  expect([second.code, second.stderr]).toEqual([0, '']);
  const document = JSON.parse(second.stdout) as { packages: { name: string; versionInfo?: string }[] };
  expect(spdxErrors(document)).toEqual([]);
  const told = document.packages.slice(2).map(({ name, versionInfo }) => `${name} ${versionInfo}`);
  expect(told.sort()).toEqual(expected);
});
