import { type SbomResult, sbom } from 'guestfs';
import type { z } from 'zod';
import { checkedBy, sbomOptions } from './options';
import type { Task } from './task';

/** What `sbom()` of guestfs makes: a bill of materials, and the report of the inspection. */
export const sbomTask: Task<z.infer<typeof sbomOptions>, SbomResult> = {
  name: 'sbom',
  options: checkedBy('sbom', sbomOptions),
  run: ({ images, options, signal, onProgress, keys, handleOptions }) =>
    sbom(images, { ...options, signal, onProgress, keys, handleOptions }),
};
