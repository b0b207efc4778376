import { describe, expect, test } from '@jest/globals';
import { type Guestfs, GuestfsError, inspect } from '../../lib';
import { debianMbr, emptyDisk } from '../images';
import { timed } from '../support/appliance';
import { failureOf } from '../support/internal';
import { descendants, qemuOf } from '../support/processes';

describe('an inspection that is cut short', () => {
  /** Calls `act` as soon as the search for operating systems begins. */
  const duringInspectOs = (act: () => void) => ({
    onHandle: (g: Guestfs) => {
      g.on('enter', (name) => {
        if (/inspect_os$/.test(name)) setTimeout(act, 500);
      });
    },
  });

  test('by its signal: the appliance is killed at once', async () => {
    const controller = new AbortController();
    let aborted = 0;
    const { error } = await timed(
      inspect(await debianMbr(), {
        signal: controller.signal,
        ...duringInspectOs(() => {
          aborted = performance.now();
          controller.abort(new Error('enough'));
        }),
      }),
    );
    expect(performance.now() - aborted).toBeLessThan(3000);
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      operation: 'inspect',
      cause: expect.objectContaining({ message: 'enough' }),
    });
    expect(descendants()).toEqual([]);
  });

  test('by a crash of the appliance: what was found before is reported', async () => {
    const report = await inspect(await debianMbr(), {
      ...duringInspectOs(() => process.kill(qemuOf() as number, 'SIGKILL')),
    });
    expect(report.problems).toMatchObject([{ code: 'ERR_GUESTFS_TERMINATED', operation: 'inspectOs' }]);
    expect(report.operatingSystems).toEqual([]);
    expect(report.partitions).toMatchObject([{ device: '/dev/sda1', content: 'ext4' }]);
    expect(report.filesystems).toMatchObject([{ device: '/dev/sda1', label: 'debian', size: null }]);
    expect(descendants()).toEqual([]);
  });

  test('by a launch that takes too long', async () => {
    const error = await failureOf(inspect(await emptyDisk(), { timeout: 300 }));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT', operation: 'launch' });
    expect(descendants()).toEqual([]);
  });
});
