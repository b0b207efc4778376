import { checkedKey } from './folder';
import { type ResultStore, usualRetention } from './store';

/** The part of a pool of `pg` that is used. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
  on?(event: 'error', listener: () => void): unknown;
}

const cleanEveryMs = 3_600_000;

/** Keeps results in a table of PostgreSQL, which it makes: `guestfs_results`. */
export class PostgresStore implements ResultStore {
  readonly #pool: PostgresPool;
  readonly #retention: number;
  #ready: Promise<unknown> | undefined;
  #cleanedAt = 0;

  /** @param options - `retention`: time for which results are kept, milliseconds; default: a week */
  constructor(
    pool: PostgresPool,
    { retention = usualRetention }: { readonly retention?: number | undefined } = {},
  ) {
    this.#pool = pool;
    // A lost connection that nobody uses would end the process; the next query has another one.
    pool.on?.('error', () => undefined);
    this.#retention = retention;
  }

  async put(key: string, value: Buffer): Promise<void> {
    await this.#prepare();
    await this.#pool.query(
      'INSERT INTO guestfs_results (key, value, kept) VALUES ($1, $2, now()) ON CONFLICT (key) DO UPDATE SET value = excluded.value, kept = now()',
      [checkedKey(key), value],
    );
    if (Date.now() - this.#cleanedAt > Math.min(cleanEveryMs, this.#retention)) await this.clean();
  }

  async get(key: string): Promise<Buffer | undefined> {
    await this.#prepare();
    const { rows } = await this.#pool.query('SELECT value FROM guestfs_results WHERE key = $1', [
      checkedKey(key),
    ]);
    return rows[0]?.value as Buffer | undefined;
  }

  async delete(key: string): Promise<void> {
    await this.#prepare();
    await this.#pool.query('DELETE FROM guestfs_results WHERE key = $1', [checkedKey(key)]);
  }

  /** Removes what is kept too long. `put()` does so once an hour. */
  async clean(): Promise<void> {
    this.#cleanedAt = Date.now();
    const seconds = this.#retention / 1000;
    await this.#pool.query("DELETE FROM guestfs_results WHERE kept < now() - $1 * interval '1 second'", [
      seconds,
    ]);
  }

  /** The lock: two that make the table at the same time would be in each other's way. */
  #prepare(): Promise<unknown> {
    this.#ready ??= this.#pool
      .query(
        'DO $$ BEGIN PERFORM pg_advisory_xact_lock(20261130); CREATE TABLE IF NOT EXISTS guestfs_results (key text PRIMARY KEY, value bytea NOT NULL, kept timestamptz NOT NULL); CREATE INDEX IF NOT EXISTS guestfs_results_kept ON guestfs_results (kept); END $$',
      )
      .catch((error) => {
        this.#ready = undefined;
        throw error;
      });
    return this.#ready;
  }
}
