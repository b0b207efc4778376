// A job that writes and has become another worker's: what that one has noted of it stays, for by that it is done at most once.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import type { Job } from 'bullmq';
import { defineTask } from '../src';
import { JobProcessor, type ProcessorParts } from '../src/processor';
import { TaskRegistry } from '../src/tasks';
import { imageFolder } from './support/images';

const folder = imageFolder();
afterAll(() => folder.remove());

const run = jest.fn(async () => null);
const write = defineTask({ name: 'write', writes: true, run });
const wire = { v: 1, batch: 'b', index: 0, task: 'write', options: {} };

/** A job whose lock is this worker's, or not; and what becomes of it here. */
async function processed(isOurs: boolean, hold: () => Promise<() => Promise<void>>) {
  run.mockClear();
  const updateProgress = jest.fn(async (_: object) => undefined);
  const job = {
    data: { ...wire, guests: [[{ path: folder.file('a.img') }]] },
    ...{ id: 'b-0', progress: 0, attemptsStarted: 1, updateProgress, extendLock: async () => Number(isOurs) },
  } as unknown as Job;
  const processor = new JobProcessor({
    ...{ worker: 'w', tasks: new TaskRegistry([write]), allowed: { roots: [folder.path], servers: [] } },
    ...{ keys: [], handleOptions: undefined, lockMs: 1000, progressMs: 1000, inlineBytes: 1000 },
    ...{ isCancelled: async () => false, observe: () => undefined, locks: () => ({ hold }) },
  } as unknown as ProcessorParts);
  const outcome = await processor.process(job, 'token', new AbortController().signal).catch((error) => error);
  return { outcome, told: updateProgress.mock.calls.map(([news]) => news) };
}

describe('a job that writes', () => {
  const released = jest.fn(async () => undefined);
  const hold = async () => released;
  const away = async () => {
    throw Object.assign(new Error('the server is away'), { code: 'ERR_GUESTFS_FLEET_SERVER' });
  };

  test('is noted as begun, and done', async () => {
    const { outcome, told } = await processed(true, hold);
    expect(outcome).toMatchObject({ result: null });
    expect(told).toEqual([{ v: 1, kind: 'begun' }]);
    expect([run.mock.calls.length, released.mock.calls.length]).toEqual([1, 1]);
  });

  test('is neither done nor told of when another worker has it', async () => {
    const { outcome, told } = await processed(false, hold);
    expect(outcome).toBeInstanceOf(Error);
    expect(told).toEqual([]);
    expect(run).not.toHaveBeenCalled();
  });

  test.each([
    [true, [expect.objectContaining({ kind: 'failed', begun: false })]],
    [false, []],
  ])('that failed before it began is told of by whom it belongs to: %s', async (isOurs, expected) => {
    const { outcome, told } = await processed(isOurs, away);
    expect(outcome.message).toContain('the server is away');
    expect(told).toEqual(expected);
  });
});
