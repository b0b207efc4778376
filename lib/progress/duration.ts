interface Units {
  readonly hours: string;
  readonly minutes: string;
  readonly seconds: string;
  /** Digits of the smaller of two units. */
  readonly digits: number;
}

function format(ms: number, decimals: number, units: Units): string {
  const seconds = (Math.max(ms, 0) / 1000).toFixed(decimals);
  if (Number(seconds) < 60) return seconds + units.seconds;
  const whole = Math.round(ms / 1000);
  const pair = (large: number, largeUnit: string, small: number, smallUnit: string) =>
    `${large}${largeUnit}${String(small).padStart(units.digits, '0')}${smallUnit}`;
  return whole < 3600
    ? pair(Math.floor(whole / 60), units.minutes, whole % 60, units.seconds)
    : pair(Math.floor(whole / 3600), units.hours, Math.floor((whole % 3600) / 60), units.minutes);
}

/** Milliseconds for a narrow place: `8s`, `2m05s`, `1h02m`; `decimals` apply below a minute. */
export function compactDuration(ms: number, decimals = 0): string {
  return format(ms, decimals, { hours: 'h', minutes: 'm', seconds: 's', digits: 2 });
}

/** Milliseconds for a sentence: `8 s`, `2 min 5 s`, `1 h 2 min`; `decimals` apply below a minute. */
export function spokenDuration(ms: number, decimals = 0): string {
  // The space of the first unit separates it from the second as well.
  return format(ms, decimals, { hours: ' h ', minutes: ' min ', seconds: ' s', digits: 1 }).trimEnd();
}
