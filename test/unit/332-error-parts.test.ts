// What an error is made of: what is wrong, what to do, and the message that has both.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { inspect as show } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { AbortError, Guestfs, GuestfsError, inspect } from '../../lib';
import { failureOf as toldFailure } from '../../lib/cli/failures';
import { closedError, diedError, errorFor, launchFailed, seeDoctor } from '../../lib/faults/errors';
import { choose } from '../../lib/guests/mount';
import { parseImageInfo } from '../../lib/host/image-info';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { resultOf } from '../support/script';

describe('message, shortMessage and hint', () => {
  test('of what libguestfs says', async () => {
    await using g = new Guestfs();
    const error = await failureOf(g.addDrive('/nonexistent'));
    const words = '/nonexistent: No such file or directory';
    expect(error).toMatchObject({ message: words, shortMessage: words, hint: undefined });
  });

  test('of a fault that is known', async () => {
    using folder = temporaryFolder();
    const path = folder.file('text');
    writeFileSync(path, 'no qcow2 image\n');
    await using g = new Guestfs();
    const error = await failureOf(g.addDrive(path, { format: 'qcow2', readonly: true }));
    expect(error.shortMessage).toBe(`${path} cannot be opened: Image is not in qcow2 format`);
    expect(error.hint).toBe("Check it with 'qemu-img info', and give the format that it has");
    expect(error.message).toBe(`addDrive: ${error.shortMessage}. ${error.hint}`);
  });

  test('of an image that is not there', async () => {
    expect(await failureOf(inspect('/nonexistent'))).toMatchObject({
      ...{ message: 'inspect: /nonexistent does not exist', shortMessage: '/nonexistent does not exist' },
      hint: undefined,
    });
  });

  test('of a handle that is closed, and of an appliance that has died', () => {
    expect(closedError('mount')).toMatchObject({
      message: 'mount: the handle is closed; make a new Guestfs',
      ...{ shortMessage: 'the handle is closed', hint: 'make a new Guestfs' },
    });
    const died = diedError('cat', '[   15.7] Kernel panic - not syncing: crash\nCPU: 0\n', undefined);
    expect(died.shortMessage).toBe(
      'the appliance has died: its kernel panicked (crash). What was not synced is lost',
    );
    expect(died.hint).toBe('launch() starts it again, with its drives');
    expect(died.message).toBe(
      `cat: ${died.shortMessage}; ${died.hint}\nLast lines of the appliance's console:\n  [   15.7] Kernel panic - not syncing: crash\n  CPU: 0`,
    );
  });

  test('of a launch in words that nobody knows', () => {
    const said = new GuestfsError(
      'strange words\nThis usually means the libguestfs appliance … LIBGUESTFS_DEBUG=1',
      {
        code: 'ERR_GUESTFS',
        operation: 'launch',
      },
    );
    const error = launchFailed(said, 'the last word\n');
    expect(error.shortMessage).toBe('strange words');
    expect(error.hint).toBe(`Run it with LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1 to see more.\n${seeDoctor}`);
    expect(error.message).toBe(
      `strange words\n${error.hint}\nLast lines of the appliance's console:\n  the last word`,
    );
  });

  test('of an abort', () => {
    const error = new AbortError('launch', 'reason');
    expect(error).toMatchObject({ shortMessage: 'the operation was aborted', hint: undefined });
  });

  test('are not printed twice', async () => {
    const text = show(closedError('mount'));
    expect(text.match(/the handle is closed/g)).toHaveLength(1);
    expect(Object.keys(closedError('mount'))).toEqual(['code', 'errno', 'operation']);
  });
});

describe('a hint names options as its reader knows them', () => {
  const refusal = (roots: readonly string[], filesystems: readonly string[], closed: readonly string[]) => {
    try {
      choose('ls', 'disk', undefined, roots, { filesystems, closed });
    } catch (error) {
      return { error: error as GuestfsError, told: toldFailure(error, 'ls') };
    }
    throw new Error('it was chosen');
  };

  test.each([
    [['/dev/sda1', '/dev/sdb1'], [], [], 'say which by the option root', 'say which by --root'],
    [
      ...[[], ['/dev/sda1', '/dev/sda2'], ['/dev/sda3']],
      'say which by the option mountable; what is on /dev/sda3 needs its key, by the option keys',
      'say which by --mount; what is on /dev/sda3 needs its key, by --key',
    ],
    [
      ...[[], [], ['/dev/sda3']],
      'what is on /dev/sda3 needs its key, by the option keys',
      'what is on /dev/sda3 needs its key, by --key',
    ],
  ] as [string[], string[], string[], string, string][])(
    '%j %j %j',
    (roots, filesystems, closed, api, cli) => {
      const { error, told } = refusal(roots, filesystems, closed);
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_NO_ROOT', hint: api });
      expect(error.message.endsWith(api)).toBe(true);
      expect(told).toMatchObject({ code: 'ERR_GUESTFS_NO_ROOT', operation: 'ls', hint: cli });
      expect(told.message).toBe(error.message.replace(api, cli));
    },
  );

  test('and not what a guest calls something', () => {
    const error = errorFor({ code: 'ENOENT', operation: 'cat', problem: '/the option root: not there' });
    expect(toldFailure(error, 'cat').message).toBe('cat: /the option root: not there');
  });
});

describe('instanceof', () => {
  class Special extends GuestfsError {}
  const details = { code: 'ENOENT', operation: 'cat' };

  test('holds across copies of the package, each with a class of its own', async () => {
    expect(
      await resultOf(`
        const path = require.resolve(process.cwd() + '/dist/faults/guestfs-error.js');
        delete require.cache[path];
        const other = require(path);
        const error = new other.GuestfsError('x', { code: 'ENOENT', operation: 'cat' });
        console.log(JSON.stringify([
          other.GuestfsError !== GuestfsError, error instanceof GuestfsError,
          new other.AbortError('cat') instanceof guestfs.AbortError, error instanceof guestfs.AbortError,
          (await new Guestfs().addDrive('/none').catch((e) => e)) instanceof other.GuestfsError,
        ]));
      `),
    ).toEqual([true, true, true, false, true]);
  });

  test('holds across realms', () => {
    const brand = runInNewContext("Symbol.for('guestfs.GuestfsError')") as symbol;
    expect(brand in new GuestfsError('x', details)).toBe(true);
    expect(
      runInNewContext('error instanceof GuestfsError', {
        error: new GuestfsError('x', details),
        GuestfsError,
      }),
    ).toBe(true);
  });

  test('stays what it is for subclasses, other errors and no errors', () => {
    expect(new Special('x', details)).toBeInstanceOf(GuestfsError);
    expect(new Special('x', details)).toBeInstanceOf(Special);
    expect(new GuestfsError('x', details)).not.toBeInstanceOf(Special);
    expect(new GuestfsError('x', details)).not.toBeInstanceOf(AbortError);
    expect(new AbortError('x', undefined)).not.toBeInstanceOf(GuestfsError);
    for (const other of [new Error('x'), null, undefined, 'text', {}, Object.create(null)]) {
      expect(other instanceof GuestfsError).toBe(false);
    }
  });
});

test('nothing that is not seen gets into a message', async () => {
  const evil = 'a\u202egnp.exe\u2066b\u200f\u061c\u200b\ufeff\x1b[2Jc\x07\n\u{e0041}d';
  await using g = new Guestfs();
  const error = await failureOf(g.addDrive(`/${evil}`));
  expect(error.message).toBe('/agnp.exebc\nd: No such file or directory');
  expect(error.shortMessage).toBe(error.message);
  const refused = await failureOf(g.addDrive('x', { format: evil, ...({ [evil]: 1 } as object) }));
  expect(refused).toBeInstanceOf(TypeError);
  expect(refused.message).toContain('\\u{202e}gnp.exe\\u{2066}b\\u{200f}');
  expect(refused.message).not.toMatch(/[\u202e\u2066\u200f\u061c\u200b\ufeff]/);
});

describe('what qemu-img says of an image is looked at', () => {
  const sound = { format: 'qcow2', 'virtual-size': 1048576, 'actual-size': 4096 };

  test('and used', () => {
    const backing = { 'full-backing-filename': '/base', 'backing-filename-format': 'raw' };
    const particulars = {
      'format-specific': { type: 'qcow2', data: { 'data-file': '/data', corrupt: true } },
    };
    const all = { ...sound, ...backing, ...particulars, encrypted: true, 'dirty-flag': true, more: [] };
    expect(parseImageInfo(JSON.stringify(all))).toEqual({
      ...{ format: 'qcow2', virtualSize: 1048576, actualSize: 4096 },
      ...{ backingFile: '/base', backingFormat: 'raw', dataFile: '/data' },
      ...{ isEncrypted: true, isCorrupt: true, isDirty: true },
    });
    expect(parseImageInfo('{"format":"raw","virtual-size":0}')).toMatchObject({ virtualSize: 0 });
  });

  test.each([
    ['', /JSON/],
    ['[]', /no object/],
    ['null', /no object/],
    ['{}', /no "format"/],
    ['{"format":"raw"}', /no "virtual-size"/],
    ['{"format":7,"virtual-size":1}', /"format" is no text/],
    ['{"format":"","virtual-size":1}', /"format" is no text/],
    ['{"format":"raw","virtual-size":"1"}', /"virtual-size" is no number/],
    ['{"format":"raw","virtual-size":-1}', /"virtual-size" is no number/],
    ['{"format":"raw","virtual-size":9223372036854775807}', /"virtual-size" is no number/],
    ['{"format":"raw","virtual-size":1e400}', /"virtual-size" is no number/],
    ['{"format":"raw","virtual-size":1,"actual-size":{}}', /"actual-size" is no number/],
    ['{"format":"raw","virtual-size":1,"full-backing-filename":[]}', /"full-backing-filename" is no text/],
    ['{"format":"raw","virtual-size":1,"backing-filename-format":0}', /"backing-filename-format" is no text/],
  ])('%s', (json, why) => {
    expect(() => parseImageInfo(json)).toThrow(why);
  });

  test('on the way of inspect() too: a header that tells more bytes than a number can', async () => {
    using folder = temporaryFolder();
    const path = folder.file('huge.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', path, '1M']);
    const header = Buffer.alloc(8);
    header.writeBigUInt64BE(2n ** 60n);
    execFileSync('dd', [`of=${path}`, 'bs=1', 'seek=24', 'conv=notrunc', 'status=none'], { input: header });
    // As many entries as that takes: qemu-img would refuse less.
    header.writeUInt32BE(2 ** 22, 4);
    execFileSync('dd', [`of=${path}`, 'bs=1', 'seek=36', 'conv=notrunc', 'status=none'], {
      input: header.subarray(4),
    });
    expect(await failureOf(inspect(path))).toMatchObject({
      ...{ code: 'ERR_GUESTFS_IMAGE_INVALID', operation: 'inspect' },
      message: expect.stringContaining(path),
    });
  });
});
