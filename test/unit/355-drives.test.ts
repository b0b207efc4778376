import { describe, expect, test } from '@jest/globals';
import { Drives, keptOptions } from '../../lib/launch/drives';

/** What libguestfs keeps, and the calls that change it. */
function library() {
  const drives: unknown[] = [];
  const call = async <T>(method: string, args: readonly unknown[] = []): Promise<T> => {
    if (method !== 'debugDrives') drives.push(args[0]);
    return [...drives] as T;
  };
  return { drives, call };
}

function remembered(...names: string[]): Drives {
  const drives = new Drives();
  for (const name of names) drives.record('addDrive', [name], undefined);
  return drives;
}

describe('drives', () => {
  test('come back in their order when libguestfs has lost them', async () => {
    const { drives, call } = library();
    await remembered('a', 'b').restore(call);
    expect(drives).toEqual(['a', 'b']);
  });

  test('are not added twice', async () => {
    const { drives, call } = library();
    drives.push('a');
    await remembered('a').restore(call);
    expect(drives).toEqual(['a']);
  });

  test('that the program adds again after a crash are its own list', async () => {
    const memory = remembered('a', 'b');
    memory.lose();
    memory.record('addDrive', ['a'], undefined);
    const { drives, call } = library();
    await memory.restore(call);
    expect(drives).toEqual(['a']);
  });

  test('of which one could not be restored are complete after the next time', async () => {
    const memory = remembered('a', 'b', 'c');
    memory.lose();
    const { drives, call } = library();
    const locked = async <T>(method: string, args: readonly unknown[] = []): Promise<T> => {
      if (args[0] === 'b') throw new Error('b is locked');
      return await call<T>(method, args);
    };
    await expect(memory.restore(locked)).rejects.toThrow('b is locked');
    await memory.restore(call);
    expect(drives).toEqual(['a', 'b', 'c']);
  });

  test('that the program adds after one could not be restored follow those that were', async () => {
    const memory = remembered('a', 'b');
    memory.lose();
    const failing = library();
    const call = async <T>(method: string, args: readonly unknown[] = []): Promise<T> => {
      if (args[0] === 'b') throw new Error('b is locked');
      return await failing.call<T>(method, args);
    };
    await expect(memory.restore(call)).rejects.toThrow('b is locked');
    memory.record('addDrive', ['c'], undefined);
    const { drives, call: again } = library();
    await memory.restore(again);
    expect(drives).toEqual(['a', 'c']);
  });

  test('are added to after they were restored', async () => {
    const memory = remembered('a');
    memory.lose();
    await memory.restore(library().call);
    memory.record('addDrive', ['b'], undefined);
    const { drives, call } = library();
    await memory.restore(call);
    expect(drives).toEqual(['a', 'b']);
  });

  test('are forgotten after a shutdown, and one by one by their labels', async () => {
    const memory = remembered('a');
    memory.record('shutdown', [], undefined);
    memory.record('addDrive', ['b'], { label: 'data' } as object);
    memory.record('addDrive', ['c'], undefined);
    memory.record('removeDrive', ['data'], undefined);
    const { drives, call } = library();
    await memory.restore(call);
    expect(drives).toEqual(['c']);
  });

  test('are remembered with the options they were added with', () => {
    const server = ['a', 'b'];
    const options = { protocol: 'rbd', server };
    const kept = keptOptions('addDrive', options as object);
    options.protocol = 'nbd';
    server[1] = 'c';
    expect(kept).toEqual({ protocol: 'rbd', server: ['a', 'b'] });
    expect(keptOptions('mkfs', options as object)).toBe(options);
  });
});
