import { expect, test } from '@jest/globals';
import { runNode } from '../support/script';

// Everything is called with all kinds of arguments, in a process of its own that may crash: see test/fuzz. What a seed
// has found it finds again; `npm run fuzz -- --minutes 60` goes on with others.

const seeds = [1, 2, 3];

test.each(seeds)(
  'bad and hostile arguments are refused, and good ones arrive: seed %i',
  async (seed) => {
    const args = ['test/fuzz/main.mjs', '--seed', `${seed}`, '--runs', '6'];
    const { code, stdout, stderr } = await runNode(args, { timeout: 120_000 });
    expect({ code, report: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, report: '' });
  },
  150_000,
);
