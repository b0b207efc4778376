import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { MiB } from '../support/appliance';
import { runProgram, startProgram } from '../support/processes';

describe('messages of a handle with an appliance', () => {
  let g: Guestfs;
  const seen: string[] = [];
  let console = '';

  beforeAll(async () => {
    g = new Guestfs();
    g.on('appliance', (text) => {
      console += text;
      if (seen.at(-1) !== 'appliance') seen.push('appliance');
    });
    g.on('launchDone', () => seen.push('launchDone'));
    await g.addDriveScratch(10 * MiB);
    // A boot has a console that has much to say.
    await g.launch({ template: 'never' }).then(() => seen.push('launched'));
  });

  afterAll(async () => {
    await g?.close();
  });

  test('appliance: the console, without verbose mode', async () => {
    expect(await g.getVerbose()).toBe(false);
    expect(console).toMatch(/supermin|Linux version/);
    expect(console).toContain('guestfsd');
  });

  test('launchDone: once, after the console and before launch() settles', () => {
    expect(seen.filter((entry) => entry === 'launchDone')).toHaveLength(1);
    expect(seen.indexOf('launchDone')).toBeGreaterThan(seen.indexOf('appliance'));
    expect(seen.indexOf('launched')).toBeGreaterThan(seen.indexOf('launchDone'));
  });

  test('trace and enter: of calls into the appliance, while they are wanted', async () => {
    const traces: string[] = [];
    const entered: string[] = [];
    const trace = (text: string) => traces.push(text);
    const enter = (name: string) => entered.push(name);
    g.on('trace', trace).on('enter', enter);
    await g.setTrace(true);
    await g.listDevices();
    await g.cat('/no-such-file').catch(() => undefined);
    await g.setTrace(false);
    g.off('enter', enter);
    await g.listDevices();
    g.off('trace', trace);

    expect(traces.filter((text) => text.startsWith('list_devices'))).toEqual([
      'list_devices',
      'list_devices = ["/dev/sda"]',
    ]);
    expect(traces.filter((text) => /^cat\b/.test(text))).toEqual([
      'cat "/no-such-file"',
      expect.stringMatching(/^cat = NULL \(error\)/),
    ]);
    expect(entered.filter((name) => name === 'list_devices')).toHaveLength(1);
    expect(entered).toContain('cat');
  });
});

test('warning: what libguestfs finds strange about a launch', async () => {
  // With a debugger's port open libguestfs warns and qemu waits for the debugger.
  const g = new Guestfs({ backend: 'direct', backendSettings: ['force_tcg', 'gdb'] });
  const warnings: string[] = [];
  g.on('warning', (text) => warnings.push(text));
  await g.addDriveScratch(MiB);
  await expect(g.launch({ template: 'never', timeout: 1000 })).rejects.toMatchObject({ operation: 'launch' });
  await g.close();
  expect(warnings).toEqual([expect.stringContaining('debugging is enabled')]);
});

describe('standard error', () => {
  const program = `
    const { Guestfs } = require('guestfs');
    (async () => {
      const g = new Guestfs();
      await g.addDriveScratch(${MiB});
      await g.launch({ accel: 'tcg' }); // no word on KVM
      await g.cat('/no-such-file').catch((error) => console.log(error.code));
      await g.close();
    })();
  `;

  test('stays empty when nobody asked for messages, also when a call fails', async () => {
    const { code, stdout, stderr } = await runProgram(program);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });

  test('has what LIBGUESTFS_DEBUG and LIBGUESTFS_TRACE ask for, through launch and close', async () => {
    const { ended, left } = startProgram(program, { LIBGUESTFS_DEBUG: '1', LIBGUESTFS_TRACE: '1' });
    const { code, signal, stdout, stderr } = await ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).not.toContain('libguestfs');
    expect(stderr).toMatch(/^libguestfs: trace: launch$/m);
    expect(stderr).toMatch(/^libguestfs: trace: cat = NULL \(error\)$/m);
    expect(stderr).toMatch(/^libguestfs: launch: version=/m);
    expect(stderr).toMatch(/Linux version/);
    expect(stderr).toMatch(/^libguestfs: closing guestfs handle/m);
    expect(left()).toEqual([]);
  });
});
