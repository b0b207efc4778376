import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { type JobQueue, persist } from '../connection';
import { type ResultStore, usualRetention } from './store';

/** Bytes that a result may have when it is unpacked: what is packed may be a bomb. */
const mostBytes = 256 * 2 ** 20;

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
    const packed = brotliCompressSync(value, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
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
    return brotliDecompressSync(Buffer.from(packed, 'base64'), { maxOutputLength: mostBytes });
  }

  async delete(key: string): Promise<void> {
    await persist(this.#queue, () => this.#queue.remove(key));
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** Nothing is kept for ever. */
  async #clean(): Promise<void> {
    if (Date.now() - this.#cleanedAt < Math.min(this.#retention, 3_600_000)) return;
    this.#cleanedAt = Date.now();
    await persist(this.#queue, () => this.#queue.clean(this.#retention, 1000, 'wait'));
  }
}
