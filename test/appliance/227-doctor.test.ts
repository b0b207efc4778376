import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { diagnose, type Finding } from '../../lib';
import { debianMbr, missing } from '../images';
import '../support/appliance';
import { runCli } from '../support/cli';
import { descendants, leftAfter, qemuOf } from '../support/processes';
import { schemaErrors } from '../support/schemas';
import { runNode } from '../support/script';

describe('guestfs doctor', () => {
  test('--json --progress=json: this machine launches an appliance, and the image is well', async () => {
    const path = await debianMbr();
    const { stdout, stderr, code } = await runCli(
      'doctor',
      '--json',
      '--progress=json',
      '--format=raw',
      path,
    );
    const findings = JSON.parse(stdout) as Finding[];
    expect(schemaErrors('doctor', findings)).toBeNull();
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(code).toBe(0);
    expect(findings).toContainEqual({
      ...{ code: 'LAUNCH', severity: 'ok', title: 'An appliance starts', remedy: null },
      detail: expect.stringMatching(/^In [\d.]+ s/),
    });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'IMAGE', severity: 'ok' }));
    const records = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toContainEqual(expect.objectContaining({ type: 'start', operation: 'launch' }));
  });

  test('a launch that fails leads to the finding that explains it', async () => {
    const { stdout, code } = await runNode(
      ['dist/cli/main.js', 'doctor', '--progress=none', await missing()],
      {
        env: { LIBGUESTFS_HV: '/nowhere/qemu', LIBGUESTFS_BACKEND: 'direct' },
      },
    );
    expect(code).toBe(1);
    expect(stdout).toContain('✗ There is no hypervisor (ERR_GUESTFS_NO_HYPERVISOR)\n');
    expect(stdout).toContain('✗ The image cannot be opened (ERR_GUESTFS_IMAGE_UNREADABLE)\n');
    const [, remedy] =
      /✗ An appliance does not start \(ERR_GUESTFS_NO_HYPERVISOR\)\n.*\n {4}\$ (.*)\n/.exec(stdout) ?? [];
    expect(remedy).toBe('unset LIBGUESTFS_HV');
    expect(stdout.split(`$ ${remedy}\n`)).toHaveLength(3);
  });
});

describe('diagnose()', () => {
  test('the launch has a deadline', async () => {
    const findings = await diagnose({ timeout: 1 });
    expect(findings.at(-1)).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT', severity: 'error' });
  });

  test('aborted during the launch: nothing is left', async () => {
    const abort = new AbortController();
    const onHandle = async () => {
      while (qemuOf() === undefined) await sleep(1);
      abort.abort();
    };
    await expect(diagnose({ signal: abort.signal, onHandle })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(await leftAfter(5000, descendants)).toEqual([]);
  });
});
