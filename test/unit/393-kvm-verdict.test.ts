// When a guest's silence is KVM's fault, and for how long that is remembered.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Activity, activityOf, isAppliance } from '../../lib/host/appliance-process';
import { longestSilenceMs, Silence, silenceMs, type Verdict } from '../../lib/launch/silence';
import { eventually } from '../support/eventually';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

describe('silence', () => {
  /** The verdict on a guest that is looked at four times a second, and after how many seconds it comes. */
  function judge(activityAt: (ms: number) => Activity | undefined): { verdict: Verdict; seconds: number } {
    const silence = new Silence();
    for (let ms = 0; ; ms += 250) {
      const verdict = silence.observe(1e6 + ms, activityAt(ms));
      if (verdict) return { verdict, seconds: ms / 1000 };
    }
  }

  const sleeping: Activity = { cpuMs: 300, asleep: true };
  const working = (share: number) => (ms: number) => ({ cpuMs: ms * share, asleep: false });
  const soon = silenceMs / 1000 + 0.25;

  test('of a guest that sleeps, that works, and that works on several processors is its own', () => {
    expect(judge(() => sleeping)).toEqual({ verdict: 'hangs', seconds: soon });
    expect(judge(working(1))).toEqual({ verdict: 'hangs', seconds: soon });
    expect(judge(working(3))).toEqual({ verdict: 'hangs', seconds: soon });
  });

  test('counts as long as qemu had a processor', () => {
    expect(judge(working(0.5))).toEqual({ verdict: 'hangs', seconds: 2 * silenceMs * 1e-3 + 0.25 });
    expect(judge(working(0.2)).seconds).toBeCloseTo(75, 0);
  });

  test('does not count while qemu waits for a processor or a disk, or is stopped', () => {
    const waits = { cpuMs: 300, asleep: false };
    expect(judge((ms) => (ms < 60_000 ? waits : sleeping))).toEqual({
      verdict: 'hangs',
      seconds: 60 + soon - 0.25,
    });
  });

  test('ends all the same, on the busiest machine', () => {
    const late = longestSilenceMs / 1000 + 0.25;
    expect(judge(working(0.01))).toEqual({ verdict: 'starves', seconds: late });
    expect(judge(() => ({ cpuMs: 0, asleep: false }))).toEqual({ verdict: 'starves', seconds: late });
  });

  test('counts by the clock where nothing is known of qemu, and after another one has taken its place', () => {
    expect(judge(() => undefined)).toEqual({ verdict: 'hangs', seconds: soon });
    const replaced = (ms: number) => ({ cpuMs: ms < 5000 ? ms : ms - 5000, asleep: false });
    expect(judge(replaced).verdict).toBe('hangs');
  });
});

describe('the activity of a process', () => {
  const started: ChildProcess[] = [];
  const start = (...args: string[]): number => {
    const child = spawn('/bin/sh', ['-c', ...args], { stdio: 'ignore' });
    started.push(child);
    return child.pid as number;
  };

  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  test('is none while it sleeps', async () => {
    const pid = start('exec sleep 60');
    expect(await eventually(() => activityOf(pid)?.asleep === true)).toBe(true);
    const before = activityOf(pid)?.cpuMs;
    await sleep(200);
    expect(activityOf(pid)).toEqual({ cpuMs: before, asleep: true });
  });

  test('is what processors it has had', async () => {
    const pid = start('while :; do :; done');
    expect(await eventually(() => (activityOf(pid)?.cpuMs ?? 0) >= 100)).toBe(true);
    expect(activityOf(pid)?.asleep).toBe(false);
  });

  test('is no sleep when it is stopped', async () => {
    const pid = start('exec sleep 60');
    process.kill(pid, 'SIGSTOP');
    expect(await eventually(() => activityOf(pid)?.asleep === false)).toBe(true);
  });

  test('is not known of one that has ended', () => {
    expect(activityOf(0x7fff_fff0)).toBeUndefined();
    expect(isAppliance(0x7fff_fff0)).toBe(false);
  });

  test('is that of an appliance when it was told of its socket', async () => {
    const pid = start('sleep 60; :', 'path=/run/libguestfs123456/guestfsd.sock');
    expect(await eventually(() => isAppliance(pid))).toBe(true);
  });
});

describe('the verdict', () => {
  const day = 24 * 60 * 60 * 1000;

  /** What a process of its own says, before and after the expression is evaluated. */
  const known = async (expression: string, file?: object): Promise<unknown> => {
    using folder = temporaryFolder();
    return resultOf(
      `const kvm = require(process.cwd() + '/dist/host/kvm.js');
       const { mkdirSync, writeFileSync, readdirSync, readFileSync } = require('node:fs');
       const { dirname } = require('node:path');
       const given = ${JSON.stringify(file ?? null)};
       const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
       if (given) {
         mkdirSync(dirname(kvm.verdictFile()), { recursive: true });
         writeFileSync(kvm.verdictFile(), JSON.stringify({ bootId, ...given }));
       }
       const read = () => JSON.parse(readFileSync(kvm.verdictFile(), 'utf8'));
       console.log(JSON.stringify(${expression}));`,
      { env: { XDG_CACHE_HOME: folder.path } },
    );
  };
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

  test('holds for a day in the process that has found it out', async () => {
    const answers = `[kvm.kvmIsKnownToFail(), kvm.rememberThatKvmFails(), kvm.kvmIsKnownToFail(),
      kvm.kvmIsKnownToFail(Date.now() + ${day - 60_000}), kvm.kvmIsKnownToFail(Date.now() + ${day + 60_000})]`;
    expect(await known(answers)).toEqual([false, null, true, true, false]);
  });

  test('is written with its time', async () => {
    const { kvm, bootId, found } = (await known('(kvm.rememberThatKvmFails(), read())')) as Record<
      string,
      string
    >;
    expect(kvm).toBe('fails');
    expect(bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    expect(Math.abs(Date.now() - Date.parse(found as string))).toBeLessThan(60_000);
  });

  test('leaves nothing where it cannot be kept', async () => {
    const names = `(mkdirSync(kvm.verdictFile(), { recursive: true }), kvm.rememberThatKvmFails(),
      readdirSync(dirname(kvm.verdictFile())))`;
    expect(await known(names)).toEqual(['kvm.json']);
  });

  test.each([
    ['of an hour ago', true, { kvm: 'fails', found: ago(day / 24) }],
    ['of two days ago', false, { kvm: 'fails', found: ago(2 * day) }],
    ['of tomorrow, by a clock that has been put back', false, { kvm: 'fails', found: ago(-day) }],
    ['of another boot', false, { kvm: 'fails', found: ago(0), bootId: 'another' }],
    ['without its time', false, { kvm: 'fails' }],
    ['with a time that is none', false, { kvm: 'fails', found: 'now' }],
    ['with another word', false, { kvm: 'works', found: ago(0) }],
  ])('%s is believed: %p', async (_, believed, file) => {
    expect(await known('kvm.kvmIsKnownToFail()', file)).toBe(believed);
  });
});
