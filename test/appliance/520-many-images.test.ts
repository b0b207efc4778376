import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Guestfs,
  type InspectAllProgress,
  type InspectionResult,
  inspectAll,
  type LaunchPhase,
  type ProgressEvent,
  type WarmResult,
} from '../../lib';
import { debianMbr, emptyDisk, missing } from '../images';
import { expectWellFormed, sleep, timed } from '../support/appliance';
import { descendants, leftAfter, qemuOf } from '../support/processes';
import { runNode } from '../support/script';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-520-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What libguestfs and supermin keep in a cache. */
const cache = (cachedir: string) => join(cachedir, `.guestfs-${process.geteuid?.()}`);

/** The qemus that run appliances, and no scripts that are about to start one. */
const qemus = () => descendants().filter((line) => /^\d+ \S*qemu\S* .*guestfsd\.sock/.test(line));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

describe('warm', () => {
  test('builds the appliance once, however many ask for it at once', async () => {
    const command = runNode(['dist/cli/main.js', 'warm', '--json'], {
      env: { LIBGUESTFS_CACHEDIR: folder },
      timeout: 240_000,
    });
    const own = await Guestfs.warm({ cachedir: folder });
    const { code, stdout, stderr } = await command;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const others = JSON.parse(stdout) as WarmResult;
    expect([own.cachedir, others.cachedir]).toEqual([folder, folder]);
    expect(own.built || others.built).toBe(true);
    expect((await readdir(join(cache(folder), 'appliance.d'))).sort()).toEqual(['initrd', 'kernel', 'root']);

    const again = await Guestfs.warm({ cachedir: folder, template: 'never' });
    expect(again).toEqual({
      ...{ built: false, ms: expect.any(Number), cachedir: folder },
      template: { state: 'none', reason: 'off', why: expect.any(String) },
    });
    expect(descendants()).toEqual([]);
  });

  test('makes no template where it may not, or where there is no qemu', async () => {
    const without = await Guestfs.warm({ cachedir: folder, template: 'never' });
    expect(without.template).toEqual({ state: 'none', reason: 'off', why: expect.any(String) });
    const env = { LIBGUESTFS_CACHEDIR: folder, LIBGUESTFS_HV: '/nonexistent/qemu' };
    const warm = (...more: string[]) => runNode(['dist/cli/main.js', 'warm', '--json', ...more], { env });
    const { code, stdout } = await warm('--template', 'auto');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).template).toEqual({
      state: 'none',
      reason: 'hypervisor',
      why: expect.any(String),
    });
    expect(await warm('--template', 'only')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringMatching(/^guestfs: .*template.*\/nonexistent\/qemu/),
    });
  });

  test('leaves nothing behind when it is aborted', async () => {
    const cachedir = await mkdtemp(join(folder, 'aborted-'));
    const controller = new AbortController();
    const warm = timed(Guestfs.warm({ cachedir, signal: controller.signal }));
    await until(() =>
      readdir(cache(cachedir)).then(
        (names) => names.some((name) => name.startsWith('appliance.d.')),
        () => false,
      ),
    );
    controller.abort();
    expect((await warm).error).toMatchObject({ name: 'AbortError', operation: 'warm' });
    expect(await readdir(cache(cachedir))).toEqual(['lock']);
    expect(await leftAfter(5000, descendants)).toEqual([]);
  });

  test('says why it cannot be built', async () => {
    await expect(Guestfs.warm({ path: folder })).rejects.toMatchObject({
      name: 'GuestfsError',
      operation: 'warm',
      message: expect.stringContaining(folder),
    });
  });
});

describe('inspectAll', () => {
  const results: InspectionResult<string>[] = [];
  const progress: InspectAllProgress<string>[] = [];
  let images: string[];
  let mostAtOnce = 0;
  let builtAt: bigint;

  const builtWhen = async () => (await stat(join(cache(folder), 'appliance.d'), { bigint: true })).ino;
  const eventsOf = (index: number) =>
    progress.flatMap((each) => (each.index === index && each.event ? [each.event] : []));
  const phasesOf = (index: number) => eventsOf(index).filter(({ operation }) => operation === 'launch');

  beforeAll(async () => {
    images = [await debianMbr(), await missing(), await emptyDisk()];
    builtAt = await builtWhen();
    const watch = setInterval(() => {
      mostAtOnce = Math.max(mostAtOnce, qemus().length);
    }, 250);
    const options = {
      concurrency: 2,
      applications: false,
      handleOptions: { cachedir: folder },
      onProgress: (event: InspectAllProgress<string>) => progress.push(event),
    };
    for await (const result of inspectAll(images, options)) results.push(result);
    clearInterval(watch);
  });

  test('gives a report of each image, and of the one that is missing an error, at once', () => {
    expect(results.map(({ image, index }) => image === images[index])).toEqual([true, true, true]);
    expect(results[0]).toMatchObject({ index: 1, error: { code: 'ENOENT' } });
    const [debian, , empty] = [0, 1, 2].map((index) => results.find((each) => each.index === index)?.report);
    expect(debian?.operatingSystems).toMatchObject([{ distro: 'debian', hostname: 'guestfs-test' }]);
    expect(debian?.problems).toEqual([]);
    expect(empty).toMatchObject({
      images: [{ path: images[2], device: '/dev/sda' }],
      problems: [{ code: 'ERR_GUESTFS_NOT_RECOGNISED', device: '/dev/sda' }],
    });
  });

  test('runs the appliances side by side, and leaves none', () => {
    expect(mostAtOnce).toBe(2);
    expect(descendants()).toEqual([]);
  });

  test('uses the appliance that warm() has built', async () => {
    expect(await builtWhen()).toBe(builtAt);
  });

  test('tells of each image and of the whole', () => {
    const ends = progress.filter(({ type }) => type === 'end');
    expect(ends.map(({ done, failed, total }) => [done, failed, total])).toEqual([
      [1, 1, 3],
      [2, 1, 3],
      [3, 1, 3],
    ]);
    expect(ends.at(-1)?.running).toBe(0);
    expect(Math.max(...progress.map(({ running }) => running))).toBe(2);
    for (const index of [0, 1, 2]) {
      const types = progress.filter((each) => each.index === index).map(({ type }) => type);
      expect([types[0], types.at(-1)]).toEqual(['start', 'end']);
    }
  });

  test('tells the phases of a launch and their times', () => {
    const order: LaunchPhase[] = [
      ...(['appliance', 'restore', 'boot', 'kernel', 'init', 'devices', 'volumes'] as const),
      ...(['daemon', 'ready'] as const),
    ];
    for (const index of [0, 2]) {
      // A KVM that fails makes it begin anew.
      const launch = phasesOf(index);
      const attempt = launch.slice(launch.map(({ phase }) => phase).lastIndexOf('appliance'));
      expectWellFormed(attempt, 'launch');
      const phases = attempt.map(({ phase }) => order.indexOf(phase as LaunchPhase));
      expect(phases).toEqual([...phases].sort((a, b) => a - b));
      const way = phases.includes(order.indexOf('restore'))
        ? (['restore'] as const)
        : (['boot', 'kernel'] as const);
      expect(attempt.map(({ phase }) => phase)).toEqual(
        expect.arrayContaining(['appliance', ...way, 'ready']),
      );
      const times = launch.map(({ elapsed }) => elapsed as number);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(attempt.at(-1)).toMatchObject({ phase: 'ready', position: 12n, total: 12n });
    }
    expect(eventsOf(1)).toEqual([] as ProgressEvent[]);
  });
});

describe('an inspectAll that is cut short', () => {
  let closed: boolean;

  /** The first is missing, the others are without end. */
  async function* endless() {
    closed = false;
    try {
      yield await missing();
      for (;;) yield await emptyDisk();
    } finally {
      closed = true;
    }
  }

  test('by leaving the loop: the appliance is gone, and the source closed', async () => {
    let qemu = 0;
    let left = 0;
    for await (const { error } of inspectAll(endless(), { concurrency: 1 })) {
      expect(error).toMatchObject({ code: 'ENOENT' });
      await until(() => qemuOf() !== undefined);
      qemu = qemuOf() as number;
      left = performance.now();
      break;
    }
    expect(performance.now() - left).toBeLessThan(5000);
    expect(existsSync(`/proc/${qemu}`)).toBe(false);
    expect(closed).toBe(true);
    expect(await leftAfter(5000, descendants)).toEqual([]);
  });

  test('by its signal: likewise, and the loop throws', async () => {
    const controller = new AbortController();
    const results = inspectAll(endless(), { concurrency: 2, signal: controller.signal });
    expect((await results.next()).value?.error).toMatchObject({ code: 'ENOENT' });
    const next = timed(results.next());
    await until(() => qemus().length === 2);
    const aborted = performance.now();
    controller.abort('enough');
    expect((await next).error).toMatchObject({
      name: 'AbortError',
      operation: 'inspectAll',
      cause: 'enough',
    });
    expect(performance.now() - aborted).toBeLessThan(5000);
    expect(closed).toBe(true);
    expect(await leftAfter(5000, descendants)).toEqual([]);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });
});
