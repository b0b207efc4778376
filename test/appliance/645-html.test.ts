// The pages and the tree that the command makes of a guest.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { debianLvm } from '../images';
import { runCli } from '../support/cli';
import { temporaryFolder } from '../support/folder';

test('inspect --html --usage writes a page of a guest with LVM', async () => {
  using folder = temporaryFolder();
  const page = folder.file('page.html');
  const image = await debianLvm();
  const { code, stderr } = await runCli('inspect', '--progress=none', '--usage', '--html', page, image);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const html = readFileSync(page, 'utf8');
  expect(html).toMatch(/<strong>Debian GNU\/Linux/);
  expect(html).toMatch(/Where the space of[\s\S]*<title>\/usr/);
  expect(html).toMatch(/volume group[\s\S]*logical volume/);
  expect(html).toMatch(/The appliance was up after \d/);
});

test('filesystems --graph shows what lies on what', async () => {
  const { code, stdout, stderr } = await runCli(
    'filesystems',
    '--graph',
    '--progress=none',
    await debianLvm(),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\/dev\/sda {2}disk .*\n[├└]─ \/dev\/sda\d {2}partition/);
  expect(stdout).toMatch(
    /physical volume[\s\S]*─ \S+ {2}volume group, [\s\S]*─ \/dev\/\S+\/\S+ {2}logical volume, ext4/,
  );
});
