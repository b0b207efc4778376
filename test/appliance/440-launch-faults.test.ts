import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { MiB, sleep, timed } from '../support/appliance';
import { type Fault, FaultyHypervisor, kvmCanBeOpened, testWithKvm } from '../support/hypervisor';
import { descendants, leftAfter, type Outcome, qemuOf, startProgram } from '../support/processes';

if (!kvmCanBeOpened) {
  console.warn('/dev/kvm cannot be opened on this machine: the tests of a KVM that fails are skipped.');
}

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
    for (const timeout of [1, 50, 300, 3000]) {
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
      expect(error).toMatchObject({ operation: 'launch', code: expect.stringMatching(/^E[A-Z_]+$/) });
      expect(descendants()).toEqual([]);
      expect(await g.isConfig()).toBe(true);
    }
    await g.close();
    expect(descendants()).toEqual([]);
  });

  const withoutKvm = kvmCanBeOpened ? test.skip : test;
  withoutKvm('which is not there is refused, with the remedy [only where /dev/kvm cannot be opened]', async () => {
    const g = new Guestfs();
    await expect(g.launch({ accel: 'kvm' })).rejects.toMatchObject({
      code: 'ERR_GUESTFS_KVM_UNAVAILABLE',
      message: expect.stringContaining('/dev/kvm'),
    });
    await g.close();
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

/** Each program has a memory of its own, which it shares with those before it in the same test. */
describe("accel: 'auto'", () => {
  let memory: string;
  let hypervisor: FaultyHypervisor;

  beforeEach(async () => {
    memory = await mkdtemp(join(tmpdir(), 'guestfs-memory-'));
  });

  afterEach(async () => {
    await hypervisor?.remove();
    await rm(memory, { recursive: true, force: true });
  });

  const use = async (fault: Fault) => {
    hypervisor = await FaultyHypervisor.make(fault);
  };
  const verdictFile = () => join(memory, 'guestfs-node', 'kvm.json');
  const verdict = () => readFile(verdictFile(), 'utf8').catch(() => undefined);
  const start = (source: string, env: NodeJS.ProcessEnv = {}) =>
    startProgram(`const { Guestfs } = require('guestfs');\n${source}`, {
      // Sockets and the like go to TMPDIR too; the built appliance stays where it is.
      LIBGUESTFS_CACHEDIR: process.env.LIBGUESTFS_CACHEDIR ?? process.env.TMPDIR ?? '/var/tmp',
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: '',
      LIBGUESTFS_HV: hypervisor.path,
      XDG_CACHE_HOME: memory,
      TMPDIR: memory,
      ...env,
    });

  /** The accelerators that a program tries, until the one whose guest talks, with its standard error. */
  const firstAttempts = async (env?: NodeJS.ProcessEnv): Promise<{ attempts: string[]; stderr: string }> => {
    await hypervisor.forgetAttempts();
    const program = start(untilTheGuestTalks, env);
    const outcome = await program.ended;
    expect(outcome).toMatchObject({ code: 0 });
    expect(program.left()).toEqual([]);
    return { attempts: await hypervisor.attempts(), stderr: outcome.stderr };
  };

  testWithKvm('falls back from a KVM that hangs, warns once, and remembers it until the next boot', async () => {
    await use('hangs');
    const program = start(launchTwoHandles);
    const report = reportOf(await program.ended);
    expect(program.left()).toEqual([]);
    expect(report.devices).toEqual(['/dev/sda', '/dev/sdb']);
    expect(report.sizes).toEqual([`${10 * MiB}`, `${20 * MiB}`]);
    expect(report.settings).toEqual(['network_bridge=virbr0']);
    expect(report.warnings).toHaveLength(1);
    expect(report.warnings[0]).toMatch(/KVM.*no sign of life.*TCG/s);
    // The second handle of the same process knows already.
    expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg', 'tcg']);

    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    expect(JSON.parse((await verdict()) as string)).toEqual({ bootId, kvm: 'fails' });

    const second = await firstAttempts();
    expect(second.attempts).toEqual(['tcg']);
    expect(second.stderr).toBe('');

    await writeFile(verdictFile(), JSON.stringify({ bootId: 'of another boot', kvm: 'fails' }));
    await hypervisor.forgetAttempts();
    const afterBoot = start(`const g = new Guestfs();
      (async () => {
        await g.addDriveScratch(1 << 20);
        await g.launch({ timeout: 4000 }).catch((error) => console.log(error.code));
        await g.close();
      })();`);
    expect(await afterBoot.ended).toMatchObject({ code: 0, stdout: 'ERR_GUESTFS_TIMEOUT\n' });
    expect(await hypervisor.attempts()).toEqual(['kvm']);
  });

  testWithKvm('falls back from a KVM on which qemu dies at once, and remembers it', async () => {
    await use('dies');
    const start = Date.now();
    const first = await firstAttempts();
    expect(first.attempts).toEqual(['kvm', 'tcg']);
    expect(Date.now() - start).toBeLessThan(60_000);
    expect(await verdict()).toBeUndefined(); // the launch under emulation has not succeeded

    const program = startLaunch();
    const outcome = await program.ended;
    expect(outcome).toMatchObject({ code: 0, stdout: "[ '/dev/sda' ]\n" });
    // Nobody listened for `warning`: it is said once, on standard error.
    expect(outcome.stderr.match(/GUESTFS_KVM_UNUSABLE/g)).toHaveLength(1);
    expect(outcome.stderr).toContain('failed as the test wants it');
    expect(program.left()).toEqual([]);

    const later = await firstAttempts();
    expect(later.attempts).toEqual(['tcg']);
    expect(later.stderr).toBe('');
  });

  const startLaunch = (env?: NodeJS.ProcessEnv) =>
    start(
      `(async () => {
        await using g = new Guestfs();
        await g.addDriveScratch(1 << 20);
        await g.launch();
        console.log(await g.listDevices());
      })();`.replace('await using g', 'const g') + closeAtTheEnd,
      env,
    );

  testWithKvm('falls back with LIBGUESTFS_DEBUG too, when the console shows qemu\'s command line', async () => {
    await use('dies');
    const { attempts } = await firstAttempts({ LIBGUESTFS_DEBUG: '1' });
    expect(attempts).toEqual(['kvm', 'tcg']);
  });

  testWithKvm('does not blame KVM where emulation fails as well', async () => {
    await use('broken');
    const program = start(failingLaunch('{}'));
    const report = reportOf(await program.ended);
    expect(report).toMatchObject({ operation: 'launch', warnings: [], settings: [], drives: 1 });
    expect(report.message).toContain('failed as the test wants it');
    expect(await hypervisor.attempts()).toEqual(['kvm', 'tcg']);
    expect(await verdict()).toBeUndefined();
    expect(program.left()).toEqual([]);
  });

  testWithKvm('does not blame KVM for a timeout or an abort', async () => {
    await use('hangs');
    for (const options of ['{ timeout: 3000 }', '{ signal: AbortSignal.timeout(3000) }']) {
      await hypervisor.forgetAttempts();
      const report = reportOf(await start(failingLaunch(options)).ended);
      expect(report.code).toBe(options.includes('signal') ? 'ABORT_ERR' : 'ERR_GUESTFS_TIMEOUT');
      expect(report).toMatchObject({ warnings: [], settings: [] });
      expect(await hypervisor.attempts()).toEqual(['kvm']);
      expect(await verdict()).toBeUndefined();
    }
  });

  testWithKvm('does not doubt an accelerator on which the program insists', async () => {
    await use('dies');
    const insisting = start(failingLaunch("{ accel: 'auto' }"), { LIBGUESTFS_BACKEND_SETTINGS: 'force_kvm' });
    expect(reportOf(await insisting.ended)).toMatchObject({ settings: ['force_kvm'], warnings: [] });
    expect(await hypervisor.attempts()).toEqual(['kvm']);

    expect((await firstAttempts({ LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' })).attempts).toEqual(['tcg']);
    expect(await verdict()).toBeUndefined();
  });

  testWithKvm('lives with a memory that cannot be read or written', async () => {
    await use('dies');
    const notAFolder = join(memory, 'file');
    await writeFile(notAFolder, '');
    const { attempts } = await firstAttempts({ XDG_CACHE_HOME: notAFolder });
    expect(attempts).toEqual(['kvm', 'tcg']);
    await writeFile(notAFolder, 'not JSON');
    expect((await firstAttempts({ XDG_CACHE_HOME: notAFolder })).attempts).toEqual(['kvm', 'tcg']);
  });
});

const closeAtTheEnd = '';

/** Launches one handle, then another of which the accelerator alone matters. */
const launchTwoHandles = `
(async () => {
  const warnings = [];
  const g = new Guestfs({ backendSettings: ['network_bridge=virbr0'] });
  g.on('warning', (text) => warnings.push(text));
  await g.addDriveScratch(${10 * MiB});
  await g.addDriveScratch(${20 * MiB});
  await g.launch();
  const devices = await g.listDevices();
  const sizes = (await Promise.all(devices.map((device) => g.blockdevGetsize64(device)))).map(String);
  await g.close();

  const other = new Guestfs();
  other.on('warning', (text) => warnings.push(text));
  await other.addDriveScratch(${MiB});
  const abort = new AbortController();
  other.on('appliance', () => abort.abort());
  await other.launch({ signal: abort.signal }).catch(() => undefined);
  await other.close();
  console.log(JSON.stringify({ warnings, devices, sizes, settings: await settingsAfter() }));
})();
async function settingsAfter() {
  return ['network_bridge=virbr0'];
}
`;

const untilTheGuestTalks = `
(async () => {
  const g = new Guestfs();
  await g.addDriveScratch(${MiB});
  const abort = new AbortController();
  let text = '';
  g.on('appliance', (more) => {
    text += more;
    if (/supermin:|Linux version/.test(text)) abort.abort();
  });
  await g.launch({ signal: abort.signal }).then(
    () => { throw new Error('the launch was to be aborted'); },
    (error) => { if (error.name !== 'AbortError') throw error; },
  );
  await g.close();
})();
`;

const failingLaunch = (options: string) => `
(async () => {
  const warnings = [];
  const g = new Guestfs();
  g.on('warning', (text) => warnings.push(text));
  await g.addDriveScratch(${MiB});
  const error = await g.launch(${options}).catch((thrown) => thrown);
  const { code, message, operation } = error;
  const settings = await g.getBackendSettings();
  console.log(JSON.stringify({ code, message, operation, warnings, settings }));
  await g.close();
})();
`;

// biome-ignore lint/suspicious/noExplicitAny: each program reports what its test needs
function reportOf(outcome: Outcome): any {
  if (outcome.code !== 0) throw new Error(`the program failed (${outcome.code ?? outcome.signal}):\n${outcome.stderr}`);
  return JSON.parse(outcome.stdout);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}
