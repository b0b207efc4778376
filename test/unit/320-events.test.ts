import { describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { collectGarbage } from '../support/garbage';
import { closeGate } from '../support/gate';
import { resultOf, runScript } from '../support/script';

describe('events of a call', () => {
  test('enter: the name of each function', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    g.on('enter', (name) => names.push(name));
    await g.setMemsize(1024);
    await g.getMemsize();
    expect(names).toEqual(['set_memsize', 'get_memsize']);
  });

  test('trace: each call and its result', async () => {
    await using g = new Guestfs();
    const lines: string[] = [];
    g.on('trace', (line) => lines.push(line));
    await g.setTrace(true);
    lines.length = 0;
    await g.setMemsize(1024);
    await g.getMemsize();
    await g.setTrace(false);
    expect(lines.slice(0, 4)).toEqual([
      'set_memsize 1024',
      'set_memsize = 0',
      'get_memsize',
      'get_memsize = 1024',
    ]);
  });

  test('library: debug messages', async () => {
    const g = new Guestfs();
    const lines: string[] = [];
    g.on('library', (line) => lines.push(line));
    await g.setVerbose(true);
    await g.close();
    expect(lines.some((line) => /clos/i.test(line))).toBe(true);
  });

  test('arrive in order and before the call settles', async () => {
    await using g = new Guestfs();
    const heard: string[] = [];
    g.on('enter', (name) => heard.push(name));
    await Promise.all([
      g.getMemsize().then(() => heard.push('memsize')),
      g.addDrive('/nonexistent').catch(() => heard.push('failed')),
      g.getSmp().then(() => heard.push('smp')),
    ]);
    const inOrder = (...names: string[]) =>
      expect(heard.filter((name) => names.includes(name))).toEqual(names);
    inOrder('get_memsize', 'add_drive', 'get_smp');
    inOrder('memsize', 'failed', 'smp');
    inOrder('get_memsize', 'memsize');
    inOrder('add_drive', 'failed');
    inOrder('get_smp', 'smp');
  });

  test('of ten thousand calls are all there', async () => {
    await using g = new Guestfs();
    let count = 0;
    g.on('enter', () => count++);
    await Promise.all(Array.from({ length: 10_000 }, () => g.getSmp()));
    expect(count).toBe(10_000);
  });
});

describe('a listener', () => {
  test('hears all calls that run after it was added, also those queued before', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const call = g.getSmp();
    const names: string[] = [];
    g.on('enter', (name) => names.push(name));
    await gate.open();
    await call;
    expect(names.at(-1)).toBe('get_smp');
  });

  test('hears nothing after it was removed', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    const listener = (name: string) => names.push(name);
    g.on('enter', listener);
    await g.getSmp();
    g.off('enter', listener);
    await g.getMemsize();
    expect(names).toEqual(['get_smp']);
  });

  test('hears nothing of what was on its way when it was removed', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    const listener = (name: string) => {
      names.push(name);
      g.off('enter', listener);
    };
    g.on('enter', listener);
    await Promise.all([g.getSmp(), g.getMemsize(), g.getSmp()]);
    expect(names).toEqual(['get_smp']);
  });

  test('hears again after it was added again', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    const listener = (name: string) => names.push(name);
    await g.on('enter', listener).getSmp();
    await g.off('enter', listener).getSmp();
    await g.on('enter', listener).getMemsize();
    expect(names).toEqual(['get_smp', 'get_memsize']);
  });

  test('of two that remains still hears', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    const other = () => undefined;
    g.on('enter', other).on('enter', (name) => names.push(name));
    g.off('enter', other);
    await g.getSmp();
    expect(names).toEqual(['get_smp']);
  });

  test('added with once() hears one event', async () => {
    await using g = new Guestfs();
    const names: string[] = [];
    g.once('enter', (name) => names.push(name));
    await g.getSmp();
    await g.getMemsize();
    expect(names).toEqual(['get_smp']);
  });

  test('added after removeAllListeners() hears', async () => {
    await using g = new Guestfs();
    g.on('enter', () => undefined);
    g.removeAllListeners();
    const names: string[] = [];
    g.on('enter', (name) => names.push(name));
    await g.getSmp();
    expect(names).toEqual(['get_smp']);
  });

  test('may make calls, and close the handle', async () => {
    const g = new Guestfs();
    const inner = new Promise<number>((resolve, reject) => {
      g.once('enter', () =>
        g
          .getMemsize()
          .then(resolve, reject)
          .then(() => g.close()),
      );
    });
    await g.getSmp();
    expect(await inner).toBeGreaterThan(0);
    await g.close();
  });

  test('may collect garbage', async () => {
    await using g = new Guestfs();
    g.on('enter', () => collectGarbage());
    expect(await g.getSmp()).toBeGreaterThan(0);
  });
});

describe('a listener that throws', () => {
  test('surfaces as an uncaught exception, and the rest is delivered', async () => {
    const heard = await resultOf<string[]>(`
      const heard = [];
      process.on('uncaughtException', (error) => heard.push('uncaught ' + error.message));
      const g = new Guestfs();
      g.on('enter', (name) => { heard.push(name); if (name === 'get_smp') throw new Error('mine'); });
      await Promise.all([g.getSmp(), g.getMemsize()]);
      await g.getPgroup();
      await g.close();
      console.log(JSON.stringify(heard));
    `);
    expect(heard.filter((text) => text.startsWith('uncaught'))).toEqual(['uncaught mine']);
    expect(heard.filter((text) => !text.startsWith('uncaught'))).toEqual([
      'get_smp',
      'get_memsize',
      'get_pgroup',
    ]);
  });

  test('ends a program that does not catch it', async () => {
    const { code, stderr } = await runScript(`
      const g = new Guestfs();
      g.on('enter', () => { throw new Error('mine'); });
      await g.getSmp();
    `);
    expect(code).toBe(1);
    expect(stderr).toContain('Error: mine');
  });

  test('does not harm the other handles', async () => {
    const majors = await resultOf<string[]>(`
      process.on('uncaughtException', () => undefined);
      const handles = [new Guestfs(), new Guestfs()];
      handles[0].on('enter', () => { throw new Error('mine'); });
      const versions = await Promise.all(handles.map((g) => g.version()));
      console.log(JSON.stringify(versions.map(({ major }) => String(major))));
    `);
    expect(majors).toEqual(['1', '1']);
  });
});

describe('what nobody listens to', () => {
  const traced = (prepare: string) =>
    runScript(`const g = new Guestfs(); ${prepare} await g.getSmp(); await g.close();`, {
      env: { LIBGUESTFS_TRACE: '1' },
    });

  test('is printed when the environment asks for it', async () => {
    const { stdout, stderr } = await traced('');
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^libguestfs: trace: get_smp\nlibguestfs: trace: get_smp = \d+\nlibguestfs: trace: close\n$/m,
    );
  });

  test('is printed with the handle’s identifier', async () => {
    const { stderr } = await traced(`await g.setIdentifier('job');`);
    expect(stderr).toMatch(/^libguestfs: trace: job: get_smp$/m);
  });

  test('is printed by a program that asks for it', async () => {
    const { stderr } = await runScript(`
      const g = new Guestfs();
      await g.setVerbose(true);
      await g.close();
    `);
    expect(stderr).toMatch(/^libguestfs: clos/m);
  });

  test('is not printed twice: a listener has it', async () => {
    const { stdout, stderr } = await traced(`g.on('trace', (line) => console.log(line));`);
    expect(stderr).not.toContain('get_smp');
    expect(stdout).toContain('get_smp\n');
  });

  test('is printed again when the listener has gone', async () => {
    const { stderr } = await traced(`
      const listener = () => undefined;
      g.on('trace', listener);
      await g.getPgroup();
      g.off('trace', listener);
    `);
    expect(stderr).toContain('libguestfs: trace: get_smp\n');
    expect(stderr).not.toContain('get_pgroup');
  });

  test('cannot play with the terminal', async () => {
    const { stderr } = await traced(`await g.setProgram('\\x1b[31m\\n');`);
    expect(stderr).toContain('\\x1b[31m');
    expect(stderr).not.toContain('\u001b');
  });

  test('is not printed when nobody asked', async () => {
    const { stdout, stderr } = await runScript(`
      const g = new Guestfs();
      await g.addDrive('/nonexistent').catch(() => undefined);
      await g.close();
    `);
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  });
});
