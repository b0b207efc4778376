// Writes what the facade has to know of functions beyond how they are called.
import { banner, camel } from './api.mjs';

const keys = [
  ...['instant', 'program', 'image', 'drives', 'appliance', 'flushes'],
  ...['guestProgram', 'answersLibvirt', 'readsEnvironment', 'choices'],
  ...['losesErrno', 'instead'],
];

/** A value of the tables as TypeScript: they hold neither quotes nor names that would need them. */
function literal(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  const fields = Object.entries(value).map(([key, each]) => `${key}: ${literal(each)}`);
  return `{ ${fields.join(', ')} }`;
}

export function factsModule({ functions }) {
  const rows = functions.flatMap((fn) => {
    const facts = Object.fromEntries(keys.filter((key) => fn[key]).map((key) => [key, fn[key]]));
    return Object.keys(facts).length > 0 ? [`  ${camel(fn.name)}: ${literal(facts)},`] : [];
  });
  return `${banner}
import type { FunctionFacts } from '../facts';

/** Facts of functions, by the names of their methods; a function that is not here has none. */
export const facts: Readonly<Record<string, FunctionFacts>> = {
${rows.join('\n')}
};
`;
}
