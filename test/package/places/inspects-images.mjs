// In a worker: a handle is used, and left open.
import { parentPort, threadId } from 'node:worker_threads';
import { Guestfs, versions } from 'guestfs';

const g = new Guestfs();
const { major } = await g.version();
parentPort.postMessage(`libguestfs ${versions.libguestfs} ${major} in thread ${threadId}`);
