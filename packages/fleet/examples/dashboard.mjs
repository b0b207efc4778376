// A dashboard of a fleet: bull-board shows its queue, which is one of BullMQ, with the jobs, their progress and failures.
//   npm install @guestfs/fleet ioredis @bull-board/api @bull-board/express express   # for PostgreSQL: pg
//   GUESTFS_FLEET_REDIS=redis://queue.example node dashboard.mjs [PORT [NAME]]   # or GUESTFS_FLEET_POSTGRES
// It has no passwords of its own, so it listens on this machine alone: from another one, ssh -L 3000:127.0.0.1:3000 HOST.
// It shows, and changes nothing: `guestfs-fleet cancel` and `retry` know of batches, which bull-board does not.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { createPostgresBackend, Queue } from 'bullmq';
import express from 'express';

const [port = '3000', name = 'guestfs'] = process.argv.slice(2);
const { GUESTFS_FLEET_POSTGRES: postgres, GUESTFS_FLEET_REDIS: redis = 'redis://127.0.0.1' } = process.env;

const queue = postgres
  ? new Queue(name, { connection: { connectionString: postgres } }, createPostgresBackend)
  : new Queue(name, { connection: { url: redis } });
queue.on('error', ({ message, code }) => console.error(message || code));
const board = new ExpressAdapter();
createBullBoard({ queues: [new BullMQAdapter(queue, { readOnlyMode: true })], serverAdapter: board });

// Pages of others could reach it by a name of theirs that leads to this machine.
const ownNames = (request, response, next) =>
  ['127.0.0.1', 'localhost'].includes(request.hostname) ? next() : response.sendStatus(403);
const server = createServer(express().use(ownNames, board.getRouter()));
await once(server.listen(Number(port), '127.0.0.1'), 'listening');
console.log(`http://127.0.0.1:${server.address().port}`);

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    // close() would wait for a server that does not answer.
    await queue.disconnect();
  });
