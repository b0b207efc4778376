/** A bill of materials of a real system: every package that is installed, and nothing else. */
import { PackageURL } from 'packageurl-js';
import { debianMbr, installedPackages } from '../images';
import '../support/appliance';
import { runCli } from '../support/cli';

interface CycloneDx {
  components: { type: string; name: string; version: string; purl?: string }[];
  metadata: { component: { name: string } };
}

test('Debian, as CycloneDX and as SPDX', async () => {
  const image = ['--format=raw', await debianMbr()];
  const first = await runCli('sbom', '--progress=none', ...image);
  expect([first.code, first.stderr]).toEqual([0, '']);
  const { components, metadata } = JSON.parse(first.stdout) as CycloneDx;
  expect(metadata.component.name).toBe('debian-mbr.img');
  const system = components.filter(({ type }) => type === 'operating-system');
  expect(system).toMatchObject([{ name: 'debian' }]);
  const packages = components.filter(({ type }) => type === 'library');
  const expected = await installedPackages();
  expect(packages.map(({ name, version }) => `${name} ${version}`).sort()).toEqual(expected);
  for (const { name, version, purl } of packages) {
    const { type, namespace, ...parsed } = PackageURL.fromString(purl as string);
    expect([type, namespace, parsed.name, parsed.version]).toEqual(['deb', 'debian', name, version]);
  }

  const second = await runCli('sbom', '--progress=none', '--as', 'spdx', ...image);
  expect([second.code, second.stderr]).toEqual([0, '']);
  const document = JSON.parse(second.stdout) as { packages: { name: string; versionInfo?: string }[] };
  const told = document.packages.slice(2).map(({ name, versionInfo }) => `${name} ${versionInfo}`);
  expect(told.sort()).toEqual(expected);
});
