// Two images, each in an appliance of its own.
import { describe, expect, jest, test } from '@jest/globals';
import { type Difference, diff, type Guestfs } from '../../lib';
import { debianMbr, qcow2Overlay } from '../images';
import { failureOf } from '../support/internal';

jest.setTimeout(600_000);

describe('diff', () => {
  test('mounts what the inspection finds, and tells what has changed', async () => {
    const differences: Difference[] = [];
    const handles: Guestfs[] = [];
    const before = { path: await debianMbr(), format: 'raw' };
    const options = { content: true, onHandle: (g: Guestfs) => void handles.push(g) };
    for await (const each of diff(before, await qcow2Overlay(), options)) differences.push(each);
    expect(differences.map(({ path, change }) => [path, change])).toEqual([['/etc/hostname', 'changed']]);
    expect(differences[0]).toMatchObject({ changes: { size: { after: BigInt('overlay\n'.length) } } });
    expect(handles).toHaveLength(2);
    for (const g of handles) {
      expect(await failureOf(g.listDevices())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
    }
  });
});
