import { nameOf } from '../bulk/names';
import { GuestfsError } from '../errors';
import type { Xattr } from '../generated/structs';
import type { Guestfs } from '../guestfs';
import { isRefusal } from '../inspect/problems';
import { printFiles } from './cat';
import { type Guest, type GuestCommand, guestCommand, guestOptions, imageOperand } from './guest';

const definition: GuestCommand = {
  description: {
    name: 'log',
    summary: "Print a guest's system log",
    operands: [imageOperand],
    about: [
      "Prints the system log of a guest: systemd's journal where there is one, oldest first, times in UTC; else /var/log/syslog or /var/log/messages as it is.",
    ],
    options: [
      {
        name: 'json',
        about:
          'Print NDJSON, an object for each entry of the journal: "time", and its fields as journalctl names them (bytes that are not UTF-8 as \\udc80 to \\udcff); of a log file, the "path" and each "message"',
      },
      ...guestOptions,
    ],
    examples: [
      { args: 'disk.qcow2 | tail -n 100', about: 'The end' },
      { args: '--json disk.qcow2 | jq -r "select(.PRIORITY <= \\"3\\").MESSAGE"', about: 'Errors only' },
    ],
    exitCodes: { 0: 'success', 1: 'there is no log, or not all of it could be read' },
  },
  access: 'read',
  plan: (args) => (guest) => printLog(guest, args.has('json')),
};

export const command = guestCommand(definition);

const journals = '/var/log/journal';
const files = ['/var/log/syslog', '/var/log/messages'];

export async function printLog(guest: Guest, json: boolean): Promise<void> {
  if (await printJournals(guest, json)) return;
  for (const path of files) {
    if (!(await guest.g.isFile(path, { followsymlinks: true }))) continue;
    await (json ? printLines(guest, path) : printFiles(guest, [path]));
    return;
  }
  throw new GuestfsError(`log: there is neither a journal in ${journals} nor ${files.join(' or ')}`, {
    code: 'ENOENT',
    operation: 'log',
  });
}

/** False when there is none. */
async function printJournals(guest: Guest, json: boolean): Promise<boolean> {
  const { g, job, failed } = guest;
  if (!(await g.isDir(journals))) return false;
  // One folder for each machine id that the system has had.
  let count = 0;
  for (const name of await g.ls(journals)) {
    const folder = `${journals}/${name}`;
    if (!(await g.isDir(folder))) continue;
    try {
      for await (const entry of entriesOf(g, folder)) {
        job.at(`${++count} entries`);
        await printEntry(guest, entry, json);
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, folder);
      count++; // so that no other log takes its place unnoticed
    }
  }
  return count > 0;
}

async function printEntry({ results }: Guest, entry: JournalEntry, json: boolean): Promise<void> {
  if (json) return await results.json(entryToJson(entry));
  for (const line of entryLine(entry).split('\n')) await results.line(line);
}

/** An entry of a journal; a field may occur repeatedly. */
export interface JournalEntry {
  /** In microseconds. */
  readonly time: bigint;
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

type Journal = Pick<
  Guestfs,
  'journalOpen' | 'journalNext' | 'journalGet' | 'journalGetRealtimeUsec' | 'journalClose'
>;

/** The calls for the next entry are queued while the loop works on one. */
export async function* entriesOf(g: Journal, folder: string): AsyncGenerator<JournalEntry> {
  await g.journalOpen(folder);
  try {
    let next = readEntry(g);
    for (;;) {
      const entry = await next;
      if (!entry) return;
      next = readEntry(g);
      next.catch(() => undefined); // it is awaited in its turn
      yield entry;
    }
  } finally {
    await g.journalClose().catch(() => undefined); // the appliance may be gone
  }
}

async function readEntry(g: Journal): Promise<JournalEntry | undefined> {
  if (!(await g.journalNext())) return undefined;
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
  return Object.assign(Object.create(null), { time: isoTime(time) }, Object.fromEntries(values));
}

/** As journalctl and syslog write it: `2026-01-31T12:00:00.123456Z host sshd[12]: message`. */
export function entryLine({ time, fields }: JournalEntry): string {
  const field = (name: string) => fields.get(name)?.[0];
  const who = field('SYSLOG_IDENTIFIER') ?? field('_COMM') ?? 'unknown';
  const pid = field('SYSLOG_PID') ?? field('_PID');
  const source = pid === undefined ? who : `${who}[${pid}]`;
  // What follows a line break belongs to the same entry.
  const message = (field('MESSAGE') ?? '').replace(/\n+$/, '').replace(/\n/g, '\n    ');
  return `${isoTime(time)} ${field('_HOSTNAME') ?? '-'} ${source}: ${message}`;
}

/** With the microseconds that a Date does not have. */
function isoTime(microseconds: bigint): string {
  const date = new Date(Number(microseconds / 1000n));
  if (Number.isNaN(date.getTime())) return `${microseconds}`;
  return date.toISOString().replace('Z', `${String(microseconds % 1000n).padStart(3, '0')}Z`);
}

async function printLines({ g, results, signal }: Guest, path: string): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  const tell = (line: Buffer) => results.json({ path, message: nameOf(line) });
  for await (const bytes of g.createReadStream(path, { signal })) {
    rest = Buffer.concat([rest, bytes as Buffer]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      await tell(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) await tell(rest);
}
