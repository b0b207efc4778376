import { errorFor } from '../faults/errors';
import type { Xattr } from '../generated/structs';
import type { Guestfs } from '../guestfs';
import { nameOf } from '../text/bytes';
import { sizeOfFile } from './entries';
import { type GuestCommand, guestCommand } from './guest';
import { linesOf, startOfLast } from './lines';
import { guestOptions, imageOperand } from './options';
import type { Guest } from './session';
import { isoTime } from './time';

interface Display {
  readonly json: boolean;
  /** Number of entries or lines to print, from the end; undefined for all. */
  readonly lines: number | undefined;
}

const definition: GuestCommand = {
  description: {
    name: 'log',
    summary: "Print a guest's system log",
    operands: [imageOperand],
    about: [
      "Prints the system log of a guest: systemd's journal where there is one, oldest first, times in UTC; else /var/log/syslog or /var/log/messages as it is. Event logs of Windows are not read: copy-out brings them.",
    ],
    options: [
      {
        name: 'json',
        about:
          'Print NDJSON, an object for each entry of the journal: "time", and its fields as journalctl names them (bytes that are not UTF-8 as \\udc80 to \\udcff); of a log file, the "path" and each "message"',
      },
      { name: 'lines', short: 'n', value: 'N', about: 'Only the last N entries, or lines of a log file' },
      ...guestOptions,
    ],
    examples: [
      { args: '-n 100 disk.qcow2', about: 'The end' },
      {
        args: `--json disk.qcow2 | jq -r 'select((.PRIORITY // "7") <= "3").MESSAGE'`,
        about: 'Errors only',
      },
    ],
    exitCodes: { 0: 'success', 1: 'there is no log, or not all of it could be read' },
  },
  access: 'read',
  plan(args) {
    const display = { json: args.has('json'), lines: args.count('lines') };
    return (guest) => printLog(guest, display);
  },
};

export const command = guestCommand(definition);

const journals = '/var/log/journal';
const files = ['/var/log/syslog', '/var/log/messages'];

export async function printLog(guest: Guest, { json, lines }: Display): Promise<void> {
  const journal = await printJournal(guest, json, lines);
  if (journal === 'printed') return;
  for (const path of files) {
    if (!(await guest.g.isFile(path, { followsymlinks: true }))) continue;
    if (journal === 'unread') guest.failed(unreadable(path));
    return await printFile(guest, path, json, lines);
  }
  const what = {
    unread: `the journal in ${journals} has no entry that libguestfs's appliance can read, and there is no`,
    empty: `the journal in ${journals} is empty, and there is no`,
    absent: `there is neither a journal in ${journals} nor`,
  };
  throw errorFor({
    ...{ code: 'ENOENT', operation: 'log' },
    problem: `${what[journal]} ${files.join(' or ')}`,
  });
}

/** Prints the journal, if it has an entry that can be read. */
async function printJournal(
  guest: Guest,
  json: boolean,
  lines: number | undefined,
): Promise<'printed' | 'unread' | 'empty' | 'absent'> {
  const { g, job, results } = guest;
  if (!(await g.isDir(journals, { followsymlinks: true }))) return 'absent';
  // libguestfs would follow links on the way there in the appliance, not in the guest.
  const folder = await g.realpath(journals);
  let count = 0;
  for await (const entry of entriesOf(g, folder, lines)) {
    job.at(`${++count} entries`);
    if (json) await results.json(entryToJson(entry));
    else for (const line of entryLine(entry).split('\n')) await results.line(line);
  }
  if (count > 0) return 'printed';
  return (await g.globExpand(`${journals}/*/*.journal`)).length > 0 ? 'unread' : 'empty';
}

/** Error of a journal of which nothing is read, where another log takes its place. */
function unreadable(instead: string): Error {
  return errorFor({
    ...{ code: 'EBADMSG', operation: 'log' },
    problem: `the journal in ${journals} has no entry that libguestfs's appliance can read: it is damaged, or of a newer systemd; this is ${instead}`,
  });
}

/** An entry of a journal; a field may occur repeatedly. */
export interface JournalEntry {
  /** Time of the entry, microseconds since 1970. */
  readonly time: bigint;
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

type Journal = Pick<
  Guestfs,
  'journalOpen' | 'journalNext' | 'journalSkip' | 'journalGet' | 'journalGetRealtimeUsec' | 'journalClose'
>;

/** Number of entries that no journal has; systemd takes no larger one. */
const all = 2 ** 31 - 1;

/**
 * Entries of all journals in a folder, by their time, or the last so many. The calls for the next entry are queued
 * while the loop works on one.
 */
export async function* entriesOf(g: Journal, folder: string, last?: number): AsyncGenerator<JournalEntry> {
  await g.journalOpen(folder);
  try {
    let next = last === undefined ? nextEntry(g) : firstOfLast(g, last);
    for (;;) {
      const entry = await next;
      if (!entry) return;
      next = nextEntry(g);
      next.catch(() => undefined); // it is awaited later
      yield entry;
    }
  } finally {
    await g.journalClose().catch(() => undefined); // the appliance may be gone
  }
}

async function firstOfLast(g: Journal, count: number): Promise<JournalEntry | undefined> {
  if ((await g.journalSkip(all)) === 0n) return undefined;
  await g.journalSkip(1 - Math.min(count, all));
  return await readEntry(g);
}

async function nextEntry(g: Journal): Promise<JournalEntry | undefined> {
  return (await g.journalNext()) ? await readEntry(g) : undefined;
}

async function readEntry(g: Journal): Promise<JournalEntry> {
  const [time, attributes] = await Promise.all([g.journalGetRealtimeUsec(), g.journalGet()]);
  return { time, fields: fieldsOf(attributes) };
}

function fieldsOf(attributes: readonly Xattr[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const { attrname, attrval } of attributes) {
    fields.set(attrname, [...(fields.get(attrname) ?? []), nameOf(attrval)]);
  }
  return fields;
}

export function entryToJson({ time, fields }: JournalEntry): Record<string, unknown> {
  const values = [...fields].map(([name, all]) => [name, all.length === 1 ? all[0] : all] as const);
  // A field could be called like a member that every object has.
  return Object.assign(Object.create(null), { time: entryTime(time) }, Object.fromEntries(values));
}

/** Entry as journalctl and syslog write it: `2026-01-31T12:00:00.123456Z host sshd[12]: message`. */
export function entryLine({ time, fields }: JournalEntry): string {
  const field = (name: string) => fields.get(name)?.[0];
  const who = field('SYSLOG_IDENTIFIER') ?? field('_COMM') ?? 'unknown';
  const pid = field('SYSLOG_PID') ?? field('_PID');
  const source = pid === undefined ? who : `${who}[${pid}]`;
  // What follows a line break belongs to the same entry.
  const message = (field('MESSAGE') ?? '').replace(/\n+$/, '').replace(/\n/g, '\n    ');
  return `${entryTime(time)} ${field('_HOSTNAME') ?? '-'} ${source}: ${message}`;
}

/** Time of an entry; the journal has microseconds. */
function entryTime(microseconds: bigint): string {
  return isoTime(microseconds * 1000n, 6) ?? `${microseconds}`;
}

async function printFile(
  { g, results, signal }: Guest,
  path: string,
  json: boolean,
  lines: number | undefined,
): Promise<void> {
  const size = await sizeOfFile(g, 'log', path, { signal });
  const start = lines === undefined ? 0 : await startOfLast(g, path, Number(size), lines);
  const content = g.createReadStream(path, { start, signal });
  if (!json) return await results.content(content);
  for await (const line of linesOf(content)) await results.json({ path, message: nameOf(line) });
}
