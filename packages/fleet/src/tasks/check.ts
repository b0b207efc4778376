import { type CheckReport, check } from 'guestfs';
import type { z } from 'zod';
import { checkedBy, checkOptions } from './options';
import type { Task } from './task';

/** What `check()` of guestfs finds in a guest. */
export const checkTask: Task<z.infer<typeof checkOptions>, CheckReport> = {
  name: 'check',
  options: checkedBy('check', checkOptions),
  run: ({ images, options, signal, onProgress, keys, handleOptions }) =>
    check(images, { ...options, signal, onProgress, keys, handleOptions }),
};
