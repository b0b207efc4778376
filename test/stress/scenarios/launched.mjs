// A handle that is up: files, transfers, progress, thousands of round trips, and the loss of the appliance in a call.
import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { MiB, rejection, settled, withFolder, withHandle } from '../library.mjs';

export function launched({ times }) {
  return withHandle(async (g) => {
    await g.addDriveScratch(256 * MiB);
    await launch(g);
    for (let i = 0; i < times(3); i++) await files(g);
    await progress(g);
    await withFolder((folder) => transfers(g, folder));
    for (let i = 0; i < times(3); i++) await streams(g);
    await roundTrips(g, times(1000));
    await killed(g);
    await killedOnAbort(g);
    await killedInClose(g);
  });
}

async function launch(g) {
  for (const name of ['appliance', 'library', 'trace', 'enter', 'progress']) g.on(name, () => undefined);
  await Promise.all([g.setVerbose(true), g.setTrace(true)]);
  await g.launch();
  await Promise.all([g.setVerbose(false), g.setTrace(false)]);
  await g.mkfs('ext4', '/dev/sda');
  await g.mount('/dev/sda', '/');
}

/** Every kind of result, from the appliance. */
async function files(g) {
  const name = '/café 🐟 \udcff';
  await g.write(name, Buffer.alloc(MiB, 'data'));
  assert.equal((await g.readFile(name)).length, MiB);
  assert.equal((await g.lstat(name)).size, BigInt(MiB));
  assert.ok((await g.ls('/')).includes(name.slice(1)));
  assert.ok((await g.readdir('/')).length > 3);
  assert.ok((await g.tune2fsL('/dev/sda')).size > 20);
  assert.equal(await g.exists(name), true);
  await rejection(g.cat('/no-such-file'), 'ENOENT');
  await rejection(g.mount('/dev/sdz', '/'));
}

async function progress(g) {
  const seen = [];
  const stream = g.progress();
  void (async () => {
    for await (const event of stream) seen.push(event);
  })();
  const slow = () => {
    const end = performance.now() + 50;
    while (performance.now() < end);
  };
  await g.debug('progress', ['4'], { onProgress: slow });
  await stream.return();
  assert.ok(seen.length > 1, 'progress of a call that takes 4 s');
}

async function transfers(g, folder) {
  const local = (name) => join(folder, name);
  await writeFile(local('small'), 'small');
  await g.upload(local('small'), '/small');
  await g.download('/small', local('back'));
  assert.equal(await readFile(local('back'), 'utf8'), 'small');
  await rejection(g.upload(local('missing'), '/small'), 'ENOENT');
  await rejection(g.download('/no-such-file', local('back')), 'ENOENT');

  await writeFile(local('huge'), '');
  await truncate(local('huge'), 2 ** 36);
  await g.touch('/huge');
  await g.truncateSize('/huge', 2 ** 36);
  for (const ms of [1, 10, 100, 1000]) {
    const signal = () => ({ signal: AbortSignal.timeout(ms) });
    await rejection(g.download('/huge', '/dev/null', signal()), 'ABORT_ERR');
    await rejection(g.upload(local('huge'), '/upload', signal()), 'ABORT_ERR');
    await rejection(g.tarOut('/', '/dev/null', signal()), 'ABORT_ERR');
  }
  const download = rejection(g.download('/huge', '/dev/null'), 'EINTR');
  await sleep(500);
  await g.userCancel();
  await download;
}

/** Whole ones, and such as never go on: aborted while the pipe is empty, or full, or not there yet. */
async function streams(g) {
  const data = Buffer.alloc(3 * MiB, 'stream');
  await g.upload(Readable.from([data.subarray(0, 1000), data.subarray(1000)]), '/stream');
  await g.upload(data, '/bytes');
  assert.ok((await buffer(g.createReadStream('/stream'))).equals(data));
  for (const ms of [0, 1, 5, 20, 500]) {
    const signal = () => ({ signal: AbortSignal.timeout(ms) });
    await rejection(g.upload(new PassThrough(), '/stalled', signal()), 'ABORT_ERR');
    await rejection(g.download('/huge', new PassThrough(), signal()), 'ABORT_ERR');
  }
}

async function roundTrips(g, count) {
  const controller = new AbortController();
  const calls = Array.from({ length: count }, () => g.pingDaemon({ signal: controller.signal }));
  await calls[Math.floor(count / 2)];
  controller.abort();
  await settled(calls);
}

async function killed(g) {
  const calls = settled([g.debug('progress', ['60']), g.listDevices(), g.version()]);
  await sleep(3000);
  await g.kill();
  for (const { reason } of await calls) assert.equal(reason?.code, 'ERR_GUESTFS_TERMINATED');
}

async function killedOnAbort(g) {
  await g.launch();
  const options = { signal: AbortSignal.timeout(1000), killOnAbort: true };
  await rejection(g.debug('progress', ['60'], options), 'ABORT_ERR');
  await rejection(g.listDevices());
}

/** Which waits for a call. */
async function killedInClose(g) {
  await g.launch({ accel: 'tcg' });
  const calls = settled([g.debug('progress', ['1']), g.close()]);
  await sleep(1000);
  for (let i = 0; i < 50; i++) {
    await g.kill();
    await sleep(10);
  }
  const [, closed] = await calls;
  assert.equal(closed.status, 'fulfilled');
}
