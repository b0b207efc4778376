/**
 * ISO 8601, UTC, with so many digits of the second's fraction; null for what no calendar has.
 *
 * @param nanoseconds since 1970
 */
export function isoTime(nanoseconds: bigint, digits: number): string | null {
  const fraction = ((nanoseconds % second) + second) % second;
  const date = new Date(Number((nanoseconds - fraction) / millisecond));
  if (Number.isNaN(date.getTime())) return null;
  const shown = String(fraction).padStart(9, '0').slice(0, digits);
  return date.toISOString().replace(/\.\d+Z$/, `${shown && `.${shown}`}Z`);
}

const millisecond = 1_000_000n;
const second = 1000n * millisecond;
