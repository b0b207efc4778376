// What this machine did not take of what the appliance wrote: only the console tells.
import { beforeEach, expect, test } from '@jest/globals';
import { Calls } from '../../lib/calls/calls';
import { eventBit } from '../../lib/calls/events';
import type { Failure } from '../../lib/faults/native-problem';
import { functions, MessageKind } from '../../lib/native/addon';
import { FakeNative } from '../support/fake-native';
import { failureOf } from '../support/internal';

let native: FakeNative;
let calls: Calls;

beforeEach(() => {
  native = new FakeNative();
  calls = new Calls(native, {
    event: () => undefined,
    progress: () => undefined,
    applianceDied: () => undefined,
  });
});

const console_ = (text: string) =>
  native.receive(MessageKind.event, native.calls.at(-1) ?? 0, eventBit('appliance'), text);

function succeeds(method: string): Promise<unknown> {
  const call = calls.call(method, []);
  native.answer(undefined);
  return call;
}

function fails(method: string, args: readonly unknown[], failure: Failure): Promise<Error> {
  const call = failureOf(calls.call(method, args));
  native.receive(MessageKind.failed, native.calls.at(-1) as number, failure);
  return call;
}

/** Methods that promise that data is on the disk. */
const promising = [...functions.values()].filter(({ flushes }) => flushes).map(({ name }) => name);

const full = { name: 'GuestfsError', code: 'ERR_GUESTFS_DISK_FULL', errno: 28 };

test('what promises that data is on the disk rejects from then on, until the next launch', async () => {
  await succeeds('sync');
  console_('[   20.33] critical space alloca');
  console_('tion error, dev sda, sector 8706 op 0x1:(WRITE) flags 0x4000\n');
  expect(promising).toEqual(expect.arrayContaining(['sync', 'umountAll', 'shutdown', 'killSubprocess']));
  for (const method of promising) {
    expect(await failureOf(succeeds(method))).toMatchObject({ ...full, operation: method });
  }
  await succeeds('listDevices');
  expect(await fails('launch', [], { errno: 0, message: 'refused' })).toMatchObject({ code: 'ERR_GUESTFS' });
  expect(await failureOf(succeeds('sync'))).toMatchObject(full);
  await succeeds('launch');
  await succeeds('sync');
});

test('other failures are explained by it when they are about a disk', async () => {
  console_('[   20.33] critical space allocation error, dev sda, sector 8706 op 0x1:(WRITE) flags 0x4000\n');
  const message = 'mkfs: mke2fs: Input/output error while writing out';
  expect(await fails('mkfs', ['ext2', '/dev/sda'], { errno: 0, message })).toMatchObject(full);
  const other = { errno: 2, message: 'no such file' };
  expect(await fails('cat', ['/none'], other)).toMatchObject({ code: 'ENOENT' });
});

test('reads that fail are none of that', async () => {
  console_('[   20.33] I/O error, dev sdb, sector 8706 op 0x0:(READ) flags 0x0\n');
  await succeeds('sync');
});
