/** A web server of this process that gives one image, in parts, perhaps only to somebody with a password. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ImageServer extends AsyncDisposable {
  readonly port: number;
  /** How many requests have come. */
  readonly requests: readonly string[];
}

export async function imageServer(
  content: Buffer,
  { login, query }: { login?: string; query?: string } = {},
): Promise<ImageServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  const answer = ({ method, url = '', headers }: IncomingMessage, response: ServerResponse) => {
    const [, given = ''] = url.split('?');
    const isLoggedIn = headers.authorization === `Basic ${Buffer.from(login ?? '').toString('base64')}`;
    if ((login !== undefined && !isLoggedIn) || (query !== undefined && given !== query))
      return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="images"' }).end();
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    const first = Number(from ?? 0);
    const last = to ? Math.min(Number(to), content.length - 1) : content.length - 1;
    const isPart = from !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      'Accept-Ranges': 'bytes',
      'Content-Length': last - first + 1,
      ...(isPart && { 'Content-Range': `bytes ${first}-${last}/${content.length}` }),
    });
    return method === 'HEAD' ? response.end() : response.end(content.subarray(first, last + 1));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
