import { once } from 'node:events';
import { createServer } from 'node:http';
import { workerMetrics } from '../metrics';
import type { FleetWorker } from '../worker';

/** Serves the metrics of a worker at `/metrics`, until it is closed. */
export async function serveMetrics(
  worker: FleetWorker,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AsyncDisposable & { readonly address: string }> {
  const metrics = workerMetrics(worker);
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    const text = await metrics.registry.metrics();
    response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text);
  });
  // A worker that ends does not wait for whoever asks.
  server.unref();
  await once(server.listen(port, host), 'listening');
  const bound = server.address() as { address: string; port: number };
  return {
    address: `http://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}/metrics`,
    async [Symbol.asyncDispose]() {
      metrics[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}
