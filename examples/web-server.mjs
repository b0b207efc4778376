// A web server that says what is in the image that somebody uploads. It goes on answering all the while: no call of
// libguestfs blocks it, and what an image does wrong ends with that image's appliance.
//   node examples/web-server.mjs 8080
//   curl --data-binary @disk.qcow2 http://localhost:8080/
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { inspect } from 'guestfs';

const [port = '8080'] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return void response.end('POST a disk image here.\n');
  const folder = await mkdtemp(join(tmpdir(), 'upload-'));
  const gone = new AbortController();
  response.once('close', () => gone.abort()); // answered, or nobody waits any more
  try {
    const image = join(folder, 'image');
    await pipeline(request, createWriteStream(image), { signal: gone.signal });
    if (!(await standsAlone(image))) return void response.writeHead(422).end('not a qcow2 image by itself\n');
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(10 * 60_000)]);
    const report = await inspect({ path: image, format: 'qcow2' }, { signal, applications: false });
    response.setHeader('content-type', 'application/json').end(JSON.stringify(report));
  } catch (error) {
    if (!response.destroyed) response.writeHead(422).end(`${error.code}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/**
 * Whether a file is a qcow2 image that has no other file behind it. Any file of this server might be the backing file of
 * an upload, or its data file, and would be shown to whoever sent that.
 */
async function standsAlone(image) {
  const file = await open(image);
  try {
    const header = Buffer.alloc(80);
    await file.read(header, 0, header.length, 0);
    const isQcow2 = header.toString('latin1', 0, 4) === 'QFI\xfb' && header.readUInt32BE(4) >= 3;
    const hasBackingFile = header.readBigUInt64BE(8) !== 0n;
    const hasDataFile = (header.readBigUInt64BE(72) & 4n) !== 0n;
    return isQcow2 && !hasBackingFile && !hasDataFile;
  } finally {
    await file.close();
  }
}

server.listen(Number(port), () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://localhost:${address.port}/`);
});
