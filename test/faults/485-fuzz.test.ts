import { expect, test } from '@jest/globals';
import { runNode } from '../support/script';

// As 315-fuzz, on an appliance that is launched: it and the process live on, whatever they are given. The seed stays,
// for another one may find an end of the appliance that is libguestfs's fault; `npm run fuzz -- --appliance` tries them.
test('the appliance is given bad, hostile and odd arguments, and lives on', async () => {
  const args = ['test/fuzz/main.mjs', '--appliance', '--seed', '1', '--runs', '1'];
  const { code, stdout, stderr } = await runNode(args, { timeout: 420_000 });
  expect({ code, report: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, report: '' });
}, 450_000);
