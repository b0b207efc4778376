import { describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { launchedHandle, MiB } from '../support/appliance';
import { descendants } from '../support/processes';

describe('the close event', () => {
  test('comes once, before close() settles, and nothing follows', async () => {
    const g = new Guestfs();
    const seen: string[] = [];
    g.on('close', () => seen.push('close event'));
    g.on('trace', (text) => seen.push(`trace ${text.split(' ')[0]}`));
    await g.setTrace(true);
    const version = g.version();
    await g.close().then(() => seen.push('closed'));
    await version;
    await g.close();
    expect(seen).toContain('trace version');
    expect(seen.filter((entry) => entry === 'close event')).toHaveLength(1);
    expect(seen.slice(-2)).toEqual(['close event', 'closed']);
  });

  test('comes for a running appliance too, of which nothing is left afterwards', async () => {
    const g = await launchedHandle(10 * MiB);
    expect(descendants()).not.toEqual([]);
    const seen: string[] = [];
    g.on('close', () => seen.push('close'));
    g.on('subprocessQuit', () => seen.push('subprocessQuit'));
    const queued = g.listDevices().then((devices) => seen.push(devices.join()));
    await g.close();
    await queued;
    expect(descendants()).toEqual([]);
    expect(seen[0]).toBe('/dev/sda');
    expect(seen.filter((name) => name === 'close')).toHaveLength(1);
    await expect(g.listDevices()).rejects.toMatchObject({ code: 'ERR_GUESTFS_CLOSED', operation: 'listDevices' });
    await expect(g.listDevices()).rejects.toBeInstanceOf(GuestfsError);
  });

  test('a listener removed before close() hears nothing', async () => {
    const g = new Guestfs();
    let heard = 0;
    const listener = () => heard++;
    g.on('close', listener);
    g.off('close', listener);
    await g.close();
    expect(heard).toBe(0);
  });
});
