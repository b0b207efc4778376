import { type EventName, eventBits } from './generated/events';

const names: ReadonlyMap<number, EventName> = new Map([...eventBits].map(([name, bit]) => [bit, name]));

/** Name of the event of that bit, if it is one that can be listened to. */
export function eventName(bit: number): EventName | undefined {
  return names.get(bit);
}

/** Bit of an event of that name. */
export function eventBit(name: EventName): number {
  return eventBits.get(name) ?? 0;
}
