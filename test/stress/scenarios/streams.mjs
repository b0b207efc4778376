// Streams in the place of files on the host, for calls that end before anything is transferred.
import { PassThrough, Readable } from 'node:stream';
import { collectGarbage, Guestfs, rejection, settled, withHandle } from '../library.mjs';

export async function streams({ times }) {
  await withHandle(async (g) => {
    for (let i = 0; i < times(50); i++) {
      await refused(g);
      await aborted(g, i % 5);
    }
  });
  for (let i = 0; i < times(10); i++) {
    await ended((g) => g.close());
    await ended((g) => g.kill());
    await ended(() => collectGarbage());
  }
}

/** Without an appliance there is nothing to transfer from or to. */
const transfers = [
  (g, options) => g.upload(Readable.from(['some ', 'data']), '/file', options),
  (g, options) => g.upload(Buffer.alloc(1000), '/file', options),
  (g, options) => g.upload(failing(), '/file', options),
  (g, options) => g.download('/file', new PassThrough(), options),
  (g, options) => g.tarOut('/', new PassThrough(), options),
];

// biome-ignore lint/correctness/useYield: it fails before
async function* failing() {
  throw new Error('from a stream');
}

async function refused(g) {
  await Promise.all(transfers.map((transfer) => rejection(transfer(g))));
  await rejection(g.upload(7, '/file'), 'ERR_INVALID_ARG_TYPE');
}

async function aborted(g, ms) {
  const controller = new AbortController();
  const calls = settled(transfers.map((transfer) => transfer(g, { signal: controller.signal })));
  setTimeout(() => controller.abort(), ms);
  await calls;
}

async function ended(end) {
  const g = new Guestfs();
  const calls = settled(transfers.map((transfer) => transfer(g)));
  await end(g);
  await calls;
  await g.close();
}
