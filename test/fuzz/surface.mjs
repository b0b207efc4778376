// What is written by hand: the handle itself, its private data and events, inspect() and the progress reporter.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import {
  compare,
  diagnose,
  diff,
  Guestfs,
  GuestfsError,
  inspect,
  inspectAll,
  ProgressReporter,
  privateKey,
} from 'guestfs';
import { ourOptions } from './calls.mjs';
import { judgeOptions, optionsOf } from './options.mjs';
import { fail } from './subject.mjs';
import { anything, aText, Value } from './values/index.mjs';
import { TYPE, VALUE } from './verdicts.mjs';

/** Errors that have one of the documented codes; a listener's are EventEmitter's own. */
function isCoded(error) {
  const { code } = error;
  if (/^ERR_INVALID_ARG_(TYPE|VALUE)$/.test(code)) return error instanceof TypeError;
  if (code === 'ERR_OUT_OF_RANGE') return error instanceof RangeError;
  if (code === 'ABORT_ERR') return error.name === 'AbortError';
  return error instanceof GuestfsError && /^(E[A-Z0-9]+|ERR_GUESTFS(_[A-Z]+)*)$/.test(code);
}

/** Runs what may throw or reject, and returns the error: a coded one. */
async function errorOf(body) {
  try {
    await body();
  } catch (error) {
    if (!isCoded(error)) fail('threw an error without a code of ours', error);
    return error;
  }
  return undefined;
}

function expectVerdict({ codes, mayPass }, error) {
  if (mayPass || codes.has(error?.code)) return;
  fail(`should have been refused with ${[...codes].join(' or ')}`, error ?? 'passed');
}

const handleOptions = [
  ['environment', 'Bool'],
  ['identifier', 'String'],
  ['memsize', 'Int'],
  ['smp', 'Int'],
  ['backend', 'String'],
  ['backendSettings', 'StringList'],
  ['path', 'OptString'],
  ['cachedir', 'OptString'],
  ['tmpdir', 'OptString'],
  ['template', 'template'],
  ['libvirtAuth', 'onProgress'],
];

const launchOptions = [
  ['timeout', 'timeout'],
  ['accel', 'accel'],
  ['template', 'template'],
];

const inspectOptions = [
  ...launchOptions,
  ...ourOptions.filter(([name]) => name !== 'killOnAbort'),
  ['applications', 'Bool'],
  ['icon', 'Bool'],
];

/** Without `onProgress`, which hears of every image: what a listener throws is the program's own error. */
const inspectAllOptions = [
  ...inspectOptions.filter(([name]) => name !== 'onProgress'),
  ['concurrency', 'Int'],
];

const reporterOptions = [
  ['format', 'format'],
  ['interval', 'interval'],
  ['label', 'label'],
  ['now', 'onProgress'],
];

const readers = ['createReadStream', 'readDeviceStream', 'tarOutStream'];
const writers = ['createWriteStream', 'tarInStream'];

const streamOptions = [
  ['start', 'Int64'],
  ['end', 'Int64'],
  ['highWaterMark', 'Int'],
  ['mode', 'Int'],
  ['signal', 'signal'],
  ['excludes', 'StringList'],
];

const treeOptions = [
  ...ourOptions,
  ['maxDepth', 'Int'],
  ['xattrs', 'Bool'],
  ['checksum', 'String'],
  ['filter', 'onProgress'],
  ['links', 'String'],
  ['overwrite', 'Bool'],
  ['maxBytes', 'Int64'],
  ['content', 'Bool'],
  ['owner', 'OptString'],
];

/** Rejects with the stream's error when it is used: it must have one, for nothing is launched. */
async function failureOf(stream, use) {
  const failed = once(stream, 'close', { signal: AbortSignal.timeout(30_000) });
  use(stream);
  await failed;
  fail('a stream of a handle that is not launched has no error');
}

/** Things with a text in them that may be the name of a private key. */
const keys = fc.oneof(
  anything,
  anything.map((name) => new Value(`{ name: ${name} }`, { is: 'thing' }, () => ({ name: name.make() }))),
  fc.string({ minLength: 1 }).map(aText),
);

/** Nothing that exists: an inspection of something that does would launch an appliance. */
const missing = (value) =>
  value.nature.is === 'text' ? aText(`/nonexistent/${value.nature.text.slice(0, 100)}`) : value;
const simple = anything.filter(({ nature }) =>
  ['text', 'number', 'bigint', 'boolean', 'null', 'undefined', 'function'].includes(nature.is),
);
const imageFiles = fc.tuple(anything, anything).map(
  ([path, format]) =>
    new Value(`{ path: ${missing(path)}, format: ${format} }`, { is: 'thing' }, () => ({
      path: missing(path).make(),
      format: format.make(),
    })),
);
const images = fc.oneof(
  anything.filter(({ nature }) => nature.is !== 'text' && nature.is !== 'list'),
  imageFiles,
);
const listsOf = (values) =>
  fc
    .array(values, { maxLength: 3 })
    .map((items) => new Value(`[${items}]`, { is: 'thing' }, () => items.map((item) => item.make())));

/** What EventEmitter can describe in its error: it does not expect proxies that are revoked and the like. */
const describable = new Set([
  'text',
  'number',
  'bigint',
  'boolean',
  'null',
  'undefined',
  'function',
  'bytes',
  'list',
]);
const listeners = anything.filter(({ nature }) => describable.has(nature.is));
const listenerMethods = [
  'on',
  'once',
  'addListener',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
];
const eventNames = fc.constantFrom(
  'progress',
  'trace',
  'close',
  'strange',
  '__proto__',
  '',
  Symbol('x'),
  5,
  undefined,
);

const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** What is done, each on a handle of its own and with arbitrary values. */
const actions = [
  action('new Guestfs', [optionsOf(handleOptions)], async (_, options) => {
    const given = options.make();
    let made;
    const error = await errorOf(() => {
      made = new Guestfs(given);
    });
    options.meddle(given);
    await made?.close();
    // libguestfs may find fault with a setting before the next one is looked at.
    if (!(error instanceof GuestfsError)) expectVerdict(judgeOptions(handleOptions, options), error);
  }),

  action('launch', [optionsOf(launchOptions, ourOptions).filter(keepsFromLaunching)], async (g, options) => {
    const entered = [];
    g.on('enter', (name) => entered.push(name));
    const error = await errorOf(() => g.launch(options.make()));
    const { codes } = judgeOptions([...launchOptions, ...ourOptions], options);
    expectVerdict({ codes: codes.add('ABORT_ERR'), mayPass: false }, error);
    await g.getMemsize();
    if (entered.join() !== 'get_memsize') fail('was refused, but not before it reached libguestfs', entered);
  }),

  action('private', [keys, anything], async (g, key, value) => {
    const [name, held] = [key.make(), value.make()];
    const errors = [
      await errorOf(() => g.private.set(name, held)),
      await errorOf(() => Object.is(g.private.get(name), held) || fail('private data changed', name)),
      await errorOf(() => g.private.has(name) || fail('private data got lost', name)),
      await errorOf(() => g.private.delete(name) || fail('private data was not there', name)),
    ];
    // A getter may change its mind: all that can be said of a name that is read from an object.
    const verdict = key.nature.is === 'thing' ? undefined : judgeKey(key.nature);
    for (const error of errors) if (verdict) expectVerdict(verdict, error);
    if (errors.every((error) => error === undefined) && g.private.size > 0)
      fail('private data is left', [...g.private.keys()]);
  }),

  action('privateKey', [anything], async (_, name) => {
    const error = await errorOf(() => privateKey(name.make()));
    expectVerdict(judgeKey(name.nature), error);
  }),

  action(
    'inspect',
    [fc.oneof(images, listsOf(images)), optionsOf(inspectOptions)],
    async (_, source, options) => {
      const error = await errorOf(() => inspect(source.make(), options.make()));
      if (!error) fail('inspected what is not there');
    },
  ),

  action(
    'inspectAll',
    // What other iterables throw is the program's own error, too.
    [fc.oneof(simple, listsOf(images)), optionsOf(inspectAllOptions)],
    async (_, source, options) => {
      const error = await errorOf(async () => {
        for await (const { image, error } of inspectAll(source.make(), options.make())) {
          if (!error) fail('inspected what is not there', image);
          if (!isCoded(error)) fail('gave an error without a code of ours', error);
        }
      });
      if (source.nature.is !== 'thing' && !error) fail('took it for a list of images');
    },
  ),

  action('new ProgressReporter', [optionsOf(reporterOptions), anything], async (_, options, stream) => {
    await errorOf(() => new ProgressReporter(options.make()));
    await errorOf(() => new ProgressReporter({ stream: stream.make() }));
  }),

  action('attach, line, detach', [anything, anything], async (g, handle, text) => {
    const reporter = new ProgressReporter({ stream: sink(), format: 'text' });
    await errorOf(() => reporter.attach(handle.make()));
    await errorOf(() => reporter.line(text.make()));
    await errorOf(() => reporter.attach(g).detach(handle.make()));
    reporter.close();
  }),

  action(
    'streams',
    [fc.constantFrom(...readers, ...writers), anything, optionsOf(streamOptions)],
    async (g, method, path, options) => {
      let stream;
      await errorOf(() => {
        stream = g[method](path.make(), options.make());
      });
      const use = () => (readers.includes(method) ? stream.resume() : stream.end('bytes'));
      if (stream) await errorOf(() => failureOf(stream, use));
    },
  ),

  action('walk, compare', [anything, anything, optionsOf(treeOptions)], async (g, path, other, options) => {
    const error = await errorOf(() => g.walk(path.make(), options.make()).next());
    if (!error) fail('walked on a handle that is not launched');
    await errorOf(() => compare(g, path.make(), g, other.make(), options.make()).next());
    await errorOf(() => compare(other.make(), path.make(), g, path.make()).next());
  }),

  action('copyIn, copyOut', [anything, anything, optionsOf(treeOptions)], async (g, path, other, options) => {
    for (const method of ['copyIn', 'copyOut']) {
      const error = await errorOf(() => g[method](path.make(), missing(other).make(), options.make()));
      if (!error) fail(`${method} worked on a handle that is not launched`);
    }
  }),

  action(
    'diagnose',
    [fc.oneof(images, listsOf(images)), anything, anything],
    async (_, source, timeout, handleOptions) => {
      const given = { images: source.make(), timeout: timeout.make(), handleOptions: handleOptions.make() };
      await errorOf(() => diagnose({ ...given, launch: false }));
    },
  ),

  action('diff', [images, images, optionsOf(inspectOptions)], async (_, before, after, options) => {
    const error = await errorOf(() => diff(before.make(), after.make(), options.make()).next());
    if (!error) fail('compared what is not there');
  }),

  action('progress', [anything, anything], async (g, ...values) => {
    const [first, second] = values.map((value) => value.make());
    const events = g.progress(first);
    const next = events.next(second);
    await events.return(first);
    if (!(await next).done) fail('an iteration that was left goes on');
  }),

  action(
    'listeners',
    [fc.constantFrom(...listenerMethods), eventNames, listeners],
    async (g, method, name, listener) => {
      await errorOf(() => g[method](name, listener.make()));
      g.removeAllListeners(name);
    },
  ),

  action('userCancel, kill, close', [anything, anything], async (g, ...values) => {
    const [first, second] = values.map((value) => value.make());
    await g.userCancel(first, second);
    await g.kill(first, second);
    await g.close(first, second);
    await g[Symbol.asyncDispose](first);
  }),

  action('Guestfs.supports', [anything], async (_, name) => {
    if (Guestfs.supports(name.make()) && name.nature.is !== 'text')
      fail('supports something that is no name');
  }),
];

function action(name, values, run) {
  return { name, values, run };
}

function keepsFromLaunching(options) {
  const { mayPass, accepted } = judgeOptions([...launchOptions, ...ourOptions], options);
  return !mayPass || accepted.get('signal')?.aborted === true;
}

function judgeKey(nature) {
  if (nature.is === 'text') {
    const isName = nature.text !== '' && !/^_|\0/.test(nature.text) && nature.text.isWellFormed();
    return { codes: new Set([VALUE]), mayPass: isName };
  }
  return { codes: new Set([TYPE, VALUE]), mayPass: false };
}

/** Does each of these `runs` times. */
export async function fuzzSurface({ seed, runs, journal }) {
  for (const [i, { name, values, run }] of actions.entries()) {
    const property = fc.asyncProperty(fc.tuple(...values), async (chosen) => {
      journal.begin(`${name}(${chosen.map(String).join(', ')})`);
      const g = new Guestfs();
      try {
        await run(g, ...chosen);
      } finally {
        await g.close();
      }
    });
    await fc.assert(property, { seed: seed + i, numRuns: runs, includeErrorInReport: true });
  }
}
