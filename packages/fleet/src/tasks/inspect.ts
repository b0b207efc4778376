import { type InspectionReport, inspect } from 'guestfs';
import type { z } from 'zod';
import { checkedBy, inspectOptions } from './options';
import type { Task } from './task';

/** What `inspect()` of guestfs tells of a guest. */
export const inspectTask: Task<z.infer<typeof inspectOptions>, InspectionReport> = {
  name: 'inspect',
  options: checkedBy('inspect', inspectOptions),
  run: ({ images, options, signal, onProgress, keys, handleOptions }) =>
    inspect(images, { ...options, signal, onProgress, keys, handleOptions }),
};
