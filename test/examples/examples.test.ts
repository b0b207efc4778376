// Every program of examples/, run as its first lines say.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type InspectionReport } from '../../lib';
import { debianMbr, qcow2Overlay } from '../images';
import { testUnless } from '../support/conditions';
import { libvirtNode } from '../support/libvirt-node';
import { root } from '../support/script';

let folder: string;
/** Written by the first examples, read by others. */
let disk: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-examples-'));
  disk = join(folder, 'disk.qcow2');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function start(name: string, ...args: string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  return startWith({}, name, ...args);
}

function startWith(variables: Record<string, string>, name: string, ...args: string[]) {
  const env = { ...process.env, ...variables };
  return spawn(process.execPath, [join(root, 'examples', `${name}.mjs`), ...args], { cwd: folder, env });
}

/** What an example writes to stdout; it must end well. */
async function run(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await outcome(start(name, ...args));
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function outcome(child: ReturnType<typeof start>) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}

/** The first line that a program writes which matches. */
async function lineOf(child: ReturnType<typeof start>, pattern: RegExp): Promise<string> {
  for await (const chunk of child.stdout) {
    const [line] = pattern.exec(String(chunk)) ?? [];
    if (line !== undefined) return line;
  }
  throw new Error(`no line like ${pattern}`);
}

test('every example has its test', async () => {
  const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'));
  const source = await readFile(__filename, 'utf8');
  const untested = names.filter((name) => !source.includes(`'${name.slice(0, -'.mjs'.length)}'`));
  expect(untested).toEqual(['demo.mjs']); // `npm run demo`
});

describe('a disk of our own', () => {
  test('is made', async () => {
    expect(await run('create-disk', disk)).toBe(`${disk}: one ext4 filesystem on /dev/sda1\n`);
  });

  test('is edited in place', async () => {
    const path = '/etc/app/settings.json';
    expect(await run('edit-file', disk, '/dev/sda1', path, '8080', '"ż$&"')).toBe(
      `${path}: 1 changes; the old file is ${path}~\n`,
    );
  });

  test('is copied to another one', async () => {
    const other = join(folder, 'other.qcow2');
    await run('create-disk', other);
    await run('copy-between-handles', disk, '/dev/sda1', '/etc', other, '/dev/sda1', '/backup');

    await using g = new Guestfs();
    await g.addDrive(other, { readonly: true });
    await g.launch();
    await g.mountRo('/dev/sda1', '/');
    expect(await g.cat('/backup/app/settings.json')).toBe('{"port":"ż$&"}');
    expect((await g.stat('/backup/app/settings.json')).mode & 0o777n).toBe(0o600n);
    expect(await g.cat('/backup/app/settings.json~')).toBe('{"port":8080}');
  });

  test('has its largest files found', async () => {
    expect(await run('find-large-files', disk, '/dev/sda1')).toMatch(/^ +13 '\/etc\/app\/settings\.json/m);
  });

  test('goes to object storage', async () => {
    const server = createServer(async (request, response) => {
      const archive = gunzipSync(await buffer(request));
      response.end(`${request.method} ${request.url}: ${archive.includes('app/settings.json')}`);
    });
    await once(server.listen(0), 'listening');
    const url = `http://localhost:${(server.address() as AddressInfo).port}/etc.tar.gz`;
    expect(await run('tar-to-object-storage', disk, '/dev/sda1', '/etc', url)).toBe(
      '/etc: PUT /etc.tar.gz: true\n',
    );
    server.close();
  });

  const fuse = existsSync('/dev/fuse') && onPath('fusermount');
  testUnless(fuse ? undefined : 'no FUSE: /dev/fuse or fusermount is missing')(
    'is shown as a folder',
    async () => {
      const place = join(folder, 'mounted');
      await mkdir(place);
      const child = start('mount-locally', disk, '/dev/sda1', place);
      const ended = once(child, 'close');
      expect(await lineOf(child, /shows .*/)).toBe(`shows /dev/sda1 of ${disk}`);
      expect(await readdir(join(place, 'etc/app'))).toEqual(expect.arrayContaining(['settings.json']));
      child.kill('SIGINT');
      expect(await ended).toEqual([0, null]);
      expect(await readdir(place)).toEqual([]);
    },
  );
});

describe('a Debian', () => {
  let guest: string;

  beforeAll(async () => {
    guest = join(folder, 'guest.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', await debianMbr(), '-F', 'raw', guest]);
    await using g = new Guestfs();
    await g.addDrive(guest);
    await g.launch();
    await g.mount('/dev/sda1', '/');
    await g.mkdirP('/var/lib/dhcp');
    const lease = (address: string) => `lease {\n  interface "eth0";\n  fixed-address ${address};\n}\n`;
    await g.write('/var/lib/dhcp/dhclient.eth0.leases', lease('192.0.2.7') + lease('192.0.2.8'));
    await g.shutdown();
  });

  test('is recognised', async () => {
    expect(await run('inspect-vm', guest)).toMatch(
      /^\/dev\/sda1: .+\n {2}linux, debian \d+\.\d+\n {2}called 'guestfs-test'\n/,
    );
  });

  test('is inspected in spans of the trace that the job has begun', async () => {
    const [traceId, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    const job = { TRACEPARENT: `00-${traceId}-${parent}-01` };
    const { code, stdout, stderr } = await outcome(startWith(job, 'opentelemetry', guest));
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${guest}: 1 operating systems\n` });
    const spans = stdout.split(/^\}$/m).slice(0, -1);
    const named = (name: string) => spans.find((span) => span.includes(` name: '${name}'`)) ?? '';
    const idOf = (span: string) => / id: '(\w+)'/.exec(span)?.[1];
    for (const span of spans) expect(span).toContain(`traceId: '${traceId}'`);
    expect(named('guestfs inspect')).toContain(parent);
    for (const call of ['guestfs.launch', 'guestfs.inspectOs'])
      expect(named(call)).toContain(`${idOf(named('guestfs inspect'))}`);
    expect(named('guestfs.launch')).toMatch(/'guestfs\.launch\.from': '(template|boot)'/);
    for (const phase of ['appliance', 'ready']) expect(named('guestfs.launch')).toContain(`name: '${phase}'`);
  });

  test('has had an address', async () => {
    expect(await run('dhcp-address', guest)).toBe("192.0.2.8 ('/var/lib/dhcp/dhclient.eth0.leases')\n");
  });

  test('has an icon, or none', async () => {
    const icon = join(folder, 'icon.png');
    const stdout = await run('show-icon', guest, icon);
    if (existsSync(icon)) expect((await readFile(icon)).subarray(1, 4).toString()).toBe('PNG');
    else expect(stdout).toBe('There is no icon in this image.\n');
  });

  test('grows', async () => {
    const image = join(folder, 'grows.img');
    await copyFile(await debianMbr(), image);
    const [, bytes] = /^\/dev\/sda1: (\d+) bytes$/m.exec(await run('resize', image, '2')) ?? [];
    expect(Number(bytes)).toBeGreaterThan(1.8 * 2 ** 30);
  });

  test('goes to no object storage that refuses it, and that is the end', async () => {
    const server = createServer((_, response) => void response.writeHead(413).end());
    await once(server.listen(0), 'listening');
    const url = `http://localhost:${(server.address() as AddressInfo).port}/usr.tar.gz`;
    const { code, stderr } = await outcome(start('tar-to-object-storage', guest, '/dev/sda1', '/usr', url));
    expect([code, stderr]).toEqual([1, expect.stringContaining('answered 413')]);
    server.close();
  });

  test('does not shrink', async () => {
    const image = join(folder, 'shrinks.img');
    await writeFile(image, 'x'.repeat(1 << 20));
    const { code, stderr } = await outcome(start('resize', image, '0.0001'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('it would lose what is at its end')]);
    expect((await stat(image)).size).toBe(1 << 20);
  });

  test('is inspected by a web server, which goes on answering', async () => {
    const child = start('web-server', '0');
    try {
      const url = await lineOf(child, /http:\S+/);
      const upload = async (body: Uint8Array | string) => await fetch(url, { method: 'POST', body });
      const inspected = upload(await readFile(disk));
      expect(await (await fetch(url)).text()).toBe('POST a disk image here.\n');
      expect((await upload('no image')).status).toBe(422);
      expect((await upload(await readFile(await qcow2Overlay()))).status).toBe(422);
      const response = await inspected;
      expect(response.status).toBe(200);
      const { images } = (await response.json()) as InspectionReport;
      expect(images).toMatchObject([{ format: 'qcow2' }]);
    } finally {
      child.kill();
    }
  });
});

test('an encrypted disk', async () => {
  const lines = (await run('encrypted-disk', join(folder, 'vault.img'))).trimEnd().split('\n');
  expect(lines).toEqual([
    '/dev/sda: crypto_LUKS, opened as /dev/mapper/cryptsda',
    expect.stringMatching(/^\/dev\/mapper\/cryptsda: ext4, \d+ bytes used$/),
  ]);
});

describe('a CI job', () => {
  test('logs its progress', async () => {
    await mkdir(join(folder, 'content'));
    await writeFile(join(folder, 'content', 'file'), 'x'.repeat(1000));
    // A launch from a template may take too short a time to be told of.
    const boots = { GUESTFS_TEMPLATE: 'never' };
    const { code, stderr } = await outcome(startWith(boots, 'ci-job', 'content', 'image.qcow2'));
    expect(stderr).toContain('image.qcow2: launch: done in ');
    expect(stderr).toMatch(/image\.qcow2 is ready\n$/);
    expect(code).toBe(0);
  });

  test('fails', async () => {
    const { code, stderr } = await outcome(start('ci-job', 'content', '/nonexistent/image.qcow2'));
    expect(stderr).toMatch(/^\/nonexistent\/image\.qcow2 was not made: .*No such file.* \(E\w+\)\n$/);
    expect(code).toBe(1);
  });
});

test('what libguestfs does is logged', async () => {
  const { code, stderr } = await outcome(start('debug-logging'));
  expect(code).toBe(0);
  expect(stderr).toMatch(/^trace: 'launch'$/m);
  expect(stderr).toMatch(/^library: ['"]/m);
  expect(stderr).toMatch(/^appliance: ['"].*guestfsd/m);
});

test('libvirt asks', async () => {
  const image = join(folder, 'small.img');
  await writeFile(image, Buffer.alloc(1024));
  const node = join(folder, 'node.xml');
  await writeFile(node, libvirtNode(image));
  const child = start('libvirt-auth', 'guest', `test://${node}`);
  const answers = [/username.*$/i, 'ali\n', /password.*$/i, 'sesame\n'] as const;
  const stdout = text(child.stdout);
  const closed = once(child, 'close');
  let asked = '';
  let next = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    asked += chunk;
    const [question, answer] = answers.slice(next, next + 2) as [RegExp?, string?];
    if (!question?.test(asked) || answer === undefined) return;
    asked = '';
    next += 2;
    child.stdin.write(answer);
  });
  expect(await stdout).toBe('guest: 1 disk\n');
  expect(await closed).toEqual([0, null]);
});

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}
