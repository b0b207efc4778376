// Options that may travel: none of them says what a worker runs, where it writes, or what it may see.
import { z } from 'zod';
import { FleetError } from '../errors';

const inspection = {
  timeout: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
  accel: z.enum(['auto', 'kvm', 'tcg']).optional(),
  template: z.enum(['auto', 'never', 'only']).optional(),
  volumes: z.boolean().optional(),
  usage: z.boolean().optional(),
  times: z.boolean().optional(),
};

export const inspectOptions = z.strictObject({
  ...inspection,
  applications: z.boolean().optional(),
  icon: z.boolean().optional(),
});

export const sbomOptions = z.strictObject({
  ...inspection,
  format: z.enum(['cyclonedx', 'spdx']).optional(),
  licenses: z.boolean().optional(),
  files: z.boolean().optional(),
  languages: z.boolean().optional(),
});

const severity = z.enum(['error', 'warning', 'note']);
const rule = z.string().min(1).max(256);
const path = z.string().min(1).max(4096);

export const checkOptions = z.strictObject({
  timeout: inspection.timeout,
  accel: inspection.accel,
  template: inspection.template,
  ignore: z
    .array(z.union([rule, z.strictObject({ rule, path: path.optional() })]))
    .max(1000)
    .optional(),
  severities: z.record(rule, z.union([severity, z.literal('off')])).optional(),
  severity: severity.optional(),
});

const device = z.string().min(1).max(4096).optional();

export const diffOptions = z.strictObject({
  timeout: inspection.timeout,
  accel: inspection.accel,
  template: inspection.template,
  root: device,
  mountable: device,
  content: z.boolean().optional(),
});

export const checksumOptions = z.strictObject({
  algorithm: z.enum(['sha256', 'sha384', 'sha512', 'sha1', 'md5']).optional(),
});

/** What stays with the worker, and why. */
const ofWorker: Readonly<Record<string, string>> = {
  keys: 'keys would lie in the queue, for all who can read it: give them to the workers (FleetWorker, keys)',
  rules: 'they are programs: make a task of your own that has them',
  expect: 'its patterns would run on the worker: make a task of your own that has them',
  handleOptions: 'it says what a worker runs: give it to the workers (FleetWorker, handleOptions)',
  onHandle: 'the handles are on other machines',
};

/** A checker of options by a schema. */
export function checkedBy<T>(
  task: string,
  schema: z.ZodType<T>,
): (given: Readonly<Record<string, unknown>>) => T {
  return (given) => {
    const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    for (const name of Object.keys(set)) {
      const why = ofWorker[name];
      if (why !== undefined && Object.hasOwn(ofWorker, name))
        throw new FleetError('ERR_GUESTFS_FLEET_OPTION', `${task}: the option ${name} cannot travel: ${why}`);
    }
    const parsed = schema.safeParse(set);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const name = (issue?.path ?? []).map(String).join('.').slice(0, 100);
    const message = (issue?.message ?? '').slice(0, 200);
    throw new FleetError(
      'ERR_GUESTFS_FLEET_OPTION',
      `${task}: bad options${name && ` (${name})`}: ${message}`,
    );
  };
}
