import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { BullMQOtel } from 'bullmq-otel';
import { Guestfs, inspect } from 'guestfs';
import { GuestfsInstrumentation } from 'guestfs/opentelemetry';
import { defineTask, Fleet } from '../src';
import { Connection } from '../src/connection';
import { fleetTimeout, startFleet } from './support/fleet';
import { collect, imageFolder, until } from './support/images';
import { type Server, serverKinds } from './support/servers';

// One trace across machines: what the client has begun, the job on the worker, and what guestfs does for it.

const folder = imageFolder();
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const instrumentation = new GuestfsInstrumentation({ env: {} });
const images = ['a.img', 'b.img', 'c.img'].map((name) => folder.file(name));
const secret = 'what is in the image';
const look = defineTask({
  name: 'look',
  async run() {
    await inspect(`${folder.path}/none.img`).catch(() => undefined);
    await using g = new Guestfs();
    await g.getMemsize();
    return secret;
  },
});
let writing = 0;
const write = defineTask({
  name: 'write',
  writes: true,
  async run() {
    if (++writing > 1) throw new Error('two at a time');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    writing--;
  },
});
const tasks = [look, write];

beforeAll(() => provider.register());
afterEach(() => exporter.reset());
afterAll(async () => {
  instrumentation.disable();
  await provider.shutdown();
  folder.remove();
});

/** The names of a span and of those above it, from the uppermost on. */
function pathOf(span: ReadableSpan): string {
  const parent = span.parentSpanContext?.spanId;
  if (parent === undefined) return span.name;
  const above = exporter.getFinishedSpans().find((each) => each.spanContext().spanId === parent);
  return `${above ? pathOf(above) : 'unknown'} > ${span.name}`;
}

const countOf = (path: string) => exporter.getFinishedSpans().filter((span) => pathOf(span) === path).length;

describe.each(serverKinds)('%s', (kind) => {
  let server: Server;
  let fleet: Fleet;
  let end: () => Promise<void>;

  beforeAll(async () => {
    const telemetry = new BullMQOtel({ tracerName: 'fleet' });
    const options = { roots: [folder.path], tasks, telemetry, concurrency: 2, inlineBytes: 0 };
    ({ server, fleet, end } = await startFleet(kind, options));
  }, fleetTimeout);
  afterAll(() => end(), fleetTimeout);

  /** Does a task on images within a span of the client. */
  async function within(name: string, client: Fleet, task: 'look' | 'write', some: string[]) {
    await trace.getTracer('client').startActiveSpan(name, async (span) => {
      const results = await collect(client.run(task, some, { concurrency: 1 }));
      expect(results.map(({ error }) => error)).toEqual(some.map(() => undefined));
      span.end();
    });
  }

  test('jobs are below what the client has begun, and guests and calls are below their jobs', async () => {
    await Promise.all([
      within('one', fleet, 'look', images),
      within('other', fleet, 'look', images.slice(0, 2)),
    ]);
    const all = [
      'process guestfs',
      'process guestfs > guestfs inspect',
      'process guestfs > guestfs.getMemsize',
    ];
    for (const [client, count] of [
      ['one', 3],
      ['other', 2],
    ] as const)
      for (const path of all) await until(() => countOf(`${client} > addBulk guestfs > ${path}`) === count);
    expect(JSON.stringify(exporter.getFinishedSpans().map(({ events }) => events))).not.toContain(secret);
  });

  test('what a client has given that traces nothing is in no trace of others', async () => {
    const plain = new Fleet({ ...server.connection, tasks });
    await Promise.all([within('one', fleet, 'look', images), within('plain', plain, 'look', images)]);
    await plain.close();
    await until(() => countOf('process guestfs > guestfs.getMemsize') === 3);
    await until(() => countOf('one > addBulk guestfs > process guestfs') === 3);
    expect(countOf('plain')).toBe(1);
  });

  test('the records that a fleet keeps are in no trace, nor is the waiting for an image', async () => {
    const [image = ''] = images;
    await Promise.all([within('one', fleet, 'write', [image]), within('other', fleet, 'write', [image])]);
    const names = new Set(exporter.getFinishedSpans().map(({ name }) => name));
    for (const name of names) expect(name).not.toMatch(/guestfs-/);
    expect(names).toContain('process guestfs');
  });

  test('a job that names no span that can be read is done all the same', async () => {
    const queue = new Connection(server.connection).queue();
    const metadata = ['{', 'null', '[]', '"x"', '{"traceparent":[1]}', '{"traceparent":"00-x-y-01"}'];
    const job = { v: 1, batch: 'hostile', task: 'look', guests: [[{ path: images[0] }]], options: {} };
    for (const [index, each] of metadata.entries())
      await queue.add('look', { ...job, index }, { telemetry: { metadata: each } });
    await until(() => countOf('process guestfs > guestfs.getMemsize') === metadata.length);
    await queue.close();
  });
});
