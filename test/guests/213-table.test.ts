// Guests as people have them, each told by the command as it was made.
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { InspectionReport } from '../../lib';
import { runCli } from '../support/cli';
import { marker } from './table/foreign';
import { debianGuest, type Guest, guests } from './table/guests';
import { type MadeGuest, makeGuest } from './table/maker';
import {
  areExpectedProblems,
  expectedFilesystems,
  expectedMounts,
  expectedSystem,
  toldSystem,
} from './table/truth';

function tests(name: string, prepare: () => Promise<Guest>): void {
  describe(name, () => {
    let guest: Guest;
    let made: MadeGuest;

    beforeAll(async () => {
      guest = await prepare();
      made = await makeGuest(guest);
    });

    /** What a command prints of the guest; `files` follow the image. */
    async function ask(command: string, options: readonly string[], files: readonly string[] = []) {
      const { key, blocksize, images } = made;
      const [image = '', ...others] = images;
      return await runCli(
        ...[
          command,
          ...options,
          '--progress',
          'none',
          '--format',
          'raw',
          ...others.flatMap((path) => ['--add', path]),
        ],
        ...(key === undefined ? [] : ['--key', `key:${key}`]),
        ...(blocksize === undefined ? [] : ['--blocksize', `${blocksize}`]),
        ...[image, ...files],
      );
    }

    test('inspect', async () => {
      const { stdout, stderr, code } = await ask('inspect', ['--json']);
      expect([code, stderr]).toEqual([expect.any(Number), '']);
      const report: InspectionReport = JSON.parse(stdout);
      expect(report.operatingSystems.map(toldSystem)).toEqual([
        expectedSystem(guest, made, report.filesystems),
      ]);
      const found = report.filesystems.map(({ device, type, label, uuid }) => [device, [type, label, uuid]]);
      expect(Object.fromEntries(found)).toMatchObject(expectedFilesystems(made, report.filesystems));
      const codes = report.problems.map((problem) => problem.code);
      expect([codes, areExpectedProblems(guest, codes)]).toEqual([codes, true]);
      expect(code).toBe(report.problems.length > 0 ? 1 : 0);
    });

    test('cat, ls', async () => {
      const paths = Object.keys(expectedMounts(guest, made, []).mountpoints);
      const markers = await ask(
        'cat',
        [],
        paths.map((path) => `${path}/${marker}`),
      );
      expect(markers).toEqual({ stdout: paths.map((path) => `${path}\n`).join(''), stderr: '', code: 0 });
      const names = Object.keys(guest.system.files).flatMap((path) => /^etc\/([^/]+)$/.exec(path)?.[1] ?? []);
      const etc = guest.system.tells.type === 'windows' ? ['Windows', marker] : names;
      const { stdout, code } = await ask('ls', [], [etc === names ? '/etc' : '/']);
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(etc));
      expect(code).toBe(0);
    });

    test('df', async () => {
      const { stdout, stderr, code } = await ask('df', ['--json']);
      expect([code, stderr]).toEqual([0, '']);
      const told: { device: string; type: string; size: number; uuid: string }[] = JSON.parse(stdout);
      const blocks = new Map(
        made.volumes.filter(({ type }) => type !== 'swap').map((each) => [each.block, each]),
      );
      expect(told.map(({ type, uuid }) => `${type} ${uuid}`).sort()).toEqual(
        [...blocks.values()].map(({ type, uuid }) => `${type} ${uuid || null}`).sort(),
      );
      for (const { size } of told) expect(size).toBeGreaterThan(2 ** 20);
    });

    test('log', async () => {
      const { logged } = guest.system;
      const { stdout, stderr, code } = await ask('log', ['-n', '2']);
      if (logged.length === 0) {
        expect([stdout, code, stderr]).toEqual(['', 1, expect.stringContaining('/var/log/')]);
        return;
      }
      const lines = stdout.trimEnd().split('\n');
      expect([code, stderr, lines.length]).toEqual([0, '', Math.min(2, logged.length)]);
      for (const [index, message] of logged.slice(-2).entries()) expect(lines[index]).toMatch(`: ${message}`);
    });
  });
}

tests('debian', debianGuest);
for (const guest of guests) tests(guest.name, async () => guest);
