import type { InspectOptionsStylized, inspect as inspectFunction } from 'node:util';

/** What `console.log` shows of an object: the name of its class and `fields`, as deep as the options allow. */
export function inspected(
  name: string,
  fields: object,
  depth: number | null,
  options: InspectOptionsStylized,
  inspect: typeof inspectFunction,
): string {
  if (depth !== null && depth < 0) return options.stylize(`[${name}]`, 'special');
  return `${name} ${inspect(fields, { ...options, depth })}`;
}
