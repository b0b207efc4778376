import { type Difference, diff } from 'guestfs';
import type { z } from 'zod';
import { checkedBy, diffOptions } from './options';
import type { Task } from './task';

/** What `diff()` of guestfs yields of two guests, as a list. */
export const diffTask: Task<z.infer<typeof diffOptions>, Difference[]> = {
  name: 'diff',
  guests: 2,
  options: checkedBy('diff', diffOptions),
  async run({ guests: [before = [], after = []], options, signal, onProgress, keys, handleOptions }) {
    const differences: Difference[] = [];
    const found = diff(before, after, { ...options, signal, onProgress, keys, handleOptions });
    for await (const each of found) differences.push(each);
    return differences;
  },
};
