import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { JobQueue } from '../connection';
import { FleetError } from '../errors';
import { closeSoon, persist } from '../patience';
import { type ResultStore, usualRetention } from './store';

const [pack, unpack] = [promisify(brotliCompress), promisify(brotliDecompress)];

/** Bytes that a result may have when it is unpacked: what is packed may be a bomb. */
const mostBytes = 256 * 2 ** 20;

/** Results that are removed by one call: the server does nothing else meanwhile. */
const cleanedAtOnce = 1000;

/** The store that needs nothing more: the server of the queue. */
export class QueueStore implements ResultStore {
  readonly #queue: JobQueue;
  readonly #retention: number;
  #cleanedAt = 0;

  constructor(queue: JobQueue, retention = usualRetention) {
    this.#queue = queue;
    this.#retention = retention;
  }

  async put(key: string, value: Buffer): Promise<void> {
    const packed = await pack(value, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
    const data = { v: 1, packed: packed.toString('base64') };
    const existing = await persist(this.#queue, () => this.#queue.getJob(key));
    if (existing) await persist(this.#queue, () => existing.updateData(data));
    else await persist(this.#queue, () => this.#queue.add('result', data, { jobId: key }));
    await this.#clean();
  }

  async get(key: string): Promise<Buffer | undefined> {
    const job = await persist(this.#queue, () => this.#queue.getJob(key));
    const packed: unknown = job?.data?.packed;
    if (typeof packed !== 'string') return undefined;
    return await unpack(Buffer.from(packed, 'base64'), { maxOutputLength: mostBytes }).catch((cause) => {
      throw new FleetError('ERR_GUESTFS_FLEET_RESULT', `what the server has under ${key} is no result`, {
        cause,
      });
    });
  }

  async delete(key: string): Promise<void> {
    await persist(this.#queue, () => this.#queue.remove(key));
  }

  async close(): Promise<void> {
    await closeSoon(this.#queue);
  }

  /** Nothing is kept for ever. */
  async #clean(): Promise<void> {
    if (Date.now() - this.#cleanedAt < Math.min(this.#retention, 3_600_000)) return;
    this.#cleanedAt = Date.now();
    const some = () => this.#queue.clean(this.#retention, cleanedAtOnce, 'wait');
    while ((await persist(this.#queue, some)).length >= cleanedAtOnce);
  }
}
