/** Images that lie elsewhere, or are named otherwise, and files that are. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Guestfs, inspect } from '../../lib';
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

describe('a guest whose disks lie on servers, or are packed', () => {
  const servers: ChildProcess[] = [];
  let uris: string[];
  let agent: string;

  const tool = (file: string, ...args: string[]) =>
    execFileSync(file, args, { cwd: folder.path, encoding: 'utf8' });

  function start(file: string, ...args: string[]): void {
    servers.push(spawn(file, args, { cwd: folder.path, stdio: 'ignore' }));
  }

  async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  beforeAll(async () => {
    const [nbd, http, ssh] = [await freePort(), await freePort(), await freePort()];
    tool('truncate', '-s', '20M', 'disk.raw');
    tool('mkfs.ext4', '-q', '-L', 'data', 'disk.raw');
    tool('qemu-img', 'convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2');
    tool('qemu-img', 'convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'disk.raw', 'disk.vmdk');
    tool('tar', 'cf', 'disk.ova', 'disk.vmdk');
    tool('sh', '-c', 'xz -c disk.raw > disk.xz');
    chmodSync(folder.path, 0o755);

    start(
      'qemu-nbd',
      '--persistent',
      '--read-only',
      '-f',
      'raw',
      '-x',
      'exported',
      '-b',
      '127.0.0.1',
      '-p',
      `${nbd}`,
      'disk.raw',
    );
    start('qemu-nbd', '--persistent', '--read-only', '-f', 'raw', '-k', folder.file('socket'), 'disk.qcow2');
    const site = `listen 127.0.0.1:${http}; root ${folder.path};`;
    writeFileSync(
      folder.file('nginx.conf'),
      `daemon off; master_process off; pid ${folder.file('nginx.pid')}; error_log stderr; events {} http { access_log off; server { ${site} } }`,
    );
    start('nginx', '-c', folder.file('nginx.conf'));
    for (const key of ['host', 'user']) tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
    mkdirSync('/run/sshd', { recursive: true });
    const settings = [
      `AuthorizedKeysFile=${folder.file('user.pub')}`,
      'StrictModes=no',
      'UsePAM=no',
      'PidFile=none',
    ];
    start(
      '/usr/sbin/sshd',
      '-D',
      '-p',
      `${ssh}`,
      '-h',
      folder.file('host'),
      ...settings.flatMap((each) => ['-o', each]),
    );
    agent = folder.file('agent');
    start('ssh-agent', '-D', '-a', agent);
    await wait(1000);
    process.env.SSH_AUTH_SOCK = agent;
    execFileSync('ssh-add', ['-q', folder.file('user')], { env: { ...process.env }, stdio: 'ignore' });
    const user = process.env.USER ?? 'root';
    uris = [
      `nbd://127.0.0.1:${nbd}/exported`,
      `nbd+unix:///?socket=${folder.file('socket')}`,
      `http://127.0.0.1:${http}/disk.qcow2`,
      `ssh://${user}@127.0.0.1:${ssh}${folder.file('disk.raw')}?host_key_check=no`,
      `file://${folder.file('disk.qcow2')}`,
      `json:{"driver":"qcow2","file":{"driver":"file","filename":"${folder.file('disk.qcow2')}"}}`,
      folder.file('disk.ova'),
      folder.file('disk.xz'),
    ];
  });

  afterAll(() => {
    for (const server of servers) server.kill('SIGKILL');
    tool('sh', '-c', 'test ! -e nginx.pid || kill "$(cat nginx.pid)" || true');
    delete process.env.SSH_AUTH_SOCK;
  });

  test('has what is on each', async () => {
    const { images, filesystems } = await inspect(uris);
    expect(images.map(({ path }) => path)).toEqual(
      uris.map((uri) => uri.replace('?host_key_check=no', '').replace(/\.ova$/, '.ova:disk.vmdk')),
    );
    expect(images.map(({ format }) => format)).toEqual([
      'raw',
      'qcow2',
      'qcow2',
      'raw',
      'qcow2',
      'raw',
      'vmdk',
      'raw',
    ]);
    expect(filesystems.map(({ type, label }) => `${type} ${label}`)).toEqual(uris.map(() => 'ext4 data'));
  });

  test('is told where a server does not give its disk', async () => {
    const missing = await runCli('inspect', '--progress', 'none', (uris[2] ?? '').replace('disk', 'nothing'));
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/404.*ERR_GUESTFS_SERVER/) });
  });
});
