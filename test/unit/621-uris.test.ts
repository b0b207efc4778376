/** Images that are named by URIs, and the URIs that images name. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { Guestfs, inspect } from '../../lib';
import { parse } from '../../lib/cli/inspect';
import { parseSecret } from '../../lib/cli/keys';
import { addDomain, partsOf } from '../../lib/guests/domains';
import { OpenGuest } from '../../lib/guests/open';
import { namedFiles } from '../../lib/host/named-files';
import type { ImageFile } from '../../lib/inspect';
import { description } from '../../lib/sources/description';
import { BadUri, isPlain, locationOf, qemuName, shownName } from '../../lib/sources/uri';
import { Workspace } from '../../lib/sources/workspace';
import { eventually } from '../support/eventually';
import { temporaryFolder } from '../support/folder';
import { imageServer } from '../support/image-server';
import { failureOf } from '../support/internal';
import { openLibvirtNode } from '../support/libvirt-node';

const execFileAsync = promisify(execFile);
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { encoding: 'utf8', stdio: 'pipe' });

const remote = (protocol: string, server: string[], name: string, more: object = {}) =>
  expect.objectContaining({ kind: 'remote', protocol, server, name, ...more });

describe('what names an image', () => {
  test.each([
    ['disk.img', { kind: 'file', path: 'disk.img' }],
    ['/srv/a:b.img', { kind: 'file', path: '/srv/a:b.img' }],
    ['./nbd://x', { kind: 'file', path: './nbd://x' }],
    ['c:disk.img', { kind: 'file', path: 'c:disk.img' }],
    ['json:disk', { kind: 'file', path: 'json:disk' }],
    ['file:///srv/a%20b.img', { kind: 'file', path: '/srv/a b.img' }],
    ['file:/srv/a.img', { kind: 'file', path: '/srv/a.img' }],
    ['FILE://localhost/srv/a.img', { kind: 'file', path: '/srv/a.img' }],
    ['json:{"driver":"raw"}', { kind: 'json', json: '{"driver":"raw"}' }],
    ['nbd://localhost', remote('nbd', ['localhost'], '')],
    ['nbd://localhost:10810/a/b', remote('nbd', ['localhost:10810'], 'a/b')],
    ['nbd+unix:///exp?socket=/tmp/a%20b', remote('nbd', ['unix:/tmp/a b'], 'exp')],
    ['nbd:unix:/tmp/s:exportname=e', remote('nbd', ['unix:/tmp/s'], 'e')],
    ['nbd:localhost:10809', remote('nbd', ['localhost:10809'], '')],
    ['ssh://ann@host:2222/srv/disk.img', remote('ssh', ['host:2222'], '/srv/disk.img', { username: 'ann' })],
    [
      'ssh://host/disk.img?host_key_check=no',
      remote('ssh', ['host'], '/disk.img', { query: 'host_key_check=no' }),
    ],
    ['https://host/a%20b.img', remote('https', ['host'], '/a b.img')],
    [
      'https://u%40x:p%3Aw@host:8443/d',
      remote('https', ['host:8443'], '/d', {
        username: 'u@x',
        secret: 'p:w',
        shown: 'https://u%40x@host:8443/d',
      }),
    ],
    [
      'https://host/d?signature=abc',
      remote('https', ['host'], '/d', { query: 'signature=abc', shown: 'https://host/d' }),
    ],
    ['ftps://host/d', remote('ftps', ['host'], '/d')],
    ['rbd:///pool/disk', remote('rbd', [], 'pool/disk')],
    ['rbd://mon/pool/disk', remote('rbd', ['mon:6789'], 'pool/disk')],
    ['rbd:pool/disk', remote('rbd', [], 'pool/disk')],
    [
      'iscsi://host/iqn.2004-04.com.example:store/1',
      remote('iscsi', ['host'], 'iqn.2004-04.com.example:store/1'),
    ],
  ])('%s', (text, location) => expect(locationOf(text)).toEqual(location));

  test.each([
    ['file://host/disk.img', /another machine/],
    ['file:///', /names no file/],
    ['gopher://host/x', /not known \(gopher\)/],
    ['nbds://host/x', /not known \(nbds\)/],
    ['nbds+unix:///x?socket=/s', /not known \(nbds\+unix\)/],
    ['nbd+unix:///x', /names no socket/],
    ['nbd+unix:///x?socket=relative', /names no socket/],
    ['ssh://host', /names no image/],
    ['http:///disk.img', /no server|no URI|names no image/],
    ['ssh:///disk.img', /names no server/],
    ['http://host:99999/x', /no URI that can be read/],
    ['ssh://host/%ff', /a % before/],
    ['ssh://host/%00', /a % before/],
    ['ssh://ho%20st/x', /no URI|no server/],
  ])('%s is wrong, and the error says why and what to do', async (path, why) => {
    const error = await failureOf(inspect({ path }));
    expect(error).toMatchObject({ code: 'EINVAL', operation: 'inspect', hint: expect.any(String) });
    expect(error.message).toMatch(why);
  });

  test('may be anything: it is understood, or refused', () => {
    const parts = fc.array(
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          'nbd',
          'http',
          '+unix',
          '://',
          ':',
          '/',
          '@',
          '?',
          '%',
          '[',
          ']',
          '?socket=/',
          '{',
          'json:',
        ),
      ),
    );
    fc.assert(
      fc.property(parts, (pieces) => {
        try {
          locationOf(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(BadUri);
        }
      }),
    );
  });

  test('is a path where it has no scheme', () => {
    const word = fc.stringMatching(/^[^:\0]+$/);
    fc.assert(fc.property(word, (path) => expect(locationOf(path)).toEqual({ kind: 'file', path })));
    fc.assert(
      fc.property(fc.string(), (path) =>
        expect(locationOf(`/${path}`)).toEqual({ kind: 'file', path: `/${path}` }),
      ),
    );
  });

  test('shows no password and no signature', () => {
    const secret = fc.stringMatching(/^[\w!$&*+;=@:/?#%]{4,20}$/).map((text) => `se${text}et`);
    fc.assert(
      fc.property(secret, fc.constantFrom('http', 'https', 'ftp', 'iscsi', 'rbd'), (text, scheme) => {
        const hidden = encodeURIComponent(text);
        const path = `${scheme}://ann:${hidden}@host:1/pool/disk?key=${hidden}`;
        const location = locationOf(path);
        if (location.kind !== 'remote') throw new Error('it is on a server');
        expect(location).toMatchObject({ username: 'ann', secret: text });
        expect(isPlain(location)).toBe(false);
        for (const shown of [location.shown, shownName(path), qemuName(location)])
          expect(shown).not.toContain(hidden);
        expect(qemuName(location, true)).toContain(scheme === 'rbd' ? 'key=' : hidden);
      }),
    );
    const json = 'json:{"driver":"https","url":"https://u:sesame@h/x?sesame","password-secret":"sesame"}';
    expect(shownName(json)).not.toContain('sesame');
    expect(shownName('https://u:a@b:sesame@host/x')).not.toContain('sesame');
    expect(shownName('https://u:sesame@ho st/x')).not.toContain('sesame');
  });

  test('is told to qemu so that it means the same', () => {
    const name = fc
      .stringMatching(/^[^\0\ud800-\udfff\\.]{1,20}$/)
      .filter((text) => !/^\/|\/\/|[\t\r\n]/.test(text));
    fc.assert(
      fc.property(fc.constantFrom('ssh', 'nbd', 'ftp', 'iscsi'), name, (protocol, text) => {
        const path = protocol === 'ssh' || protocol === 'ftp' ? `/${text}` : text;
        const uri = qemuName({
          kind: 'remote',
          protocol,
          server: ['host:1'],
          name: path,
          shown: '',
        } as never);
        expect(locationOf(uri)).toMatchObject({ protocol, server: ['host:1'], name: path });
      }),
    );
  });
});

describe('a password', () => {
  test('comes from a file or the environment', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('password'), 'sesame\n');
    process.env.GUESTFS_TEST_SECRET = 'open';
    expect(parseSecret(`file:${folder.file('password')}`)).toBe('sesame');
    expect(parseSecret('env:GUESTFS_TEST_SECRET')).toBe('open');
    delete process.env.GUESTFS_TEST_SECRET;
    expect(() => parseSecret('env:GUESTFS_TEST_SECRET')).toThrow(/no variable GUESTFS_TEST_SECRET/);
    expect(() => parseSecret('file:/nonexistent')).toThrow(/ENOENT/);
    expect(() => parseSecret('sesame')).toThrow(/^(?!.*sesame)/s);
  });

  test('that is none is refused, and not repeated', async () => {
    for (const secret of [1234, 'sesame\0'] as unknown as string[])
      expect((await failureOf(Promise.resolve().then(() => inspect({ path: 'x', secret })))).message).toMatch(
        /^(?!.*(?:1234|sesame))/s,
      );
  });
});

/** Whether everybody can see a text, among the arguments of the programs that run. */
function isOnCommandLines(text: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
      } catch {
        return false;
      }
    });
}

const prepare = (file: ImageFile, tmpdir: string) =>
  OpenGuest.prepare([file], { operation: 'inspect', handleOptions: { tmpdir } });

describe('an image behind a password, or a signature', () => {
  const content = Buffer.alloc(1 << 20, 'content of the disk');

  test.each([
    [
      'a password of its own',
      { login: 'ann:open sesame' },
      (port: number) => ({ path: `http://ann@127.0.0.1:${port}/disk.img`, secret: 'open sesame' }),
    ],
    [
      'a password in its URI',
      { login: 'ann:open sesame' },
      (port: number) => ({ path: `http://ann:open%20sesame@127.0.0.1:${port}/disk.img` }),
    ],
    [
      'a signature',
      { query: 'sig=sesame' },
      (port: number) => ({ path: `http://127.0.0.1:${port}/disk.img?sig=sesame` }),
    ],
  ])('is reached by %s, which nobody sees', async (_, guard, file) => {
    using folder = temporaryFolder();
    await using server = await imageServer(content, guard);
    const guest = await prepare({ ...file(server.port), format: 'raw' }, folder.path);
    try {
      const [image] = guest.images;
      expect(image).toMatchObject({ virtualSize: content.length, format: 'raw', actualSize: null });
      expect(image?.path).toMatch(/^http:\/\/(ann@)?127\.0\.0\.1:\d+\/disk\.img$/);
      expect(image?.drive).toMatchObject({ protocol: 'nbd', server: [expect.stringMatching(/^unix:/)] });
      expect(JSON.stringify(guest.images)).not.toContain('sesame');
      expect(isOnCommandLines(folder.path)).toBe(true);
      expect(isOnCommandLines('sesame')).toBe(false);
      const [owned = ''] = readdirSync(folder.path);
      expect(statSync(folder.file(owned)).mode & 0o777).toBe(0o700);
      // The server is of this very process.
      await execFileAsync('qemu-img', [
        'convert',
        '-O',
        'raw',
        image?.absolutePath ?? '',
        folder.file('copy'),
      ]);
      expect(readFileSync(folder.file('copy')).equals(content)).toBe(true);
    } finally {
      await guest.close();
    }
    expect(readdirSync(folder.path)).toEqual(['copy']);
    expect(isOnCommandLines(folder.path)).toBe(false);
  });

  test('is not reached by a wrong one, which the error does not repeat', async () => {
    await using server = await imageServer(content, { login: 'ann:right' });
    const error = await failureOf(
      inspect({ path: `http://ann@127.0.0.1:${server.port}/disk.img`, secret: 'wr:ong' }),
    );
    expect(error).toMatchObject({
      code: 'ERR_GUESTFS_SERVER',
      hint: expect.stringContaining('--secret file:PATH'),
    });
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toMatch(/wr:ong|wr%3Aong/);
  });

  test('can only be read', async () => {
    const file = { path: 'http://ann:pw@127.0.0.1:1/disk.img' };
    const opened = OpenGuest.prepare([file], { operation: 'copy-in', writable: true });
    expect(await failureOf(opened)).toMatchObject({ code: 'ERR_GUESTFS_READ_ONLY_SOURCE' });
  });
});

describe('a server', () => {
  test.each(['nbd://127.0.0.1:1/x', 'nbd+unix:///x?socket=/nonexistent'])(
    'that does not run: %s',
    async (path) => {
      expect(await failureOf(inspect(path))).toMatchObject({
        code: 'ERR_GUESTFS_SERVER',
        operation: 'inspect',
      });
    },
  );

  test('that does not answer is given up when that is asked for', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const signal = AbortSignal.timeout(200);
    expect(await failureOf(inspect(`nbd://127.0.0.1:${port}/x`, { signal }))).toMatchObject({
      code: 'ABORT_ERR',
    });
    server.close();
  });

  test('for which this qemu has no driver: the error names the package', async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('bin'));
    const words =
      "qemu: module block-block-ssh not found\nqemu-img: Could not open 'x': Unknown protocol 'ssh'";
    writeFileSync(folder.file('bin/qemu-img'), `#!/bin/sh\ncat >&2 <<'END'\n${words}\nEND\nexit 1\n`);
    chmodSync(folder.file('bin/qemu-img'), 0o755);
    const { PATH } = process.env;
    process.env.PATH = `${folder.file('bin')}:${PATH}`;
    const error = await failureOf(inspect('ssh://host/disk.img'));
    process.env.PATH = PATH;
    expect(error).toMatchObject({
      code: 'ERR_GUESTFS_NO_DRIVER',
      hint: expect.stringMatching(/qemu-block-(?:extra|ssh)/),
    });
  });

  test('with an image that names files of this machine', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', folder.file('top'), '1M');
    await using server = await imageServer(readFileSync(folder.file('top')));
    const path = `http://127.0.0.1:${server.port}/top.qcow2`;
    expect(await failureOf(inspect(path))).toMatchObject({
      code: 'ERR_GUESTFS_BACKING_FILE',
      message: expect.stringContaining('/etc/passwd'),
    });
  });
});

describe('a description for qemu', () => {
  test('is served, and what serves it goes with the guest', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-f', 'qcow2', folder.file('disk.qcow2'), '3M');
    const file = { driver: 'file', filename: folder.file('disk.qcow2') };
    const guest = await prepare({ path: `json:${JSON.stringify({ driver: 'qcow2', file })}` }, folder.path);
    expect(guest.images[0]).toMatchObject({ virtualSize: 3 << 20, format: 'raw' });
    await guest.close();
    expect(readdirSync(folder.path)).toEqual(['disk.qcow2']);
  });

  test('that is wrong, or of a file that is not there', async () => {
    expect(await failureOf(inspect('json:{"driver":"file","filename":"/nonexistent"}'))).toMatchObject({
      code: 'ERR_GUESTFS_IMAGE_UNREADABLE',
      message: expect.stringContaining('No such file or directory'),
    });
    for (const json of [
      '{"driver":',
      "{'driver':'raw'}",
      "{'driver':'nbd'}",
      "{'driver':'file','filenam':'/x'}",
    ])
      expect(await failureOf(inspect(`json:${json}`))).toMatchObject({
        code: 'ERR_GUESTFS_IMAGE_INVALID',
        hint: expect.stringContaining("qemu's manual"),
      });
    expect(await failureOf(inspect(`json:{"driver":"${'x'.repeat(1023)}"}`))).toMatchObject({
      code: 'EINVAL',
    });
  });

  test('is not served any more when the process is killed, and its folder goes with the next', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-f', 'raw', folder.file('disk.img'), '1M');
    const uri = `json:{"driver":"file","filename":"${folder.file('disk.img')}"}`;
    const program = `require(${JSON.stringify(join(__dirname, '../../dist/guests/open'))}).OpenGuest
      .prepare([{ path: ${JSON.stringify(uri)} }], { operation: 'inspect', handleOptions: { tmpdir: ${JSON.stringify(folder.path)} } })
      .then((guest) => { console.log('ready'); setInterval(() => guest, 1000); });`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(isOnCommandLines(`--socket=${folder.path}`)).toBe(true);
    child.kill('SIGKILL');
    expect(await eventually(() => !isOnCommandLines(`--socket=${folder.path}`))).toBe(true);
    expect(readdirSync(folder.path)).toHaveLength(2);
    await (await prepare({ path: uri }, folder.path)).close();
    expect(readdirSync(folder.path)).toEqual(['disk.img']);
  });

  test.each([512, 65_536, 2 ** 29 + 512, 8 * 2 ** 40])('of %d bytes is an image without faults', (size) => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk'), description('/etc/hostname', size, 'raw'));
    qemuImg('check', '-f', 'qcow2', folder.file('disk'));
    const said = JSON.parse(qemuImg('info', '--output=json', '-f', 'qcow2', folder.file('disk')));
    expect(said).toMatchObject({
      'virtual-size': size,
      'backing-filename': '/etc/hostname',
      'backing-filename-format': 'raw',
    });
  });
});

describe('what an image names on other machines', () => {
  /** Images whose maker wants `uri` to be opened. */
  const makers: Readonly<Record<string, (folder: string, uri: string) => string>> = {
    'a backing file of qcow2': (folder, uri) => {
      qemuImg('create', '-u', '-f', 'qcow2', '-b', uri, '-F', 'raw', join(folder, 'top'), '1M');
      return 'top';
    },
    'a backing file without a format': (folder, uri) => {
      qemuImg('create', '-u', '-f', 'qcow2', '-b', uri, '-F', 'raw', join(folder, 'top'), '1M');
      const bytes = readFileSync(join(folder, 'top'));
      bytes.writeUInt32BE(0x12345678, bytes.indexOf(Buffer.from('e2792aca', 'hex')));
      writeFileSync(join(folder, 'top'), bytes);
      return 'top';
    },
    'a backing file of a backing file': (folder, uri) => {
      qemuImg('create', '-u', '-f', 'qcow2', '-b', uri, '-F', 'raw', join(folder, 'middle'), '1M');
      qemuImg('create', '-u', '-f', 'qcow2', '-b', 'middle', '-F', 'qcow2', join(folder, 'top'), '1M');
      return 'top';
    },
    'a data file of qcow2': (folder, uri) => {
      const [path, name] = [join(folder, 'top'), 'x'.repeat(uri.length)];
      qemuImg('create', '-f', 'qcow2', '-o', `data_file=${join(folder, name)}`, path, '1M');
      const bytes = readFileSync(path);
      const at = bytes.indexOf(join(folder, name)) - 8;
      bytes.writeUInt32BE(uri.length, at + 4);
      bytes.fill(0, at + 8, at + 8 + folder.length + 1 + name.length);
      bytes.write(uri, at + 8);
      writeFileSync(path, bytes);
      return 'top';
    },
    'an extent of VMDK': (folder, uri) => {
      writeFileSync(join(folder, 'top'), vmdk(`RW 2048 FLAT "${uri.replaceAll('"', "'")}" 0`));
      return 'top';
    },
    'the parent of VMDK': (folder, uri) => {
      writeFileSync(
        join(folder, 'top'),
        vmdk('RW 2048 ZERO', `parentFileNameHint="${uri.replaceAll('"', "'")}"`),
      );
      return 'top';
    },
  };
  const vmdk = (extent: string, more = '') =>
    `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=${more ? '00000001' : 'ffffffff'}\ncreateType="monolithicFlat"\n${more}\n${extent}\n`;

  const uris = (port: number) => [
    `nbd://127.0.0.1:${port}/x`,
    `nbd:127.0.0.1:${port}`,
    `http://127.0.0.1:${port}/x`,
    `ssh://u@127.0.0.1:${port}/x`,
    `json:{"driver":"nbd","host":"127.0.0.1","port":"${port}"}`,
    'fat:/etc',
  ];

  test.each(Object.keys(makers))('is refused as %s, and nobody is asked', async (kind) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      for (const uri of uris((server.address() as AddressInfo).port)) {
        using folder = temporaryFolder();
        const path = folder.file(makers[kind]?.(folder.path, uri) ?? '');
        for (const format of [undefined, kind.includes('VMDK') ? 'vmdk' : 'qcow2']) {
          const error = await failureOf(inspect({ path, format }));
          expect(error.code).toMatch(/^ERR_GUESTFS_(?:BACKING|DATA)_FILE$/);
          expect(error.hint).toContain('--follow-uris');
        }
      }
      expect(connections).toBe(0);
    } finally {
      server.close();
    }
  });

  test('is opened where that is allowed', async () => {
    using folder = temporaryFolder();
    const content = Buffer.alloc(1 << 20, 7);
    await using server = await imageServer(content);
    const url = `http://127.0.0.1:${server.port}/base`;
    qemuImg('create', '-u', '-f', 'qcow2', '-b', url, '-F', 'raw', folder.file('top'), '1M');
    const guest = await prepare({ path: folder.file('top'), followUris: true }, folder.path);
    await guest.close();
    expect(guest.images[0]?.backingChain).toEqual([{ path: url, format: 'raw' }]);
    expect(server.requests).not.toEqual([]);
  });

  test('is found in any bytes, or not, and never ends in an error', () => {
    const heads = fc.tuple(
      fc.constantFrom(
        'QFI\xfb\0\0\0\x03',
        'QFI\xfb\0\0\0\x02',
        'QFI\xfb',
        'QED\0',
        'KDMV',
        'COWD',
        '# Disk\nversion=1\n',
        '',
      ),
      fc.uint8Array({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(heads, ([magic, rest]) => {
        expect(Array.isArray(namedFiles(Buffer.concat([Buffer.from(magic, 'latin1'), rest])))).toBe(true);
      }),
    );
  });
});

describe('a guest of libvirt', () => {
  test.each([
    [
      '/srv/a b.img readonly format=raw protocol=file',
      { path: '/srv/a b.img', format: 'raw', protocol: 'file' },
    ],
    [
      '/srv/a.img protocol=file name=vda cache=unsafe',
      { path: '/srv/a.img', format: undefined, protocol: 'file' },
    ],
    [
      'pool/x readonly format=qcow2 protocol=rbd blocksize=4096',
      { path: 'pool/x', protocol: 'rbd', blocksize: 4096 },
    ],
    ['something else', { path: 'something else', format: undefined, protocol: 'file' }],
  ])('has the drive %s', (drive, parts) => expect(partsOf(drive)).toMatchObject(parts));

  test('stands for an IMAGE', () => {
    const file = { libvirturi: 'test:///default' };
    const args = ['-c', 'test:///default', '-d', 'web'];
    expect(parse([...args, 'a.img']).guests).toMatchObject([
      [{ path: 'domain:web', ...file }],
      [{ path: 'a.img' }],
    ]);
  });

  test('has its disks by libvirt, and none where libvirt does not know it', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-f', 'qcow2', folder.file('disk.qcow2'), '3M');
    writeFileSync(folder.file('node.xml'), openLibvirtNode(folder.file('disk.qcow2'), 'qcow2'));
    const libvirturi = `test://${folder.file('node.xml')}`;
    await using g = new Guestfs();
    const opening = { operation: 'inspect', writable: false, workspace: new Workspace(folder.path) };
    expect(await addDomain(g, 'guest', { path: 'domain:guest', libvirturi }, opening)).toEqual([
      expect.objectContaining({ path: folder.file('disk.qcow2'), format: 'qcow2', virtualSize: 3 << 20 }),
    ]);
    expect(await failureOf(inspect({ path: 'domain:nobody', libvirturi }))).toMatchObject({
      operation: 'addDomain',
    });
  });
});
