// Node's permission model: what it forbids is told as that, and never as what is not there.
import { afterEach, describe, expect, test } from '@jest/globals';
import { hostError } from '../../lib/bulk/host-error';
import { checkPermissions } from '../../lib/doctor/permissions';
import { isForbidden, missingFlags } from '../../lib/host/permissions';

const usual = Object.getOwnPropertyDescriptor(process, 'permission');

/** As `process.permission` of a Node.js that allows these scopes, each with what of the files it says it allows. */
function restrict(allowed: Readonly<Record<string, readonly (string | undefined)[]>>): void {
  const has = (scope: string, reference?: string) => allowed[scope]?.includes(reference) ?? false;
  Object.defineProperty(process, 'permission', { value: { has }, configurable: true });
}

afterEach(() => {
  if (usual) Object.defineProperty(process, 'permission', usual);
  else Reflect.deleteProperty(process, 'permission');
});

const reading = "'--allow-fs-read=*'";
const writing = "'--allow-fs-write=*'";
const running = '--allow-child-process';
const everything = [undefined, '/'];

describe('flags that are missing', () => {
  test('are none without the permission model', () => expect(missingFlags()).toEqual([]));

  test.each([
    ['nothing', {}, [running, reading, writing]],
    ['some files, as Node.js 22 and later', { 'fs.read': ['/app'], child: [undefined] }, [reading, writing]],
    [
      'some files, as Node.js 20',
      { 'fs.read': [undefined], 'fs.write': [undefined] },
      [running, reading, writing],
    ],
    ['the root alone', { 'fs.read': everything, 'fs.write': ['/'], child: [undefined] }, [writing]],
    ['all of it', { 'fs.read': everything, 'fs.write': everything, child: [undefined] }, []],
  ])('where it allows %s', (_, allowed, flags) => {
    restrict(allowed as Record<string, (string | undefined)[]>);
    expect(missingFlags()).toEqual(flags);
  });
});

test('the doctor says that it may not look, and which flags let it', () => {
  expect(checkPermissions({ missingFlags: [] })).toEqual([]);
  expect(checkPermissions({ missingFlags: [reading] })).toMatchObject([
    { code: 'PERMISSIONS', severity: 'warning', detail: expect.stringContaining(reading), remedy: null },
  ]);
});

describe('an error of a copy', () => {
  const denied = (facts: object) =>
    Object.assign(new Error('Access to this API has been restricted.'), {
      code: 'ERR_ACCESS_DENIED',
      ...facts,
    });

  test.each([
    ['FileSystemRead', '/in here', /--allow-fs-read='\/in here' too/],
    ['FileSystemWrite', '/out', /--allow-fs-write=\/out too/],
    [undefined, undefined, /by no flag.*download\(\)/],
  ])('says what allows it: %s', (permission, resource, hint) => {
    const cause = denied({ permission, resource });
    expect(isForbidden(cause)).toBe(true);
    expect(hostError('copyOut', cause)).toMatchObject({
      code: 'ERR_ACCESS_DENIED',
      errno: 13,
      operation: 'copyOut',
      cause,
      shortMessage: expect.stringMatching(/permission model.*restricted$/),
      hint: expect.stringMatching(hint),
    });
  });
});
