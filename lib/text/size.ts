const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Bytes for people: `512 B`, `1.5 GiB`, `40 GiB`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024 belongs to the next unit.
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 99.95 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0);
  return `${digits} ${units[unit]}`;
}

/** A share as df(1) tells it: rounded up, so that only what is empty has 0%. `-` where there is nothing to have a share of. */
export function percentOf(part: number, whole: number): string {
  // The product before the quotient: 7 of 100 would be a little more than 7% otherwise.
  return whole > 0 ? `${Math.ceil((part * 100) / whole)}%` : '-';
}
