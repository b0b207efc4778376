// In whose asynchronous context callbacks run, over functions in the place of libguestfs's that need no appliance.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { compileWithHeader } from '../support/c-library';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

jest.setTimeout(60_000);

const folder = temporaryFolder();
let library: string;

beforeAll(() => {
  writeFileSync(folder.file('disk.img'), Buffer.alloc(65536));
  library = compileWithHeader(
    `
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <unistd.h>

    void *in_the_process = guestfs_create;  // for dlsym
    static guestfs_progress_cb progress;
    static guestfs_event_callback event;

    void guestfs_set_progress_callback(guestfs_h *g, guestfs_progress_cb callback, void *opaque) {
      progress = callback;
    }
    int guestfs_set_event_callback(guestfs_h *g, guestfs_event_callback callback, uint64_t events, int flags, void *opaque) {
      int (*original)(guestfs_h *, guestfs_event_callback, uint64_t, int, void *);
      *(void **) &original = dlsym(RTLD_NEXT, "guestfs_set_event_callback");
      event = callback;
      return original(g, callback, events, flags, opaque);
    }
    static void says(guestfs_h *g, const char *text) {
      event(g, NULL, GUESTFS_EVENT_APPLIANCE, 0, 0, text, strlen(text), NULL, 0);
    }

    char *guestfs_debug(guestfs_h *g, const char *command, char *const *arguments) {
      progress(g, NULL, 1, 1, 1, 2);
      return strdup("ok");
    }
    int guestfs_launch(guestfs_h *g) {
      says(g, "[    0.000000] Linux version 6\\n");
      progress(g, NULL, 0, 0, 6, 12);
      says(g, "Starting /init script ...\\n");
      return 0;
    }
    static volatile int cancelled;
    int guestfs_user_cancel(guestfs_h *g) {
      cancelled = 1;
      return 0;
    }
    int guestfs_upload(guestfs_h *g, const char *local, const char *remote) {
      char buffer[4096];
      int fd = open(local, O_RDONLY | O_NONBLOCK);
      cancelled = 0;
      while (!cancelled && read(fd, buffer, sizeof buffer) != 0) usleep(1000);
      close(fd);
      return cancelled ? -1 : 0;
    }
    int guestfs_download(guestfs_h *g, const char *remote, const char *local) {
      int fd = open(local, O_WRONLY);
      ssize_t written = write(fd, "content", 7);
      close(fd);
      return written == 7 ? 0 : -1;
    }
    struct guestfs_statns *guestfs_statns(guestfs_h *g, const char *path) {
      struct guestfs_statns *stat = calloc(1, sizeof *stat);
      stat->st_mode = S_IFDIR;
      return stat;
    }
    struct guestfs_dirent_list *guestfs_readdir(guestfs_h *g, const char *directory) {
      struct guestfs_dirent_list *list = calloc(1, sizeof *list);
      list->len = 1;
      list->val = calloc(1, sizeof *list->val);
      list->val[0].ftyp = 'r';
      list->val[0].name = strdup("file");
      return list;
    }
    struct guestfs_statns_list *guestfs_lstatnslist(guestfs_h *g, const char *directory, char *const *names) {
      struct guestfs_statns_list *list = calloc(1, sizeof *list);
      list->len = 1;
      list->val = calloc(1, sizeof *list->val);
      list->val[0].st_mode = S_IFREG;
      return list;
    }
    char *guestfs_realpath(guestfs_h *g, const char *path) {
      return strdup(path);
    }
    int guestfs_tar_out_opts_argv(guestfs_h *g, const char *directory, const char *local, const struct guestfs_tar_out_opts_argv *options) {
      progress(g, NULL, 2, 2, 1, 2);
      return guestfs_download(g, directory, local);
    }`,
    folder,
  );
});
afterAll(() => folder[Symbol.dispose]());

/**
 * The contexts that each callback has seen: `g` is made in that of the `handle`, what `calls` does is in that of the
 * `call`, what it returns runs in that of a `consumer`.
 */
const seenBy = (calls: string) =>
  resultOf<Record<string, string[]>>(
    `
    const { AsyncLocalStorage } = require('node:async_hooks');
    const { Readable, Writable } = require('node:stream');
    const context = new AsyncLocalStorage();
    const seen = {};
    const see = (what) => {
      seen[what] ??= [];
      const name = String(context.getStore());
      if (!seen[what].includes(name)) seen[what].push(name);
    };
    const g = context.run('handle', () => new Guestfs());
    const ignore = () => undefined;
    const consume = await context.run('call', async () => { ${calls} });
    await context.run('consumer', async () => consume?.());
    await g.close();
    console.log(JSON.stringify(seen));`,
    { env: { LD_PRELOAD: library } },
  );

test('onProgress has that of its call', async () => {
  const seen = await seenBy(`await g.debug('progress', ['1'], { onProgress: () => see('onProgress') });`);
  expect(seen).toEqual({ onProgress: ['call'] });
});

test('onProgress of a launch has it in every phase', async () => {
  const seen = await seenBy(`
    await g.launch({ accel: 'tcg', onProgress: ({ phase, position }) => see(phase + ' ' + position) });`);
  expect(seen).toEqual({
    'appliance 0': ['call'],
    'kernel 6': ['call'],
    'init 9': ['call'],
    'ready 12': ['call'],
  });
});

test('streams in the place of files have it, whatever becomes of them', async () => {
  const seen = await seenBy(`
    await g.upload((async function* () { see('generator'); yield 'content'; see('generator'); })(), '/file');
    await g.upload(new Readable({ read() { see('read'); this.push(null); } }), '/file');
    const failing = new Readable({
      read() { this.destroy(new Error('mine')); },
      destroy(error, done) { see('destroy source'); done(error); },
    });
    await g.upload(failing, '/file').catch(() => see('caught'));
    await g.download('/file', new Writable({
      write(chunk, encoding, done) { see('write'); done(); },
      final(done) { see('final'); done(); },
    }));
    await g.download('/file', new WritableStream({ write() { see('web write'); }, close() { see('web close'); } }));
    const full = new Writable({
      write(chunk, encoding, done) { done(new Error('mine')); },
      destroy(error, done) { see('destroy target'); done(error); },
    });
    full.on('error', () => see('error of the target'));
    await g.download('/file', full).catch(() => see('caught'));`);
  expect(seen).toEqual({
    generator: ['call'],
    read: ['call'],
    'destroy source': ['call'],
    write: ['call'],
    final: ['call'],
    'web write': ['call'],
    'web close': ['call'],
    'destroy target': ['call'],
    'error of the target': ['call'],
    caught: ['call'],
  });
});

test('a stream has it when kill() gives it up', async () => {
  const seen = await seenBy(`
    const stuck = new Writable({
      write() { setImmediate(() => context.run('killer', () => g.kill())); },
      destroy(error, done) { see('destroy'); done(error); },
    });
    await g.download('/file', stuck).catch(({ code }) => see(code));`);
  expect(seen).toEqual({ destroy: ['call'], ERR_GUESTFS_TERMINATED: ['call'] });
});

test('callbacks of what is consumed elsewhere have that of the call', async () => {
  const seen = await seenBy(`
    const { inspectAll, diff } = guestfs;
    const archive = g.tarOutStream('/', { onProgress: () => see('tarOutStream onProgress') });
    const walk = g.walk('/', { filter: () => see('walk filter') });
    const reports = inspectAll(['/nonexistent'], { onProgress: ({ type }) => see('inspectAll ' + type) });
    const disk = { path: ${JSON.stringify(folder.file('disk.img'))}, format: 'raw' };
    const differences = diff(disk, disk, { onHandle: () => see('diff onHandle') });
    return async () => {
      archive.resume();
      for await (const _ of walk);
      for await (const _ of reports);
      await differences.next().catch(ignore);
      see('consumer');
    };`);
  expect(seen).toEqual({
    'tarOutStream onProgress': ['call'],
    'walk filter': ['call'],
    'inspectAll start': ['call'],
    'inspectAll end': ['call'],
    'diff onHandle': ['call'],
    consumer: ['consumer'],
  });
});

test('subscribers of guestfs:call have it', async () => {
  const seen = await seenBy(`
    const { tracingChannel } = require('node:diagnostics_channel');
    const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
    const subscribers = Object.fromEntries(names.map((name) => [name, () => see(name)]));
    tracingChannel('guestfs:call').subscribe(subscribers);
    await g.getSmp();
    await g.addDrive('/nonexistent').catch(ignore);
    await g.launch({ accel: 'tcg', timeout: 60_000 });
    tracingChannel('guestfs:call').unsubscribe(subscribers);`);
  expect(seen).toEqual({
    ...{ start: ['call'], end: ['call'], asyncStart: ['call'], asyncEnd: ['call'], error: ['call'] },
  });
});
