/** Programs of Windows, by its registry: all users' and each one's own, and what of them is not known. */
import { truncateSync, writeFileSync } from 'node:fs';
import { type Guestfs, sbom } from '../../lib';
import { withAppliance } from '../images/appliance';
import { emptyHive } from '../images/hive';
import { addKey, makeWindows, setText } from '../images/windows';
import { MiB } from '../support/appliance';
import { temporaryFolder } from '../support/folder';

type Values = Readonly<Record<string, string | Buffer>>;

const uninstall = ['Microsoft', 'Windows', 'CurrentVersion', 'Uninstall'];

async function addProgram(g: Guestfs, place: readonly string[], key: string, values: Values): Promise<void> {
  const node = await addKey(g, [...place, key]);
  for (const [name, value] of Object.entries(values))
    if (typeof value === 'string') await setText(g, node, name, value);
    else await g.hivexNodeSetValue(node, name, 4, value);
}

async function withHive(g: Guestfs, path: string, work: () => Promise<void>): Promise<void> {
  await g.hivexOpen(path, { write: true });
  await work();
  await g.hivexCommit(null);
  await g.hivexClose();
}

const size = (kilobytes: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(kilobytes);
  return bytes;
};

test('programs are read from the registry, with what it tells of each', async () => {
  using folder = temporaryFolder();
  const path = folder.file('windows.img');
  writeFileSync(path, '');
  truncateSync(path, 32 * MiB);
  await withAppliance([{ path, format: 'raw' }], async (g) => {
    await g.mkfs('ext4', '/dev/sda', { features: '^has_journal' });
    await g.mount('/dev/sda', '/');
    await makeWindows(g, { productName: 'Windows 10 Pro', buildNumber: '19045' });
    await withHive(g, '/Windows/System32/config/SOFTWARE', async () => {
      await addProgram(g, uninstall, '{23170F69-40C1}', {
        ...{ DisplayName: '7-Zip 23.01 (x64)', DisplayVersion: '23.01', Publisher: 'Igor Pavlov' },
        ...{
          InstallLocation: 'C:\\Program Files\\7-Zip\\',
          InstallDate: '20240203',
          EstimatedSize: size(5000),
        },
        ...{ URLInfoAbout: 'https://www.7-zip.org/', Comments: 'packs' },
      });
      await addProgram(g, uninstall, 'no-name', { DisplayVersion: '1' });
      await addProgram(g, ['Wow6432Node', ...uninstall], 'Old', {
        ...{ DisplayName: 'Old \ud83d\ude00 thing', InstallDate: '2/3/2024', EstimatedSize: 'x' },
      });
    });
    for (const user of ['alice', 'bob', 'carol', 'Public']) await g.mkdirP(`/Users/${user}`);
    for (const user of ['alice', 'Public']) await g.write(`/Users/${user}/NTUSER.DAT`, emptyHive());
    await withHive(g, '/Users/alice/NTUSER.DAT', async () => {
      await addProgram(g, ['Software', ...uninstall], 'Mine', { DisplayName: 'Mine', DisplayVersion: '2' });
    });
    await g.write('/Users/bob/NTUSER.DAT', 'no hive');
    await g.lnS('/etc/passwd', '/Users/carol/NTUSER.DAT');
    await g.umountAll();
  });

  const { document, report } = await sbom({ path, format: 'raw' });
  const [system] = report.operatingSystems;
  const told = { applicationsSource: 'database', productName: 'Windows 10 Pro' };
  expect(system).toMatchObject(told);
  const nothing = { epoch: 0, release: null, source: null, license: null, origin: null, summary: null };
  const empty = { version: null, publisher: null, installPath: null, url: null, description: null };
  expect(system?.applications).toEqual(
    [
      {
        ...{ name: 'Mine', displayName: 'Mine', version: '2', arch: null },
        ...{ installTime: null, installedSize: null },
      },
      {
        ...{ name: 'Old', displayName: 'Old \ud83d\ude00 thing', arch: 'x86' },
        ...{ installTime: null, installedSize: null },
      },
      {
        ...{ name: '{23170F69-40C1}', displayName: '7-Zip 23.01 (x64)', version: '23.01', arch: null },
        ...{ publisher: 'Igor Pavlov', installPath: 'C:\\Program Files\\7-Zip\\', installTime: '2024-02-03' },
        ...{ installedSize: 5000 * 1024, url: 'https://www.7-zip.org/', description: 'packs' },
      },
    ].map((each) => ({ ...empty, ...nothing, sourceVersion: null, module: null, ...each })),
  );
  expect(report.problems).toMatchObject([
    { code: 'ERR_GUESTFS_NO_PACKAGE_LIST', message: expect.stringContaining('/Users/bob/NTUSER.DAT') },
  ]);
  expect(document).toMatchObject({
    components: [
      { type: 'operating-system', name: 'windows' },
      { type: 'application', name: 'Mine', version: '2', purl: 'pkg:generic/Mine@2' },
      { type: 'application', name: 'Old \ud83d\ude00 thing' },
      { type: 'application', name: '7-Zip 23.01 (x64)', publisher: 'Igor Pavlov' },
    ],
  });
});
