// Calls that are given up when libguestfs has already done its part, over functions that take their time to return.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileWithHeader } from '../support/c-library';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

const size = 512 * 1024;
const folder = temporaryFolder();
let library: string;

beforeAll(() => {
  library = compileWithHeader(
    `
    #include <fcntl.h>
    #include <stdlib.h>
    #include <unistd.h>

    static const useconds_t a_moment = 300000;

    int guestfs_download(guestfs_h *g, const char *remotefilename, const char *filename) {
      char *content = calloc(1, ${size});
      int fd = open(filename, O_WRONLY);
      ssize_t written = write(fd, content, ${size});
      close(fd);
      free(content);
      usleep(a_moment);
      return written == ${size} ? 0 : -1;
    }
    int guestfs_launch(guestfs_h *g) {
      usleep(a_moment);
      return 0;
    }`,
    folder,
  );
});
afterAll(() => folder[Symbol.dispose]());

/** What becomes of a download into a slow stream, when `interfere` is done in the middle. */
const download = (interfere: string) =>
  resultOf<{ outcome: string; received: number }>(
    `
    const { Writable } = require('stream');
    const g = new Guestfs();
    let received = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk, encoding, done) {
        received += chunk.length;
        setTimeout(done, 50);
      },
    });
    const call = g.download('/file', slow).then(() => 'whole', ({ code }) => code);
    setTimeout(() => { ${interfere} }, 100);
    const outcome = await call;
    console.log(JSON.stringify({ outcome, received }));
    await g.close();`,
    { env: { LD_PRELOAD: library } },
  );

test('a download ends well when nobody interferes', async () => {
  expect(await download('')).toEqual({ outcome: 'whole', received: size });
});

test('userCancel() makes no whole file of what it has taken out of the pipe', async () => {
  expect(await download('void g.userCancel()')).toMatchObject({ outcome: 'EINTR' });
});

test('nor does kill()', async () => {
  expect(await download('void g.kill()')).toMatchObject({ outcome: 'ERR_GUESTFS_TERMINATED' });
});

test.each([
  ['kill()', `setTimeout(() => g.kill(), 100)`, 'ERR_GUESTFS_TERMINATED'],
  ['an abort', `setTimeout(() => controller.abort(), 100)`, 'ABORT_ERR'],
  ['kill() by who hears that it is up', `ready = () => g.kill()`, 'ERR_GUESTFS_TERMINATED'],
  ['an abort by who hears that it is up', `ready = () => controller.abort()`, 'ABORT_ERR'],
])('%s leaves no launch that seems to have succeeded', async (_, interfere, code) => {
  const outcomes = await resultOf<string[]>(
    `
    const g = new Guestfs();
    const controller = new AbortController();
    let ready = () => undefined;
    ${interfere};
    const options = {
      accel: 'tcg',
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'ready' && ready(),
    };
    const outcome = await g.launch(options).then(() => 'launched', ({ code }) => code);
    console.log(JSON.stringify([outcome]));
    await g.close();`,
    { env: { LD_PRELOAD: library } },
  );
  expect(outcomes).toEqual([code]);
});
