import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { compileWithHeader } from '../support/c-library';
import { testUnless } from '../support/conditions';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { descendants } from '../support/processes';
import { resultOf, type ScriptOptions } from '../support/script';

// What ends a call has to look for its processes, also where no file can be opened any more. The call is one of a program
// on the host that waits for a FIFO.

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
  execFileSync('mkfifo', [folder.file('fifo')]);
});

afterEach(() => {
  folder[Symbol.dispose]();
  expect(descendants()).toEqual([]);
});

/** Runs `body` while qemu-img waits for the FIFO: `call` is the failure to come, `left()` which processes there are. */
function whileItWaits<T>(body: string, options: ScriptOptions = {}): Promise<T> {
  return resultOf<T>(
    `
    const fs = require('node:fs');
    const { execFileSync } = require('node:child_process');
    const { setTimeout: sleep } = require('node:timers/promises');
    const commandOf = (pid) => {
      try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0'); } catch { return []; }
    };
    const isOurs = ([program, ...args]) => program === 'qemu-img' && args.includes(process.env.FIFO);
    const left = () => fs.readdirSync('/proc').map(commandOf).filter(isOurs);
    const outcome = (promise) => promise.then(() => 'resolved', ({ code, errno, message }) => ({ code, errno, message }));
    delete process.env.LD_PRELOAD; // for programs on the host
    const g = new Guestfs();
    const controller = new AbortController();
    const options = { signal: controller.signal, killOnAbort: true };
    const call = outcome(g.diskFormat(process.env.FIFO, options));
    while (left().length === 0) await sleep(20);
    const seen = {};
    ${body}
    seen.left = left();
    await g.close();
    console.log(JSON.stringify(seen));
  `,
    { ...options, env: { FIFO: folder.file('fifo'), ...options.env } },
  );
}

/** Opens files until there is no descriptor left. */
const takeAll = `
  execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=128']);
  const open = [];
  try { for (;;) open.push(fs.openSync('/dev/null', 'r')); } catch {}
`;
const giveBack = 'for (const fd of open) fs.closeSync(fd);';

test('kill() finds them with its own last descriptor', async () => {
  const seen = await whileItWaits(`
    ${takeAll}
    seen.kill = await outcome(g.kill());
    seen.again = await outcome(g.kill());
    seen.call = (await call).code;
    ${giveBack}
  `);
  expect(seen).toEqual({ kill: 'resolved', again: 'resolved', call: 'ERR_GUESTFS_TERMINATED', left: [] });
});

test('so does an abort', async () => {
  const seen = await whileItWaits(`
    ${takeAll}
    controller.abort();
    seen.call = (await call).code;
    ${giveBack}
  `);
  expect(seen).toEqual({ call: 'ABORT_ERR', left: [] });
});

test('so does the end of a worker', async () => {
  const seen = await whileItWaits(`
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    await g.kill();
    const source = \`
      const { Guestfs } = require(process.env.ENTRY);
      new Guestfs().diskFormat(process.env.FIFO).catch(() => undefined);
    \`;
    const worker = new Worker(source, { eval: true, env: { ...process.env, ENTRY: require.resolve('guestfs') } });
    while (left().length === 0) await sleep(20);
    ${takeAll}
    await worker.terminate();
    ${giveBack}
  `);
  expect(seen).toEqual({ left: [] });
}, 30_000);

/** The machine's table of open files is full as long as a file \`full\` is there; \`spare\`: what is closed makes room. */
function machineWithFullTable(): ScriptOptions {
  const code = `
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <stdarg.h>
    #include <stdlib.h>
    #include <unistd.h>

    static _Atomic int room;
    static int is(const char *name) { return access(getenv(name), F_OK) == 0; }
    static int take(void) {
      if (!is("FULL") || (room > 0 && room-- > 0)) return 1;
      errno = ENFILE;
      return 0;
    }
    static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; }
    #define OPEN(name)                                                     \\
      int name(const char *path, int flags, ...) {                        \\
        va_list list;                                                     \\
        va_start(list, flags);                                            \\
        const mode_t mode = mode_of(flags, list);                         \\
        va_end(list);                                                     \\
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);    \\
        return take() ? real(path, flags, mode) : -1;                     \\
      }
    OPEN(open)
    OPEN(open64)
    int close(int fd) {
      int (*real)(int) = dlsym(RTLD_NEXT, "close");
      const int result = real(fd);
      if (result == 0 && is("FULL") && is("SPARE")) room++;
      return result;
    }
    long syscall(long number, ...) { /* there are no descriptors of processes; errno is an older one */
      va_list list;
      va_start(list, number);
      long a[6];
      for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
      va_end(list);
      long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
      if (number != 434) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
      errno = ESRCH;
      return -1;
    }
  `;
  const env = {
    LD_PRELOAD: compileWithHeader(code, folder),
    FULL: folder.file('full'),
    SPARE: folder.file('spare'),
  };
  return { env };
}

test('a machine whose table of files is full', async () => {
  const seen = await whileItWaits(
    `
    fs.writeFileSync(process.env.SPARE, '');
    fs.writeFileSync(process.env.FULL, '');
    seen.kill = await outcome(g.kill());
    fs.rmSync(process.env.FULL);
    seen.call = (await call).code;
  `,
    machineWithFullTable(),
  );
  expect(seen).toEqual({ kill: 'resolved', call: 'ERR_GUESTFS_TERMINATED', left: [] });
});

test('kill() says where it could not look', async () => {
  const seen = await whileItWaits<Record<string, unknown>>(
    `
    fs.writeFileSync(process.env.FULL, '');
    seen.kill = await outcome(g.kill());
    fs.rmSync(process.env.FULL);
    seen.before = left().length;
    seen.again = await outcome(g.kill());
    seen.call = (await call).code;
  `,
    machineWithFullTable(),
  );
  expect(seen).toEqual({
    kill: { code: 'ERR_GUESTFS_LIMIT', errno: 23, message: expect.any(String) },
    before: 1,
    again: 'resolved',
    call: 'ERR_GUESTFS_TERMINATED',
    left: [],
  });
  expect((seen.kill as { message: string }).message).toMatch(
    /^kill: not all that the handle has started could be found and ended: too many files are open on this machine\./,
  );
}, 30_000);

/** Why nothing can be mounted here. */
function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return '/dev/fuse cannot be used here';
  }
}

testUnless(whyNoMount())('close() detaches a local mount with its own last descriptor', async () => {
  const mount = folder.file('mount');
  mkdirSync(mount);
  const code = `
    #include <fcntl.h>
    #include <stdio.h>
    #include <sys/mount.h>

    int guestfs_mount_local_argv(guestfs_h *g, const char *place, const struct guestfs_mount_local_argv *options) {
      char data[64];
      const int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
      snprintf(data, sizeof data, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
      return mount("guest", place, "fuse.guest", 0, data);
    }
  `;
  const seen = await resultOf(
    `
    const fs = require('node:fs');
    const { execFileSync } = require('node:child_process');
    const isMounted = () =>
      fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(process.env.MOUNT.replaceAll(' ', '\\040') + ' ');
    delete process.env.LD_PRELOAD; // for programs on the host
    const g = new Guestfs();
    await g.mountLocal(process.env.MOUNT);
    const before = isMounted();
    ${takeAll}
    await g.close();
    ${giveBack}
    const after = isMounted();
    if (after) execFileSync('umount', ['--lazy', process.env.MOUNT]);
    console.log(JSON.stringify({ before, after }));
  `,
    { env: { LD_PRELOAD: compileWithHeader(code, folder), MOUNT: mount } },
  );
  expect(seen).toEqual({ before: true, after: false });
});
