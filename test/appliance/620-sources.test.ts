/** Images that lie elsewhere, or are named otherwise, and files that are. */
import { mkdirSync, readFileSync } from 'node:fs';
import { Guestfs } from '../../lib';
import { makeWindows } from '../images/windows';
import { runCli } from '../support/cli';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';

let folder: TemporaryFolder;

beforeAll(() => {
  folder = temporaryFolder();
});

afterAll(() => folder[Symbol.dispose]());

const guestfs = (command: string, ...args: string[]) => runCli(command, '--progress', 'none', ...args);

describe('files of Windows', () => {
  let image: string;

  beforeAll(async () => {
    image = folder.file('windows.img');
    await using g = new Guestfs();
    await g.diskCreate(image, 'raw', 64 << 20);
    await g.addDrive(image, { format: 'raw' });
    await g.launch();
    await g.partInit('/dev/sda', 'mbr');
    await g.partAdd('/dev/sda', 'p', 2048, 65_535);
    await g.partAdd('/dev/sda', 'p', 65_536, -2048);
    for (const device of ['/dev/sda1', '/dev/sda2']) await g.mkfs('ext4', device);
    await g.pwriteDevice('/dev/sda', Buffer.from('01020304', 'hex'), 440);
    await g.mount('/dev/sda2', '/');
    await g.write('/Data.txt', 'on D');
    await g.umount('/');
    await g.mount('/dev/sda1', '/');
    await makeWindows(g, { productName: 'Windows 10 Pro', buildNumber: '19045' });
    await g.write('/autoexec.bat', 'on C');
    await g.mkdirP('/Users/Ann');
    await g.write('/Users/Ann/Notes.TXT', 'notes');
    await mapDrives(g, { C: 2048, D: 65_536 });
    await g.shutdown();
  });

  async function mapDrives(g: Guestfs, drives: Readonly<Record<string, number>>) {
    await g.hivexOpen('/Windows/System32/config/SYSTEM', { write: true });
    const root = await g.hivexRoot();
    const select = await g.hivexNodeAddChild(root, 'Select');
    await g.hivexNodeSetValue(select, 'Current', 4, Buffer.from([1, 0, 0, 0]));
    const devices = await g.hivexNodeAddChild(root, 'MountedDevices');
    for (const [letter, sector] of Object.entries(drives)) {
      const place = Buffer.from('010203040000000000000000', 'hex');
      place.writeBigUInt64LE(BigInt(sector * 512), 4);
      await g.hivexNodeSetValue(devices, `\\DosDevices\\${letter}:`, 3, place);
    }
    await g.hivexCommit(null);
    await g.hivexClose();
  }

  test('are found by drives, backslashes and in any case, and as they are', async () => {
    const paths = [
      'C:\\AUTOEXEC.BAT',
      'd:/data.TXT',
      '\\users\\ANN\\notes.txt',
      '/users/ann/NOTES.txt',
      '/Users/Ann/Notes.TXT',
    ];
    expect(await guestfs('cat', image, ...paths)).toEqual({
      code: 0,
      stdout: 'on Con Dnotesnotesnotes',
      stderr: '',
    });
  });

  test('are listed and copied likewise, and a drive that is not there is told', async () => {
    const listed = await guestfs('ls', image, 'c:\\users\\ann', 'E:\\', '/windows/system32/CONFIG');
    expect(listed).toMatchObject({ code: 1, stdout: expect.stringMatching(/Notes\.TXT[\s\S]*SOFTWARE/) });
    expect(listed.stderr).toMatch(/no drive E:.*it has C:, D: \(ENOENT\)/);
    mkdirSync(folder.file('out'));
    expect(await guestfs('copy-out', image, 'D:\\data.txt', folder.file('out'))).toMatchObject({ code: 0 });
    expect(readFileSync(folder.file('out/Data.txt'), 'utf8')).toBe('on D');
  });
});
