// What a program may write, and the exact types that come back. Compiled, not run.
import { once } from 'node:events';
import {
  type AbortError,
  type Accelerator,
  type CallOptions,
  diagnose,
  diff,
  type EventName,
  type Finding,
  type FindingCode,
  Guestfs,
  GuestfsError,
  type GuestfsEvents,
  type GuestfsMethods,
  type GuestfsOptions,
  type InspectAllProgress,
  type InspectionReport,
  type InspectionResult,
  type InspectOptions,
  inspect,
  inspectAll,
  type LaunchOptions,
  type LaunchPhase,
  type LaunchWay,
  type LvmLv,
  type Mke2fsOptions,
  type PrivateData,
  type PrivateKey,
  type ProgressEvent,
  ProgressReporter,
  privateKey,
  type Stat,
  type Statns,
  type TemplateMode,
  type TemplateReport,
  type Xattr,
} from 'guestfs';
import { is, same } from './equal.js';

const g = new Guestfs();
const signal = new AbortController().signal;

export function returnKinds() {
  is<Promise<void>>()(g.sync(), true);
  is<Promise<boolean>>()(g.exists('/'), true);
  is<Promise<number>>()(g.getMemsize(), true);
  is<Promise<bigint>>()(g.filesize('/'), true);
  is<Promise<string>>()(g.cat('/'), true);
  is<Promise<string>>()(g.getBackend(), true);
  is<Promise<string | null>>()(g.getAppend(), true);
  is<Promise<string[]>>()(g.ls('/'), true);
  is<Promise<Map<string, string>>>()(g.listFilesystems(), true);
  is<Promise<Buffer>>()(g.readFile('/'), true);
  is<Promise<Statns>>()(g.statns('/'), true);
  is<Promise<Statns[]>>()(g.lstatnslist('/', ['etc']), true);
  is<Promise<Xattr[]>>()(g.getxattrs('/'), true);
}

export async function results() {
  const stat = await g.statns('/');
  is<bigint>()(stat.stSize, true);
  is<number | null>()((await g.lvsFull())[0]!.snapPercent, true);
  is<string>()((await g.lvsFull())[0]!.lvName, true);
  is<Buffer>()((await g.getxattrs('/'))[0]!.attrval, true);
  is<number>()((await g.partList('/dev/sda'))[0]!.partNum, true);
  for (const [device, type] of await g.listFilesystems()) {
    is<string>()(device, true);
    is<string>()(type, true);
  }
  const append = await g.getAppend();
  is<string>()(append === null ? '' : append, true);
  same<keyof Xattr, 'attrname' | 'attrval'>(true);
  same<Stat['mtime'], bigint>(true);
  same<LvmLv['copyPercent'], number | null>(true);
}

export function argumentKinds() {
  const readonly: readonly string[] = ['/'];
  g.command(readonly);
  g.setAppend(null);
  g.setAppend('quiet');
  g.truncateSize('/file', 1);
  g.truncateSize('/file', 2n ** 40n);
  g.write('/file', 'text');
  g.write('/file', new Uint8Array(3));
  g.write('/file', Buffer.from('bytes'));
  g.setAutosync(true);
  same<
    Parameters<Guestfs['mount']>,
    [mountable: string, mountpoint: string, options?: CallOptions | undefined]
  >(true);
  same<Parameters<Guestfs['pwrite']>[1], string | Uint8Array>(true);
  same<Parameters<Guestfs['pwrite']>[2], number | bigint>(true);
  same<Parameters<Guestfs['lstatnslist']>[1], readonly string[]>(true);
}

export function options() {
  g.ls('/', { signal, onProgress: (p) => is<ProgressEvent>()(p, true), killOnAbort: true });
  g.addDrive('disk', { readonly: true, format: 'raw', server: ['host'], blocksize: 512, signal });
  // What is not set may also be undefined, so that options can be passed on.
  g.addDrive('disk', { readonly: undefined, format: undefined, signal: undefined });
  g.sync({ signal: undefined, onProgress: undefined, killOnAbort: undefined });
  // The other name of a function takes the same.
  is<Promise<void>>()(g.addDriveOpts('disk', { readonly: true }), true);
  same<Parameters<Guestfs['mkfsOpts']>, Parameters<Guestfs['mkfs']>>(true);
  g.copyFileToFile('/a', '/b', { srcoffset: 1n, size: 4096, sparse: true });
  same<Mke2fsOptions['blockscount'], number | bigint | undefined>(true);
  same<NonNullable<Parameters<Guestfs['mke2fs']>[1]>, Mke2fsOptions>(true);
  same<CallOptions['onProgress'], ((event: ProgressEvent) => void) | undefined>(true);
}

/** The methods of libguestfs, each with its parameters and what its promise gives. */
type Methods = Pick<
  GuestfsMethods,
  {
    [K in keyof GuestfsMethods]-?: K extends keyof import('node:events').EventEmitter ? never : K;
  }[keyof GuestfsMethods]
>;
type Names = Extract<keyof Methods, string>;
type Result<K extends Names> = Methods[K] extends (...args: never[]) => Promise<infer R> ? R : unknown;
type IsAny<T> = 0 extends 1 & T ? true : false;
/** Methods for which something holds. */
type Where<Condition extends { [K in Names]: boolean }> = {
  [K in Names]: Condition[K] extends true ? K : never;
}[Names];

export function everyMethod() {
  // Enough of them: a mapping that finds none would let all that follows pass.
  same<'aclGetFile' | 'zfile' extends Names ? true : false, true>(true);
  same<
    Where<{ [K in Names]: Methods[K] extends (...args: never[]) => Promise<unknown> ? false : true }>,
    never
  >(true);
  same<Where<{ [K in Names]: IsAny<Result<K>> }>, never>(true);
  same<Where<{ [K in Names]: IsAny<Parameters<Methods[K]>[number]> }>, never>(true);
  // The last parameter of each takes the options of every call, and may be left out.
  type Last<P extends readonly unknown[]> = Required<P> extends readonly [...unknown[], infer O] ? O : never;
  same<Where<{ [K in Names]: CallOptions extends Last<Parameters<Methods[K]>> ? false : true }>, never>(true);
  same<Where<{ [K in Names]: Last<Parameters<Methods[K]>> extends CallOptions ? false : true }>, never>(true);
  same<keyof Methods extends keyof Guestfs ? true : false, true>(true);
}

export async function handle() {
  new Guestfs({ memsize: 1024, backendSettings: ['force_tcg'] as const, environment: undefined });
  const all: GuestfsOptions = {
    identifier: 'a',
    smp: 2,
    backend: 'direct',
    path: '/',
    cachedir: '/',
    tmpdir: '/',
  };
  is<Guestfs>()(new Guestfs(all), true);
  is<boolean>()(Guestfs.supports('xfsInfo2'), true);
  is<Promise<void>>()(g.launch({ timeout: 1000, accel: 'tcg', signal, onProgress: () => {} }), true);
  is<Promise<void>>()(g.close(), true);
  is<Promise<void>>()(g.kill(), true);
  is<Promise<void>>()(g.userCancel(), true);
  same<Accelerator, 'auto' | 'kvm' | 'tcg'>(true);
  same<LaunchOptions['accel'], Accelerator | undefined>(true);
  same<LaunchOptions['template'], TemplateMode | undefined>(true);
  same<TemplateMode, 'auto' | 'never' | 'only'>(true);
  same<ProgressEvent['phase'], LaunchPhase | undefined>(true);
  const { built, ms, cachedir } = await Guestfs.warm({ path: '/', cachedir: '/', tmpdir: '/', signal });
  is<boolean>()(built, true);
  is<number>()(ms, true);
  is<string>()(cachedir, true);
  const { template } = await Guestfs.warm({ template: 'only', memsize: 2048 });
  is<'made' | 'ready' | 'none'>()(template.state, true);
  const [listed] = await Guestfs.listTemplates({ cachedir: '/' });
  is<TemplateReport | undefined>()(listed, true);
  is<Promise<TemplateReport[]>>()(Guestfs.removeTemplates({ keys: ['a'] }), true);
  is<LaunchWay | undefined>()(g.launchWay, true);
  await inspect('a', { template: 'never' });
  diff('a', 'b', { template: 'auto' });
  inspectAll(['a'], { template: 'only' });
}

export async function events() {
  g.on('progress', (event) => is<ProgressEvent>()(event, true));
  g.once('warning', (text) => is<string>()(text, true));
  g.on('enter', (name) => is<string>()(name, true)).off('enter', () => {});
  g.on('launchDone', () => {}).addListener('close', () => {});
  const [event] = (await once(g, 'progress')) as GuestfsEvents['progress'];
  is<bigint>()(event.position, true);
  is<number>()(event.ratio, true);
  is<boolean>()(event.pulse, true);
  for await (const each of g.progress()) is<ProgressEvent>()(each, true);
  same<EventName, keyof GuestfsEvents>(true);
}

export function privateData() {
  const job = privateKey<{ id: number }>('acme:job');
  is<PrivateKey<{ id: number }>>()(job, true);
  is<PrivateData>()(g.private.set(job, { id: 7 }).set('any', Symbol()), true);
  is<{ id: number } | undefined>()(g.private.get(job), true);
  is<unknown>()(g.private.get('any'), true);
  is<boolean>()(g.private.has(job) && g.private.delete(job), true);
  is<number>()(g.private.size, true);
  is<string[]>()([...g.private.keys()], true);
  for (const [key, value] of g.private) {
    is<string>()(key, true);
    is<unknown>()(value, true);
  }
}

export async function reporters() {
  const reporter = new ProgressReporter({
    format: 'json',
    stream: process.stdout,
    interval: 500,
    label: 'disk',
  });
  is<ProgressReporter>()(reporter.attach(g), true);
  is<ProgressReporter>()(reporter.attach(g, { label: 'disk' }), true);
  reporter.clear();
  is<'bar' | 'text' | 'json' | 'none'>()(reporter.format, true);
  reporter.line('text');
  reporter.detach(g);
  reporter.close();
}

export async function inspection() {
  const report = await inspect([{ path: 'a', format: 'raw' }, 'b'], {
    keys: ['x', { device: '/dev/sda', key: 'y' }],
  });
  is<InspectionReport>()(report, true);
  is<number>()(report.images[0]!.virtualSize, true);
  is<string | null>()(report.filesystems[0]!.uuid, true);
  is<{ major: number; minor: number } | null>()(report.operatingSystems[0]!.version, true);
  is<string | undefined>()(report.operatingSystems[0]?.mountpoints[0]?.path, true);
  is<string | null | undefined>()(report.operatingSystems[0]?.windows?.systemroot, true);
  is<string>()(report.problems[0]!.code, true);
  is<number | undefined>()(report.operatingSystems[0]?.applications?.length, true);
  const options: InspectOptions = {
    onHandle: (handle) => is<Guestfs>()(handle, true),
    handleOptions: { smp: 2 },
  };
  await inspect('disk.qcow2', options);
}

export async function inspections() {
  const paths: string[] = ['a', 'b'];
  const images = inspectAll(paths, {
    concurrency: 2,
    signal,
    keys: ['x'],
    onProgress: (progress) => is<InspectAllProgress<string>>()(progress, true),
    onHandle: (handle, image, index) => {
      is<Guestfs>()(handle, true);
      is<string>()(image, true);
      is<number>()(index, true);
    },
  });
  is<AsyncIterableIterator<InspectionResult<string>>>()(images, true);
  for await (const { image, index, report, error } of images) {
    is<string>()(image, true);
    is<number>()(index, true);
    if (error) {
      is<Error>()(error, true);
      is<undefined>()(report, true);
    } else is<InspectionReport>()(report, true);
  }
  async function* found() {
    yield { path: 'a', format: 'raw' };
    yield ['b', { path: 'c' }];
  }
  for await (const result of inspectAll(found())) {
    if (result.report) is<number>()(result.report.images.length, true);
    else is<string>()(result.error.message, true);
  }
  inspectAll(new Set(['a']));
}

export async function diagnoses() {
  const findings = await diagnose({
    images: ['a', { path: 'b', format: 'raw' }],
    timeout: 1000,
    signal,
    handleOptions: { memsize: 512 },
    onFinding: (finding) => is<Finding>()(finding, true),
    onHandle: (handle) => is<Guestfs>()(handle, true),
  });
  is<Finding[]>()(findings, true);
  for (const { code, severity, title, detail, remedy } of findings) {
    is<FindingCode>()(code, true);
    is<'ok' | 'warning' | 'error'>()(severity, true);
    is<string>()(title + detail, true);
    is<string | null>()(remedy, true);
  }
}

export function errors(error: unknown) {
  if (error instanceof GuestfsError) {
    is<string>()(error.code, true);
    is<number>()(error.errno, true);
    is<string>()(error.operation, true);
    is<unknown>()(error.cause, true);
  }
  same<AbortError['code'], 'ABORT_ERR'>(true);
}
