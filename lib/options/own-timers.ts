// Node's own timers: what tests of a program put into the place of the global ones must not stop its calls.
import { setImmediate, setInterval, setTimeout } from 'node:timers';

export const atTurnsEnd = setImmediate;
export const atStepsEnd = queueMicrotask;
export const later = setTimeout;
export const every = setInterval;
