// The results as people read them: ratios first.

const names = { ours: 'this package', c: 'C', python: 'Python', tool: 'tool' };

const number = (value) => (value === undefined ? '' : Number(value.toPrecision(3)));

/** A limit, and whether it was kept. */
export function judge(limit, measured) {
  if (limit.to) {
    const ratio = measured.ours / measured[limit.to];
    return { what: `${names[limit.to]} ×`, is: ratio, limit: limit.ratio, kept: ratio <= limit.ratio };
  }
  const [what, is, most] =
    limit.atMost === undefined
      ? ['grown MiB', measured.grownMiB, limit.grownMiB]
      : ['at most', measured.ours, limit.atMost];
  return { what, is, limit: most, kept: is <= most };
}

const verdict = ({ what, is, limit, kept }) => `${kept ? '✓' : '✗'} ${what} ${number(is)} ≤ ${limit}`;

export function line({ title, unit, limits, tool }, measured) {
  return {
    '': title + (tool ? ` (tool: ${tool})` : ''),
    target: limits.map((limit) => verdict(judge(limit, measured))).join(', '),
    ...Object.fromEntries(Object.entries(names).map(([key, name]) => [name, number(measured[key])])),
    unit,
    'longest gap (ms)': number(measured.gaps?.longest),
    'own (ms)': number(measured.gaps?.own),
  };
}
