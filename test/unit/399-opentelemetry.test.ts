// Spans of what can be had without an appliance; those of launches are looked at where the example runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { diff, Guestfs, inspect } from '../../lib';
import { GuestfsInstrumentation } from '../../lib/telemetry/opentelemetry';
import { failureOf } from '../support/internal';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const env: Record<string, string> = {};
const instrumentation = new GuestfsInstrumentation({ enabled: false, env });
const folder = mkdtempSync(join(tmpdir(), 'guestfs-spans-'));
const disk = join(folder, 'disk.img');
const job = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

beforeAll(() => {
  writeFileSync(disk, Buffer.alloc(1 << 20));
  provider.register();
  instrumentation.enable();
});
afterEach(() => {
  exporter.reset();
  delete env.TRACEPARENT;
});
afterAll(async () => {
  instrumentation.disable();
  await provider.shutdown();
  rmSync(folder, { recursive: true });
});

const spans = () => exporter.getFinishedSpans();

function spanNamed(name: string): ReadableSpan {
  const [found, ...others] = spans().filter((span) => span.name === name);
  expect([name, spans().map((span) => span.name), others]).toEqual([
    name,
    expect.arrayContaining([name]),
    [],
  ]);
  return found as ReadableSpan;
}

test('calls are spans, with how they ended and without what they were given', async () => {
  await using g = new Guestfs();
  await Promise.all([g.getMemsize(), failureOf(g.addDrive('/nonexistent'))]);
  expect(spanNamed('guestfs.getMemsize')).toMatchObject({ status: { code: SpanStatusCode.UNSET } });
  const failed = spanNamed('guestfs.addDrive');
  expect(failed.status).toEqual({
    code: SpanStatusCode.ERROR,
    message: expect.stringContaining('nonexistent'),
  });
  expect(failed.attributes).toEqual({ 'guestfs.operation': 'addDrive', 'error.type': 'ENOENT' });
  expect(failed.events).toMatchObject([{ name: 'exception' }]);
});

test('a launch is a span, and its phases are events of it', async () => {
  await using g = new Guestfs();
  const abort = new AbortController();
  const launch = failureOf(g.launch({ signal: abort.signal, onProgress: () => abort.abort() }));
  await launch;
  const span = spanNamed('guestfs.launch');
  expect(span.attributes['error.type']).toBe('AbortError');
  expect(span.events.map(({ name }) => name)).toEqual(['appliance', 'exception']);
});

test('a guest is a span, which ends with it, and of whose images no secrets are told', async () => {
  await failureOf(inspect('/nonexistent', { accel: 'tcg' }));
  expect(spanNamed('guestfs inspect')).toMatchObject({
    attributes: { 'guestfs.images': ['/nonexistent'], 'error.type': 'ENOENT' },
    status: { code: SpanStatusCode.ERROR },
  });
  await failureOf(inspect('ssh://user:geheim@localhost:1/disk.img', { accel: 'tcg' }));
  const images = spans().flatMap(({ attributes }) => attributes['guestfs.images']);
  expect(images).toEqual(['/nonexistent', expect.stringMatching(/^ssh:\/\/user.*@localhost:1\/disk\.img$/)]);
  expect(JSON.stringify(images)).not.toContain('geheim');
});

test('calls belong to their guest, or to what the program has begun since', async () => {
  const tracer = provider.getTracer('test');
  let own = '';
  const calls: Promise<unknown>[] = [];
  const abort = new AbortController();
  await failureOf(
    inspect(disk, {
      signal: abort.signal,
      onHandle: (g) => {
        calls.push(g.getMemsize().catch(() => undefined));
        tracer.startActiveSpan('own', (span) => {
          own = span.spanContext().spanId;
          calls.push(g.getSmp().catch(() => undefined));
          span.end();
        });
        abort.abort();
      },
    }),
  );
  // What the abort ends is a span, too.
  await Promise.all(calls);
  const guest = spanNamed('guestfs inspect').spanContext().spanId;
  expect(spanNamed('guestfs.getMemsize').parentSpanContext?.spanId).toBe(guest);
  expect(spanNamed('guestfs.getSmp').parentSpanContext?.spanId).toBe(own);
});

test('each guest of a comparison is a span', async () => {
  await failureOf(diff(disk, '/nonexistent').next());
  expect(spans().map(({ name, attributes }) => [name, attributes['guestfs.images']])).toEqual([
    ['guestfs diff', ['/nonexistent']],
    ['guestfs diff', [disk]],
  ]);
});

test('what has no parent in the program belongs to the job that runs it', async () => {
  env.TRACEPARENT = `00-${job.trace}-${job.span}-01`;
  await using g = new Guestfs();
  await g.getMemsize();
  const span = spanNamed('guestfs.getMemsize');
  expect(span.spanContext().traceId).toBe(job.trace);
  expect(span.parentSpanContext?.spanId).toBe(job.span);
  const tracer = provider.getTracer('test');
  const parent = tracer.startSpan('parent');
  await context.with(trace.setSpan(context.active(), parent), () => g.getSmp());
  expect(spanNamed('guestfs.getSmp').parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
});

test('an SDK can switch it on and off, and give it a provider of its own', async () => {
  await using g = new Guestfs();
  const own = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(own)] });
  instrumentation.disable();
  const second = new GuestfsInstrumentation({ calls: false, env });
  const unregister = registerInstrumentations({ instrumentations: [second], tracerProvider });
  await g.getMemsize();
  await failureOf(inspect('/nonexistent'));
  unregister();
  await failureOf(inspect('/nonexistent'));
  instrumentation.enable();
  expect(own.getFinishedSpans().map(({ name }) => name)).toEqual(['guestfs inspect']);
  expect(spans()).toEqual([]);
  await tracerProvider.shutdown();
});
