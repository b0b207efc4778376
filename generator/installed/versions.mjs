// Versions of libguestfs, and what a record of api/ was in them.

const numbers = (version) => version.split('.').map(Number);

/** Whether one version comes after another. */
export function isAfter(version, other) {
  const [a, b] = [numbers(version), numbers(other)];
  const i = a.findIndex((number, at) => number !== b[at]);
  return i >= 0 && a[i] > b[i];
}

export const newest = (versions) => versions.reduce((best, v) => (isAfter(v, best) ? v : best));

/**
 * A function as that version has it: without the options that came later, not yet deprecated for what came later, and
 * with the facts that `before` keeps of older versions (null: there was none).
 */
export function asOf(version, fn, functions) {
  const later = (since) => since !== undefined && isAfter(since, version);
  const former = Object.entries(fn.before ?? {})
    .filter(([until]) => later(until))
    .sort(([a], [b]) => (isAfter(a, b) ? -1 : 1))
    .map(([, facts]) => facts);
  const replacedLater = later(functions.get(fn.deprecated)?.since);
  return Object.assign(
    { ...fn, options: fn.options.filter((option) => !later(option.since)) },
    replacedLater && { deprecated: null },
    ...former,
  );
}
