import { beforeEach, describe, expect, test } from '@jest/globals';
import { GuestfsError } from '../../lib';
import { deploymentOf, enterDeployment } from '../../lib/guests/ostree';

const id = (digit: string) => digit.repeat(64);

/** A filesystem with folders, at times, and links. */
class Fake {
  readonly folders = new Map<string, bigint>();
  readonly links = new Map<string, string>();
  readonly commands: string[] = [];
  cannotBind = false;

  add(path: string, time = 0n): void {
    const parts = path.split('/').slice(1);
    for (const [index] of parts.entries()) {
      const folder = `/${parts.slice(0, index + 1).join('/')}`;
      if (!this.folders.has(folder)) this.folders.set(folder, 0n);
    }
    this.folders.set(path, time);
  }

  readonly g = {
    isDir: async (path: string) => this.folders.has(path),
    ls: async (path: string) =>
      [...this.folders.keys()].flatMap((each) =>
        each.startsWith(`${path}/`) && !each.slice(path.length + 1).includes('/')
          ? [each.slice(path.length + 1)]
          : [],
      ),
    realpath: async (path: string) => this.links.get(path) ?? this.#known(path),
    statns: async (path: string) => ({ stMtimeSec: this.folders.get(this.#known(path)) }),
    debug: async (_: string, [command = '']: string[]) => {
      if (this.cannotBind) throw refusal();
      this.commands.push(command);
      return '';
    },
  } as never;

  #known(path: string): string {
    if (!this.folders.has(path)) throw refusal();
    return path;
  }
}

const refusal = () => new GuestfsError('no', { code: 'ENOENT', errno: 2, operation: 'x' });

let fake: Fake;
beforeEach(() => {
  fake = new Fake();
});

const top = '/ostree/deploy/fedora-coreos';

describe('which deployment', () => {
  test('none where there is no folder of ostree', async () => {
    fake.add('/usr/lib');
    expect(await deploymentOf(fake.g)).toBeUndefined();
  });

  test('of several the one that was made last', async () => {
    for (const [digit, time] of [
      ['a', 5n],
      ['b', 7n],
      ['c', 6n],
    ] as const) {
      fake.add(`${top}/deploy/${id(digit)}.0/usr`);
      fake.add(`${top}/deploy/${id(digit)}.0.origin`, time);
    }
    expect(await deploymentOf(fake.g)).toMatchObject({
      folder: `${top}/deploy/${id('b')}.0`,
      shared: `${top}/var`,
    });
  });

  test('none whose name a shell would not take as it is, or that a link leads elsewhere', async () => {
    fake.add(`/ostree/deploy/a;reboot/deploy/${id('a')}.0/usr`);
    fake.add('/ostree/deploy/a/deploy/$(reboot).0/usr');
    fake.add(`${top}/deploy/${id('c')}.0/usr`);
    fake.links.set(`${top}/deploy/${id('c')}.0/usr`, '/usr');
    expect(await deploymentOf(fake.g)).toBeUndefined();
  });
});

describe('entering it', () => {
  const deployment = `${top}/deploy/${id('a')}.0`;
  const mounted: string[] = [];
  const mount = async (path: string) => {
    mounted.push(path);
    fake.add(`/sysroot${top}/var`);
  };

  beforeEach(() => {
    mounted.length = 0;
    for (const folder of ['usr', 'sysroot', 'var']) fake.add(`${deployment}/${folder}`);
    for (const folder of ['/sysroot', '/var']) fake.add(folder);
  });

  test('makes it the root, with the whole filesystem and what is shared inside', async () => {
    expect(await enterDeployment(fake.g, mount)).toEqual(['/sysroot', '/var']);
    expect(mounted).toEqual(['/sysroot']);
    expect(fake.commands).toEqual([
      `mount --bind -- '/sysroot${deployment}' '/sysroot'`,
      `mount --bind -- '/sysroot/sysroot${top}/var' '/sysroot/var'`,
    ]);
  });

  test('mounts nothing over what a link leads to', async () => {
    fake.links.set('/var', '/etc');
    expect(await enterDeployment(fake.g, mount)).toEqual(['/sysroot']);
    expect(fake.commands).toHaveLength(1);
  });

  test('leaves all as it is where the appliance cannot', async () => {
    fake.cannotBind = true;
    expect(await enterDeployment(fake.g, mount)).toBeUndefined();
    expect(mounted).toEqual([]);
  });
});
