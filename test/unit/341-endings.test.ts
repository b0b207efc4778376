// How a call ends, whatever has interfered with it and whatever came of it.
import { describe, expect, test } from '@jest/globals';
import { ApplianceConsole } from '../../lib/calls/console';
import {
  type EndingCall,
  errorOf,
  type Fate,
  type Outcome,
  precedence,
  raised,
  toldError,
} from '../../lib/calls/ending';
import { ownBackingFile } from '../../lib/faults/faults';
import { enough } from '../../lib/options/abort-signals';

const reason = new Error('the reason');
const fault = ownBackingFile('/loop.qcow2');

const fates = {
  own: { kind: 'own' },
  cancelled: { kind: 'cancelled' },
  killed: { kind: 'killed' },
  died: { kind: 'died' },
  fault: { kind: 'fault', fault },
  aborted: { kind: 'aborted', reason },
} as const satisfies { [kind in Fate['kind']]: Fate };

const outcomes = {
  value: { kind: 'value', value: 42 },
  failed: { kind: 'failed', failure: { errno: 2, message: 'no such file' } },
  unrepresentable: {
    kind: 'unrepresentable',
    problem: { reason: 'length', type: 'string', length: 2 ** 30 },
  },
  broken: {
    kind: 'broken',
    fault: { code: 'ERR_GUESTFS_DISK_FULL', errno: 'ENOSPC', problem: 'it is full', advice: 'Make space' },
  },
  none: { kind: 'none' },
} as const satisfies { [kind in Outcome['kind']]: Outcome };

const console_ = new ApplianceConsole(() => 'last words\n');

function call(fate: Fate, more: Partial<EndingCall> = {}): EndingCall {
  const ofCall = { id: 1, operation: 'upload', laterOptions: [], fn: undefined, image: undefined };
  return { ...ofCall, said: '', thrown: undefined, fate, ...more };
}

/** What a program sees: the code, or nothing when the value counts. */
const codeOf = (fate: Fate, outcome: Outcome) =>
  (errorOf(call(fate), outcome, console_) as { code?: string } | undefined)?.code;

describe('of two things that happen to a call', () => {
  // The rows have happened, the columns come afterwards.
  const table: { readonly [kind in Fate['kind']]: readonly string[] } = {
    //          own          cancelled      killed         died         fault    aborted
    own: ['own', 'cancelled', 'killed', 'died', 'fault', 'aborted'],
    cancelled: ['cancelled', 'cancelled', 'torn killed', 'torn died', 'fault', 'aborted'],
    killed: ['killed', 'torn killed', 'killed', 'killed', 'fault', 'aborted'],
    died: ['died', 'torn died', 'died', 'died', 'fault', 'aborted'],
    fault: ['fault', 'fault', 'fault', 'fault', 'fault', 'aborted'],
    aborted: ['aborted', 'aborted', 'aborted', 'aborted', 'aborted', 'aborted'],
  };
  const kinds = Object.keys(precedence) as Fate['kind'][];
  const pairs = kinds.flatMap((first) =>
    kinds.map((then, i) => [first, then, table[first][i] as string] as const),
  );

  test.each(pairs)('%s, then %s: %s', (first, then, expected) => {
    const fate = raised(fates[first], fates[then]);
    expect('torn' in fate && fate.torn ? `torn ${fate.kind}` : fate.kind).toBe(expected);
  });

  test('a third one counts likewise, and what was torn stays so', () => {
    const torn = raised(raised(fates.cancelled, fates.killed), fates.died);
    expect(torn).toEqual({ kind: 'killed', torn: true });
    expect(raised(torn, fates.cancelled)).toEqual(torn);
    expect(raised(raised(fates.killed, fates.cancelled), fates.aborted)).toEqual(fates.aborted);
    expect(raised(raised(fates.died, fates.fault), fates.killed)).toEqual(fates.fault);
  });

  test('the first abort says why', () => {
    expect(raised(fates.aborted, { kind: 'aborted', reason: 'another' })).toBe(fates.aborted);
  });
});

describe('what a call ends with', () => {
  const terminated = 'ERR_GUESTFS_TERMINATED';
  const tooLong = 'ERR_STRING_TOO_LONG';
  const full = 'ERR_GUESTFS_DISK_FULL';
  const abort = 'ABORT_ERR';
  const loop = fault.code;
  const torn = (kind: 'killed' | 'died') => ({ kind, torn: true }) as const;

  test.each<[string, Fate, readonly (string | undefined)[]]>([
    // of:                            value       failed      unrepresentable broken  none
    ['own', fates.own, [undefined, 'ENOENT', tooLong, full]],
    ['cancelled', fates.cancelled, ['EINTR', 'ENOENT', tooLong, 'EINTR']],
    ['killed', fates.killed, [undefined, terminated, tooLong, full, terminated]],
    ['killed and cancelled', torn('killed'), [terminated, terminated, tooLong, terminated, terminated]],
    ['died', fates.died, [undefined, terminated, tooLong, full, terminated]],
    ['died and cancelled', torn('died'), [terminated, terminated, tooLong, terminated, terminated]],
    ['fault', fates.fault, [loop, loop, loop, loop, loop]],
    ['aborted', fates.aborted, [abort, abort, abort, abort, abort]],
  ])('%s', (_, fate, codes) => {
    expect(codes.map((_, i) => codeOf(fate, Object.values(outcomes)[i] as Outcome))).toEqual(codes);
  });

  test('an abort tells its reason', () => {
    expect(errorOf(call(fates.aborted), outcomes.none, console_)).toMatchObject({ cause: reason });
  });

  test('kill and death are told apart, with the console and what libguestfs said', () => {
    const cause = { code: 'ENOENT', message: 'no such file' };
    const killed = errorOf(call(fates.killed), outcomes.failed, console_);
    expect(killed).toMatchObject({ message: expect.stringMatching(/terminated[\s\S]*last words/), cause });
    const died = errorOf(call(fates.died), outcomes.failed, console_);
    expect(died).toMatchObject({ message: expect.stringMatching(/has died[\s\S]*last words/), cause });
    expect(errorOf(call(fates.killed), outcomes.none, console_)).not.toHaveProperty('cause');
    expect(errorOf(call(torn('killed')), outcomes.value, console_)).toMatchObject({
      cause: { code: 'EINTR', message: 'the transfer was cancelled' },
    });
  });

  test('a failure of its own tells what the program has thrown, and what the program on the host said', () => {
    const failed = (more: Partial<EndingCall>) =>
      errorOf(call(fates.own, more), outcomes.failed, console_) as Error;
    expect(failed({ thrown: reason })).toMatchObject({ code: 'ENOENT', cause: reason });
    expect(failed({ said: 'qemu-img: no\n' }).message).toBe('no such file');
    expect(failed({ said: 'qemu-img: no\n', fn: { program: 'qemu-img' } }).message).toContain('qemu-img: no');
  });

  test('a failure about a disk tells what the console said of a write that was refused', () => {
    const refusing = new ApplianceConsole(() => '');
    refusing.append(
      '[   20.33] critical space allocation error, dev sda, sector 8706 op 0x1:(WRITE)\n',
      undefined,
    );
    const failure = { errno: 5, message: 'lost' };
    expect(errorOf(call(fates.own), { kind: 'failed', failure }, refusing)).toMatchObject({ code: full });
    expect(errorOf(call(fates.own), outcomes.failed, refusing)).toMatchObject({ code: 'ENOENT' });
    refusing.startAnew();
    expect(errorOf(call(fates.own), { kind: 'failed', failure }, refusing)).toMatchObject({ code: 'EIO' });
  });
});

describe('observers are told', () => {
  test('what the caller is told', () => {
    for (const fate of Object.values(fates)) {
      for (const outcome of Object.values(outcomes)) {
        const told = toldError(call(fate), outcome, console_);
        expect(told).toEqual(errorOf(call(fate), outcome, console_));
      }
    }
  });

  test('of no failure where the caller had enough', () => {
    const fate = { kind: 'aborted', reason: enough } as const;
    expect(toldError(call(fate), outcomes.failed, console_)).toBeUndefined();
    expect(errorOf(call(fate), outcomes.failed, console_)).toMatchObject({ code: 'ABORT_ERR' });
  });
});
