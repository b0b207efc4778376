// Writes the events of a handle: their names, what listeners receive, their bits.
import { banner, camel } from './api.mjs';

/** What listeners receive, by what an event passes; a question has no listeners. */
const received = {
  nothing: '[]',
  text: '[text: string]',
  name: '[name: string]',
  progress: '[event: ProgressEvent]',
};

const hex = (bit) => `0x${(2 ** bit).toString(16).padStart(4, '0')}`;

export function eventsModule({ events }) {
  const heard = events.filter(({ passes }) => passes in received);
  const members = heard.map((e) => `  /** ${e.does} */\n  ${camel(e.name)}: ${received[e.passes]};`);
  // Progress has a callback of its own.
  const bits = heard
    .filter(({ passes }) => passes !== 'progress')
    .map((e) => `  ['${camel(e.name)}', ${hex(e.bit)}],`);
  const bare = heard.filter(({ passes }) => passes === 'nothing').map((e) => `'${camel(e.name)}'`);
  const [question] = events.filter(({ passes }) => passes === 'question');
  return `${banner}
import type { ProgressEvent } from '../../options/types';

/**
 * The events of a handle and what their listeners receive. Listeners belong to no one call, and run in no particular
 * asynchronous context (\`AsyncLocalStorage\`). C: the \`GUESTFS_EVENT_*\` of
 * {@link https://libguestfs.org/guestfs.3.html#setting-callbacks-to-handle-events | the manual}.
 */
export interface GuestfsEvents {
${members.join('\n')}
}

/** The name of an event of a handle. */
export type EventName = keyof GuestfsEvents;

/** \`GUESTFS_EVENT_*\`: progress does not stand here, it has a callback of its own. */
export const eventBits: ReadonlyMap<EventName, number> = new Map([
${bits.join('\n')}
]);

/** Events whose listeners receive nothing. */
export const bareEvents: ReadonlySet<EventName> = new Set([${bare.join(', ')}]);

/** \`GUESTFS_EVENT_${question.name.toUpperCase()}\`: a question rather than an event. */
export const ${camel(question.name)}Bit = ${hex(question.bit)};
`;
}
