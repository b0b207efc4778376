import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ImageFile, inspect } from '../../lib';
import { withGuest } from '../../lib/guests/open';
import { readImage } from '../../lib/host/image-facts';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { resultOf, root } from '../support/script';

// What the host can tell of an image is told before an appliance is started, by a real qemu-img on real images.

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder[Symbol.dispose]());

/** Makes an image; returns its path. */
function create(name: string, ...args: string[]): string {
  const command = ['create', '-q', ...args.map((arg) => arg.replaceAll('@', folder.path))];
  // On a busy machine qemu-img may fail to measure how many rounds a passphrase is worth.
  for (let attempt = 1; ; attempt++) {
    const { status, stderr } = spawnSync('qemu-img', command, { cwd: folder.path, encoding: 'utf8' });
    if (status === 0) return folder.file(name);
    if (attempt === 20 || !stderr.includes('accurate CPU usage')) throw new Error(stderr);
  }
}

function over(name: string, backing: string, format = 'raw'): string {
  return create(name, '-u', '-f', 'qcow2', '-b', backing, '-F', format, name, '1M');
}

const refusal = (path: string, format?: string) => failureOf(inspect({ path, format }));

/** Of an image that may name files on other machines. */
const refusalOfTrusted = (path: string) => failureOf(inspect({ path, followUris: true }));

const notesOf = async (path: string) =>
  (await readImage({ path }, undefined)).notes.map(({ code, problem, advice }) => ({
    code,
    problem,
    advice,
  }));

describe('folders in which images must lie', () => {
  const inside = () => {
    mkdirSync(folder.file('in'));
    mkdirSync(folder.file('in-too'));
    writeFileSync(folder.file('secret'), 'top secret'.repeat(1000));
    return [folder.file('in')];
  };
  const file = (name: string) => {
    writeFileSync(folder.file(name), 'x');
    return folder.file(name);
  };
  const link = (target: string, name: string) => {
    symlinkSync(target, folder.file(name));
    return folder.file(name);
  };
  const refused = (path: string, within: string[], format?: string) =>
    failureOf(inspect({ path, within, format }));

  test.each([
    ['an image elsewhere', () => folder.file('secret')],
    ['one by way of ..', () => folder.file('in/../secret')],
    ['a folder whose name begins alike', () => file('in-too/x')],
    ['a link', () => link('../secret', 'in/link')],
    ['a link to a folder', () => `${link('..', 'in/up')}/secret`],
    ['a backing file', () => over('in/o.qcow2', folder.file('secret'))],
    ['a backing file by a relative name', () => over('in/r.qcow2', '../secret')],
    ['a backing file that is a link', () => over('in/l.qcow2', link('../secret', 'in/base'))],
    [
      'a backing file of the backing file',
      () => over('in/t.qcow2', over('in/b.qcow2', '../secret'), 'qcow2'),
    ],
    [
      'what a VMDK names',
      () => {
        const extent = 'version=1\nCID=fffffffe\ncreateType="monolithicFlat"\nRW 16 FLAT "../secret" 0\n';
        writeFileSync(folder.file('in/d.vmdk'), `# Disk DescriptorFile\n${extent}`);
        return folder.file('in/d.vmdk');
      },
    ],
    ['what is not there', () => folder.file('nothing')],
    [
      'a data file',
      () => create('in/x.qcow2', '-f', 'qcow2', '-o', `data_file=${folder.file('data')}`, 'in/x.qcow2', '1M'),
    ],
  ])('%s', async (_, make) => {
    const within = inside();
    const path = make();
    expect(await refused(path, within)).toMatchObject({ code: 'ERR_GUESTFS_OUTSIDE' });
    expect(await refused(path, within)).not.toMatchObject({ message: expect.stringContaining('top secret') });
  });

  test('images that lie in them, and name what does, are read', async () => {
    const within = inside();
    create('in/base.qcow2', '-f', 'qcow2', 'in/base.qcow2', '1M');
    const path = over('in/top.qcow2', 'base.qcow2', 'qcow2');
    const facts = await readImage({ path, within: ['/nonexistent', ...within] }, undefined);
    expect(facts.backingChain).toEqual([{ path: folder.file('in/base.qcow2'), format: 'qcow2' }]);
    symlinkSync(folder.file('in'), folder.file('alias'));
    await readImage({ path: folder.file('alias/top.qcow2'), within: [folder.file('alias')] }, undefined);
  });

  test('no folder at all allows nothing', async () => {
    inside();
    create('in/a.raw', '-f', 'raw', 'in/a.raw', '1M');
    expect(await refused(folder.file('in/a.raw'), [], 'raw')).toMatchObject({ code: 'ERR_GUESTFS_OUTSIDE' });
  });

  test('an archive with an image that names a file', async () => {
    const within = inside();
    over('o.qcow2', folder.file('secret'));
    spawnSync('gzip', [folder.file('o.qcow2')]);
    spawnSync('mv', [folder.file('o.qcow2.gz'), folder.file('in/o.gz')]);
    expect(await refused(folder.file('in/o.gz'), within)).toMatchObject({ code: 'ERR_GUESTFS_OUTSIDE' });
  });

  test.each([['relative'], [''], ['/a\0b']])('%j is no folder for it', async (one) => {
    expect(await failureOf(inspect({ path: '/x', within: [one] }))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  test.each(['/x', [1]])('%j is no list of folders', async (within) => {
    const image = { path: '/x', within } as unknown as ImageFile;
    expect(await failureOf(inspect(image))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('a backing file somewhere else', () => {
  const server = createServer(() => undefined);

  test.each([
    ['of NBD', 'nbd://127.0.0.1:1/disk', /Connection refused/],
    ['of NBD on a socket', 'nbd:unix:/nonexistent', /No such file or directory/],
    [
      'in JSON',
      'json:{"driver":"raw","file":{"driver":"nbd","host":"127.0.0.1","port":"1"}}',
      /Connection refused/,
    ],
    ['of a protocol that this qemu does not know', 'gopher://127.0.0.1/disk', /Unknown protocol/],
  ])('%s that cannot be reached is told with its address', async (_, url, why) => {
    const error = await refusalOfTrusted(over('top.qcow2', url));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE', operation: 'inspect' });
    expect(error.message).toContain(`the backing file ${url} cannot be opened: `);
    expect(error.message).toMatch(why);
    expect(error.hint).toMatch(/server runs.*qemu-img rebase -u -b/);
  });

  test('is found below another one', async () => {
    over('middle.qcow2', 'nbd://127.0.0.1:1/disk');
    expect(await refusalOfTrusted(over('top.qcow2', 'middle.qcow2', 'qcow2'))).toMatchObject({
      code: 'ERR_GUESTFS_BACKING_FILE',
      message: expect.stringContaining('nbd://127.0.0.1:1/disk'),
    });
  });

  test('does not keep it waiting for a server that does not answer', async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const error = await refusalOfTrusted(over('top.qcow2', `nbd://127.0.0.1:${port}/disk`));
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE' });
      expect(error.message).toContain('no answer within 10 s');
    } finally {
      server.close();
    }
  }, 30_000);
});

describe('a data file', () => {
  test('that is missing', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', '-o', 'data_file=@/data.raw', 'disk.qcow2', '1M');
    await readImage({ path }, undefined);
    rmSync(folder.file('data.raw'));
    const error = await refusal(path);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_DATA_FILE', errno: constants.errno.ENOENT });
    expect(error.message).toContain(
      `the data file ${folder.file('data.raw')}, in which ${path} keeps its content`,
    );
    expect(error.hint).toContain('qemu-img amend -o data_file=');
    // Under another image too.
    expect(await refusal(over('top.qcow2', 'disk.qcow2', 'qcow2'))).toMatchObject({
      code: 'ERR_GUESTFS_DATA_FILE',
    });
  });

  test('whose name has no folder is looked for beside the image', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', '-o', 'data_file=data.raw', 'disk.qcow2', '1M');
    await readImage({ path }, undefined);
    rmSync(folder.file('data.raw'));
    expect((await refusal(path)).message).toContain(folder.file('data.raw'));
  });

  test('that is a folder', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', '-o', 'data_file=@/data.raw', 'disk.qcow2', '1M');
    rmSync(folder.file('data.raw'));
    mkdirSync(folder.file('data.raw'));
    expect(await refusal(path)).toMatchObject({
      code: 'ERR_GUESTFS_DATA_FILE',
      errno: constants.errno.EISDIR,
    });
  });

  test('of a VMDK image of several', async () => {
    const path = create('disk.vmdk', '-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'disk.vmdk', '3G');
    rmSync(folder.file('disk-s002.vmdk'));
    const error = await refusal(path);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_DATA_FILE', errno: constants.errno.ENOENT });
    expect(error.message).toContain(folder.file('disk-s002.vmdk'));
  });
});

describe('an image that qemu encrypts', () => {
  const secret = ['--object', 'secret,id=key,data=abc'];
  const luks = [...secret, '-f', 'luks', '-o', 'key-secret=key,iter-time=200'];

  test.each([
    ['by LUKS inside of qcow2', 'encrypt.format=luks,encrypt.iter-time=200,encrypt.key-secret=key'],
    ['by the AES of old', 'encryption=on,encrypt.key-secret=key'],
  ])('%s', async (_, options) => {
    const path = create('disk.qcow2', ...secret, '-f', 'qcow2', '-o', options, 'disk.qcow2', '1M');
    const expected = {
      code: 'ERR_GUESTFS_IMAGE_ENCRYPTED',
      hint: expect.stringContaining('qemu-img convert'),
    };
    expect(await refusal(path)).toMatchObject(expected);
    const error = await refusal(over('top.qcow2', 'disk.qcow2', 'qcow2'));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain(`${path} is encrypted by qemu`);
  });

  test('LUKS on the whole disk is taken for what it is, a volume of the guest', async () => {
    const path = create('disk.img', ...luks, 'disk.img', '1M');
    expect(await readImage({ path }, undefined)).toMatchObject({ format: 'raw' });
    const error = await refusal(path, 'luks');
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_ENCRYPTED' });
    expect(error.hint).toContain('format raw');
  });
});

describe('what this qemu does not support', () => {
  test('is a version of the format', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', 'disk.qcow2', '1M');
    patch(path, 4, Buffer.from([0, 0, 0, 9]));
    const error = await refusal(path);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED' });
    expect(error.message).toMatch(/Unsupported qcow2 version 9.*newer qemu/);
    expect(await refusal(over('top.qcow2', 'disk.qcow2', 'qcow2'))).toMatchObject({
      code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED',
    });
  });

  test('is a feature', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', 'disk.qcow2', '1M');
    patch(path, 72, Buffer.from([0, 4, 0, 0, 0, 0, 0, 0]));
    expect(await refusal(path)).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED' });
  });

  test('is a kind of VMDK', async () => {
    const path = folder.file('disk.vmdk');
    writeFileSync(
      path,
      '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="seSparse9"\n',
    );
    expect(await refusal(path)).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED' });
  });

  test('is a VHD that holds only differences', async () => {
    const path = create('disk.vhd', '-f', 'vpc', 'disk.vhd', '1M');
    await readImage({ path }, undefined);
    const footer = readFileSync(path).subarray(0, 512);
    footer.writeUInt32BE(4, 60);
    footer.writeUInt32BE(0, 64);
    footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64);
    patch(path, 0, footer);
    expect(await refusal(path)).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED' });
  });
});

describe('what stops nobody from reading is told too', () => {
  test('a corrupt image, which is not written', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', 'disk.qcow2', '1M');
    expect(await notesOf(path)).toEqual([]);
    patch(path, 72, Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]));
    expect(await notesOf(path)).toEqual([
      {
        code: 'ERR_GUESTFS_IMAGE_CORRUPT',
        problem: expect.stringContaining(`${path} is marked as corrupt`),
        advice: expect.stringContaining('qemu-img check'),
      },
    ]);
    const writing = withGuest([{ path }], { operation: 'copy-in', writable: true }, async () => undefined);
    expect(await failureOf(writing)).toMatchObject({
      code: 'ERR_GUESTFS_IMAGE_CORRUPT',
      operation: 'copy-in',
    });
    expect(await notesOf(over('top.qcow2', 'disk.qcow2', 'qcow2'))).toHaveLength(1);
  });

  test('an image that was not closed', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', 'disk.qcow2', '1M');
    patch(path, 72, Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]));
    expect(await notesOf(path)).toMatchObject([{ code: 'ERR_GUESTFS_IMAGE_DIRTY' }]);
  });

  test('a qcow2 image that is cut, which is not written, and no image that is whole', async () => {
    const raw = folder.file('content.img');
    writeFileSync(raw, randomBytes(3 << 20));
    for (const options of [
      [],
      ['-c'],
      ['-o', 'refcount_bits=1'],
      ['-o', 'cluster_size=4k'],
      ['-o', 'compat=0.10'],
    ]) {
      const path = folder.file('disk.qcow2');
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, path]);
      expect([options, await notesOf(path)]).toEqual([options, []]);
      for (const size of [2 << 20, 70_000]) {
        truncateSync(path, size);
        const notes = await notesOf(path);
        expect([options, notes]).toEqual([
          options,
          [
            expect.objectContaining({
              code: 'ERR_GUESTFS_IMAGE_CORRUPT',
              problem: expect.stringContaining(`${path} is cut: it has ${size} bytes`),
            }),
          ],
        ]);
      }
      const writing = withGuest([{ path }], { operation: 'copy-in', writable: true }, async () => undefined);
      expect(await failureOf(writing)).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_CORRUPT' });
      rmSync(path);
    }
  });

  test('an image that is cut, of VirtualBox, and below another', async () => {
    const [raw, path] = [folder.file('content.img'), folder.file('disk.vdi')];
    writeFileSync(raw, randomBytes(5 << 20));
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vdi', raw, path]);
    const above = create('above.qcow2', '-f', 'qcow2', '-b', path, '-F', 'vdi', 'above.qcow2');
    for (const each of [path, above]) expect(await notesOf(each)).toEqual([]);
    truncateSync(path, 3 << 20);
    const cut = { code: 'ERR_GUESTFS_IMAGE_CORRUPT', problem: expect.stringContaining(`${path} is cut`) };
    for (const each of [path, above]) expect(await notesOf(each)).toMatchObject([cut]);
  });

  test.each([
    ['vpc', 3 << 20],
    ['vmdk', 3000],
  ])('an image of the format %s that is cut, which qemu does not open', async (format, size) => {
    const [raw, path] = [folder.file('content.img'), folder.file('disk')];
    writeFileSync(raw, randomBytes(5 << 20));
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, path]);
    truncateSync(path, size);
    const error = await refusal(path);
    expect(error).toMatchObject({
      code: 'ERR_GUESTFS_IMAGE_CUT',
      hint: expect.stringContaining('downloaded'),
    });
  });

  test('a qcow2 image whose first table lies behind its end', async () => {
    const path = create('disk.qcow2', '-f', 'qcow2', 'disk.qcow2', '1G');
    patch(path, 42, Buffer.from([1]));
    expect(await notesOf(path)).toMatchObject([{ code: 'ERR_GUESTFS_IMAGE_CORRUPT' }]);
  });

  test('an image that is read as raw, by itself or below another', async () => {
    for (const format of ['qcow2', 'vdi', 'vhdx', 'qed']) {
      const path = create('disk', '-f', format, 'disk', '8M');
      const above = over('above.qcow2', path);
      const other = { code: 'ERR_GUESTFS_OTHER_FORMAT', advice: expect.stringContaining(`-F ${format}`) };
      const { notes } = await readImage({ path, format: 'raw' }, undefined);
      expect(notes).toContainEqual(expect.objectContaining(other));
      expect((await readImage({ path: above }, undefined)).notes).toMatchObject([other]);
      expect((await readImage({ path }, undefined)).notes).toEqual([]);
    }
  });

  test('an image that takes the one below it for another format than it has', async () => {
    writeFileSync(folder.file('base.img'), Buffer.alloc(1 << 20));
    const error = await refusal(over('above.qcow2', 'base.img', 'qcow2'));
    expect(error).toMatchObject({
      code: 'ERR_GUESTFS_BACKING_FILE',
      hint: expect.stringContaining('-F FORMAT'),
    });
  });

  test('an empty file, and one that ends within a sector', async () => {
    writeFileSync(folder.file('disk.img'), '');
    expect(await notesOf(folder.file('disk.img'))).toMatchObject([{ code: 'ERR_GUESTFS_IMAGE_EMPTY' }]);
    truncateSync(folder.file('disk.img'), 1_000_000);
    expect(await notesOf(folder.file('disk.img'))).toMatchObject([
      { code: 'ERR_GUESTFS_ODD_SIZE', problem: expect.stringContaining('1000000 bytes') },
    ]);
  });
});

function patch(path: string, position: number, bytes: Buffer): void {
  const image = readFileSync(path);
  bytes.copy(image, position);
  writeFileSync(path, image);
}

describe("Node's permission model", () => {
  const flags = [
    process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
    ...['--allow-addons', `--allow-fs-read=${root}`, '--no-warnings'],
  ];
  const inspecting = (path: string, ...more: string[]) =>
    resultOf<{ code: string; hint: string; message: string }>(
      `await guestfs.inspect({ path: ${JSON.stringify(path)}, format: 'raw' }).catch(
        ({ code, hint, message }) => console.log(JSON.stringify({ code, hint, message })));`,
      { nodeOptions: [...flags, ...more] },
    );

  test('forbids to read the image: with the flag that allows it', async () => {
    using folder = temporaryFolder();
    const path = folder.file('my disk.img');
    writeFileSync(path, Buffer.alloc(1024));
    expect(await inspecting(path)).toMatchObject({
      code: 'ERR_ACCESS_DENIED',
      hint: `start Node.js with --allow-fs-read='${path}' too`,
    });
  });

  test('forbids to run qemu-img: with the flag that allows it', async () => {
    using folder = temporaryFolder();
    const path = folder.file('disk.img');
    writeFileSync(path, Buffer.alloc(1024));
    expect(await inspecting(path, `--allow-fs-read=${path}`)).toMatchObject({
      code: 'ERR_ACCESS_DENIED',
      hint: 'start Node.js with --allow-child-process too',
    });
  });
});
