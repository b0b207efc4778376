import { expect, jest, test } from '@jest/globals';
import { runNode } from '../support/script';

jest.setTimeout(300_000);

test('snippets of the documentation run', async () => {
  const { code, stdout, stderr } = await runNode(['scripts/snippets.mjs', '--run'], { timeout: 290_000 });
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  expect(stdout).toMatch(/^(\d+) of \1 snippets ran$/m);
});
