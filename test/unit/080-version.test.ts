import { expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';

test('the version of libguestfs', async () => {
  await using g = new Guestfs();
  const version = await g.version();
  expect(version).toEqual({
    major: 1n,
    minor: expect.any(BigInt),
    release: expect.any(BigInt),
    extra: expect.any(String),
  });
  expect(version.minor).toBeGreaterThanOrEqual(40n);
});

test('is known without a launch, each time anew', async () => {
  await using g = new Guestfs();
  const [first, second] = await Promise.all([g.version(), g.version()]);
  expect(first).toEqual(second);
  expect(first).not.toBe(second);
});
