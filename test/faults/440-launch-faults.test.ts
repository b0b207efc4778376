import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { MiB, sleep, timed } from '../support/appliance';
import { fixedAppliance } from '../support/fixed-appliance';
import { type Fault, FaultyHypervisor, kvmCanBeOpened, testWithKvm } from '../support/hypervisor';
import { descendants, type Outcome, qemuOf, startProgram } from '../support/processes';

if (!kvmCanBeOpened) {
  console.warn('/dev/kvm cannot be opened on this machine: the tests of a KVM that fails are skipped.');
}

// Nothing is known of this machine's KVM: what one launch has read of it, or found out, counts for all that follow.
let cache: string;
const { XDG_CACHE_HOME } = process.env;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'guestfs-440-'));
  process.env.XDG_CACHE_HOME = cache;
});

afterAll(async () => {
  if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  await rm(cache, { recursive: true, force: true });
});

describe('a launch that is given up', () => {
  let g: Guestfs;
  let hypervisor: FaultyHypervisor;

  beforeAll(async () => {
    hypervisor = await FaultyHypervisor.make('hangs');
    g = new Guestfs({ backendSettings: ['network_bridge=virbr0'] });
    await g.setHv(hypervisor.path);
    await g.addDriveScratch(10 * MiB);
    await g.addDriveScratch(20 * MiB, { label: 'second' });
  });

  afterAll(async () => {
    await g?.close();
    await hypervisor?.remove();
  });

  const expectUntouched = async () => {
    expect(descendants()).toEqual([]);
    expect(await g.isConfig()).toBe(true);
    expect(await g.getBackendSettings()).toEqual(['network_bridge=virbr0']);
  };

  testWithKvm('rejects after its timeout when the guest hangs, and leaves nothing behind', async () => {
    const { error, ms } = await timed(g.launch({ accel: 'kvm', timeout: 10_000 }));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT', operation: 'launch' });
    expect((error as Error).message).toMatch(/10000 ms.*accel: 'auto'/s);
    expect((error as Error).message).toContain('SeaBIOS');
    expect(ms).toBeGreaterThanOrEqual(10_000);
    expect(ms).toBeLessThan(13_000);
    await expectUntouched();
  });

  testWithKvm('rejects at once when its signal is aborted', async () => {
    const abort = new AbortController();
    const launch = timed(g.launch({ accel: 'kvm', signal: abort.signal }));
    await until(() => qemuOf() !== undefined);
    const reason = new Error('no longer needed');
    abort.abort(reason);
    const aborted = performance.now();
    expect((await launch).error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    expect(performance.now() - aborted).toBeLessThan(2000);
    await expectUntouched();
  });

  test('rejects before it has started when its signal is aborted before', async () => {
    const { error, ms } = await timed(g.launch({ signal: AbortSignal.abort('too late') }));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'too late' });
    expect(ms).toBeLessThan(100);
    await expectUntouched();
  });

  test('rejects at once when its signal is aborted while it waits for its turn', async () => {
    const abort = new AbortController();
    const before = g.version();
    const launch = timed(g.launch({ signal: abort.signal }));
    abort.abort();
    expect((await launch).error).toMatchObject({ name: 'AbortError' });
    expect((await before).major).toBe(1n);
    await expectUntouched();
  });

  test('rejects within its timeout under emulation too, at any stage', async () => {
    for (const timeout of [1, 30, 60, 100, 150, 200, 300, 500, 2500]) {
      const { error, ms } = await timed(g.launch({ accel: 'tcg', timeout }));
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT' });
      expect(ms).toBeLessThan(timeout + 3000);
      await expectUntouched();
    }
  });

  test('takes its timeout also for building the appliance', async () => {
    const cachedir = await mkdtemp(join(tmpdir(), 'guestfs-cache-'));
    const building = new Guestfs({ cachedir });
    try {
      await building.addDriveScratch(MiB);
      const { error, ms } = await timed(building.launch({ accel: 'tcg', timeout: 1000 }));
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT' });
      expect(ms).toBeLessThan(4000);
      expect(descendants()).toEqual([]);
    } finally {
      await building.close();
      await rm(cachedir, { recursive: true, force: true });
    }
  });

  test('rejects the calls behind it with an error of their own', async () => {
    const launch = timed(g.launch({ accel: 'tcg', timeout: 50 }));
    const behind = timed(g.listDevices());
    expect((await launch).error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT' });
    expect((await behind).error).toMatchObject({ name: 'GuestfsError', operation: 'listDevices' });
    await expectUntouched();
  });

  // The last one: the appliance is up afterwards.
  test('can be launched again, with its drives, and closed', async () => {
    await g.launch({ accel: 'tcg' });
    expect(await g.listDevices()).toEqual(['/dev/sda', '/dev/sdb']);
    expect(await g.blockdevGetsize64('/dev/disk/guestfs/second')).toBe(20n * BigInt(MiB));
    await g.close();
    expect(descendants()).toEqual([]);
  });
});

describe("this machine's own KVM", () => {
  testWithKvm('runs the appliance, or rejects within 13 s and leaves nothing behind', async () => {
    const g = new Guestfs();
    await g.addDriveScratch(MiB);
    const { error, ms } = await timed(g.launch({ accel: 'kvm', timeout: 10_000 }));
    expect(ms).toBeLessThan(13_000);
    if (error === undefined) {
      expect(await g.listDevices()).toEqual(['/dev/sda']);
    } else {
      expect(error).toBeInstanceOf(GuestfsError);
      const code = expect.stringMatching(/^ERR_GUESTFS_(KVM_UNAVAILABLE|TIMEOUT)$/);
      expect(error).toMatchObject({ operation: 'launch', code });
      expect(descendants()).toEqual([]);
      expect(await g.isConfig()).toBe(true);
    }
    await g.close();
    expect(descendants()).toEqual([]);
  });

  const withoutKvm = kvmCanBeOpened ? test.skip : test;
  withoutKvm(
    'which is not there is refused, with the remedy [only where /dev/kvm cannot be opened]',
    async () => {
      const g = new Guestfs();
      await expect(g.launch({ accel: 'kvm' })).rejects.toMatchObject({
        code: 'ERR_GUESTFS_KVM_UNAVAILABLE',
        message: expect.stringContaining('/dev/kvm'),
      });
      await g.close();
    },
  );
});

describe('a guest that is silent under KVM', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-silent-'));
    fixedAppliance(folder);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** How long the launch stays with KVM, in milliseconds; undefined for longer than `patience`. */
  async function timeWithKvm(fault: Fault, patience: number): Promise<number | undefined> {
    const hypervisor = await FaultyHypervisor.make(fault);
    const g = new Guestfs({ environment: false, path: join(folder, 'fixed'), backend: 'direct' });
    const over = new AbortController();
    try {
      await g.setHv(hypervisor.path);
      await g.addDriveScratch(MiB);
      const launch = timed(g.launch({ signal: over.signal }));
      const since = async (attempts: number) => {
        const deadline = Date.now() + patience;
        while ((await hypervisor.attempts()).length < attempts) {
          if (Date.now() > deadline) return undefined;
          await sleep(100);
        }
        return Date.now();
      };
      const began = (await since(1)) as number;
      const ended = await since(2);
      over.abort();
      expect((await launch).error).toMatchObject({ code: 'ABORT_ERR' });
      expect((await hypervisor.attempts()).slice(0, 2)).toEqual(ended ? ['kvm', 'tcg'] : ['kvm']);
      return ended && ended - began;
    } finally {
      await g.close();
      expect(descendants()).toEqual([]);
      await hypervisor.remove();
    }
  }

  testWithKvm('is given up after 15 s when its qemu sleeps', async () => {
    const ms = await timeWithKvm('sleeping', 60_000);
    expect(ms).toBeGreaterThan(15_000);
    expect(ms).toBeLessThan(30_000);
  });

  testWithKvm('is given up when its qemu has had a processor for 15 s', async () => {
    expect(await timeWithKvm('busy', 100_000)).toBeGreaterThan(15_000);
  });

  testWithKvm('gets two minutes when its qemu gets no processor', async () => {
    expect(await timeWithKvm('stopped', 150_000)).toBeGreaterThan(120_000);
  });
});

describe('a qemu that cannot work', () => {
  test('that is missing rejects at once', async () => {
    const g = new Guestfs();
    await g.setHv('/no/such/qemu');
    await g.addDriveScratch(MiB);
    const { error, ms } = await timed(g.launch({ accel: 'tcg' }));
    expect(error).toMatchObject({ name: 'GuestfsError', operation: 'launch' });
    expect(ms).toBeLessThan(5000);
    expect(descendants()).toEqual([]);
    await g.close();
  });

  test('that dies at once rejects with its last words', async () => {
    const hypervisor = await FaultyHypervisor.make('broken');
    const g = new Guestfs();
    try {
      await g.setHv(hypervisor.path);
      await g.addDriveScratch(MiB);
      await expect(g.launch({ accel: 'tcg' })).rejects.toMatchObject({
        operation: 'launch',
        message: expect.stringContaining('failed as the test wants it'),
      });
      expect(descendants()).toEqual([]);
    } finally {
      await g.close();
      await hypervisor.remove();
    }
  });
});

describe("accel: 'auto'", () => {
  let folder: string;
  let hypervisor: FaultyHypervisor;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-auto-'));
  });

  afterEach(async () => {
    await hypervisor?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const use = async (fault: Fault) => {
    hypervisor = await FaultyHypervisor.make(fault);
  };

  /** The programs of one test, and of no other, share what they remember of KVM. */
  const start = (source: string, env: NodeJS.ProcessEnv = {}) =>
    startProgram(source, {
      LIBGUESTFS_CACHEDIR: process.env.LIBGUESTFS_CACHEDIR ?? process.env.TMPDIR ?? '/var/tmp',
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: '',
      LIBGUESTFS_HV: hypervisor.path,
      XDG_CACHE_HOME: folder,
      TMPDIR: folder,
      ...env,
    });
  const verdictFile = () => join(folder, 'guestfs-node', 'kvm.json');
  const verdict = () => readFile(verdictFile(), 'utf8').catch(() => undefined);

  testWithKvm('falls back from a KVM that hangs, warns once, and remembers it', async () => {
    await use('hangs');
    const program = start(launchTwoHandles);
    const report = reportOf(await program.ended);
    expect(program.left()).toEqual([]);
    expect(report.sizes).toEqual({ '/dev/sda': `${10 * MiB}`, '/dev/sdb': `${20 * MiB}` });
    expect(report.settings).toEqual(['network_bridge=virbr0', 'force_tcg']);
    expect(report.warnings).toEqual([expect.stringMatching(/KVM.*no sign of life.*TCG/s)]);
    // The second handle of the same process knows already.
    expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg', 'tcg']);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const found = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    expect(JSON.parse((await verdict()) as string)).toEqual({ bootId, kvm: 'fails', found });

    await hypervisor.forgetAttempts();
    expect(await start(failingLaunch('{ timeout: 3000 }')).ended).toMatchObject({ code: 0, stderr: '' });
    expect(await hypervisor.attempts()).toEqual(['tcg']);

    await hypervisor.forgetAttempts();
    await writeFile(
      verdictFile(),
      JSON.stringify({ bootId: 'of another boot', kvm: 'fails', found: new Date().toISOString() }),
    );
    expect(reportOf(await start(failingLaunch('{ timeout: 3000 }')).ended).code).toBe('ERR_GUESTFS_TIMEOUT');
    expect(await hypervisor.attempts()).toEqual(['kvm']);
  });

  testWithKvm(
    'falls back from a KVM on which qemu dies at once, says so once, and remembers it',
    async () => {
      await use('dies');
      const program = start(plainLaunch);
      const outcome = await program.ended;
      expect(outcome).toMatchObject({ code: 0, stdout: '/dev/sda\n' });
      expect(program.left()).toEqual([]);
      expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg']);
      // Nobody listened for `warning`.
      expect(outcome.stderr.match(/GUESTFS_KVM_UNUSABLE/g)).toHaveLength(1);
      expect(outcome.stderr).toContain('failed as the test wants it');

      await hypervisor.forgetAttempts();
      expect(await start(failingLaunch('{ timeout: 3000 }')).ended).toMatchObject({ code: 0, stderr: '' });
      expect(await hypervisor.attempts()).toEqual(['tcg']);
    },
  );

  testWithKvm(
    'falls back with LIBGUESTFS_DEBUG too, when qemu and supermin talk on the console',
    async () => {
      await use('dies');
      const program = start(failingLaunch('{ timeout: 5000 }'), { LIBGUESTFS_DEBUG: '1' });
      const report = reportOf(await program.ended);
      expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg']);
      expect(report.code).toBe('ERR_GUESTFS_TIMEOUT');
    },
  );

  testWithKvm('does not blame KVM where emulation fails as well', async () => {
    await use('broken');
    const program = start(failingLaunch('{}'));
    const report = reportOf(await program.ended);
    expect(report).toMatchObject({ operation: 'launch', warnings: [], settings: [], config: true });
    expect(report.message).toContain('failed as the test wants it');
    expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg']);
    expect(await verdict()).toBeUndefined();
    expect(program.left()).toEqual([]);
  });

  for (const [what, options, code] of [
    ['a timeout', '{ timeout: 3000 }', 'ERR_GUESTFS_TIMEOUT'],
    ['an abort', '{ signal: AbortSignal.timeout(3000) }', 'ABORT_ERR'],
  ] as const) {
    testWithKvm(`does not blame KVM for ${what}`, async () => {
      await use('hangs');
      const program = start(failingLaunch(options));
      expect(reportOf(await program.ended)).toMatchObject({ code, warnings: [], settings: [], config: true });
      expect(await hypervisor.attempts()).toEqual(['kvm']);
      expect(await verdict()).toBeUndefined();
      expect(program.left()).toEqual([]);
    });
  }

  testWithKvm('does not doubt an accelerator on which the program insists', async () => {
    await use('dies');
    const insisting = start(failingLaunch('{}'), { LIBGUESTFS_BACKEND_SETTINGS: 'force_kvm' });
    expect(reportOf(await insisting.ended)).toMatchObject({ settings: ['force_kvm'], warnings: [] });
    expect(await hypervisor.attempts()).toEqual(['kvm']);
    expect(await verdict()).toBeUndefined();

    await hypervisor.forgetAttempts();
    const emulated = start(failingLaunch('{ timeout: 2000 }'), { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' });
    expect(reportOf(await emulated.ended)).toMatchObject({
      code: 'ERR_GUESTFS_TIMEOUT',
      settings: ['force_tcg'],
    });
    expect(await hypervisor.attempts()).toEqual(['tcg']);
  });

  testWithKvm('ignores a memory that it cannot read', async () => {
    await use('broken');
    await mkdir(dirname(verdictFile()));
    for (const damaged of ['', '{', 'null', '[]', '{"kvm":"fails"}']) {
      await hypervisor.forgetAttempts();
      await writeFile(verdictFile(), damaged);
      expect(reportOf(await start(failingLaunch('{}')).ended).operation).toBe('launch');
      expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg']);
    }
  });
});

const plainLaunch = `
const { Guestfs } = require('guestfs');
(async () => {
  const g = new Guestfs();
  await g.addDriveScratch(${MiB});
  await g.launch();
  console.log((await g.listDevices()).join());
  await g.close();
})();
`;

/** Of the second handle only the accelerator matters. */
const launchTwoHandles = `
const { Guestfs } = require('guestfs');
(async () => {
  const warnings = [];
  const g = new Guestfs({ backendSettings: ['network_bridge=virbr0'] });
  g.on('warning', (text) => warnings.push(text));
  await g.addDriveScratch(${10 * MiB});
  await g.addDriveScratch(${20 * MiB});
  await g.launch();
  const settings = await g.getBackendSettings();
  const sizes = {};
  for (const device of await g.listDevices()) sizes[device] = String(await g.blockdevGetsize64(device));
  await g.close();

  const other = new Guestfs();
  other.on('warning', (text) => warnings.push(text));
  await other.addDriveScratch(${MiB});
  await other.launch({ timeout: 2000 }).catch(() => undefined);
  await other.close();
  console.log(JSON.stringify({ warnings, settings, sizes }));
})();
`;

/** It fails, be it for a timeout: which accelerators were tried is seen at once. */
const failingLaunch = (options: string) => `
const { Guestfs } = require('guestfs');
(async () => {
  const warnings = [];
  const g = new Guestfs();
  g.on('warning', (text) => warnings.push(text));
  await g.addDriveScratch(${MiB});
  const { code, message, operation } = await g.launch(${options}).catch((error) => error);
  const settings = await g.getBackendSettings();
  const config = await g.isConfig();
  console.log(JSON.stringify({ code, message, operation, warnings, settings, config }));
  await g.close();
})();
`;

// biome-ignore lint/suspicious/noExplicitAny: each program reports what its test needs
function reportOf(outcome: Outcome): any {
  if (outcome.code !== 0)
    throw new Error(`the program failed (${outcome.code ?? outcome.signal}):\n${outcome.stderr}`);
  return JSON.parse(outcome.stdout);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('what the test waits for has not come within 10 s');
    await sleep(20);
  }
}
