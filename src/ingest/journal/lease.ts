import type pg from 'pg';
import { fail, ok, type Result } from '../../model/result.ts';

/** The right to write one shard's journal, and the head it goes on from. */
export interface Lease {
  readonly shard: string;
  /** Raised by each taker; every write checks it. */
  readonly token: number;
  readonly pos: number;
  readonly headHash: Buffer;
}

export interface LeaseOptions {
  readonly shard: string;
  /** Who asks: the same holder takes its own lease back at once, e.g. after a crash. */
  readonly holder: string;
  readonly durationMs: number;
}

/** `prev_hash` of the first block. */
const GENESIS = Buffer.alloc(32);

/** The database's clock decides: two hubs need not agree on the time. */
const NOW_MS = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/**
 * Takes the lease of a shard when it is free, run out, or this holder's own; the token is raised. Waits
 * for transactions under the old token (`for update` against their `for key share`), so that none of
 * them commits after this returns.
 */
export async function takeLease(
  pool: pg.Pool,
  { shard, holder, durationMs }: LeaseOptions,
): Promise<Result<Lease, 'held'>> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into telemetry.shard (shard, token, holder, until_ms, pos, head_hash)
       values ($1, 0, '', 0, 0, $2) on conflict do nothing`,
      [shard, GENESIS],
    );
    const found = await client.query<{ holder: string; until_ms: number; free: boolean }>(
      `select holder, until_ms, until_ms < ${NOW_MS} or holder = $2 as free
       from telemetry.shard where shard = $1 for update`,
      [shard, holder],
    );
    const held = found.rows[0];
    if (held?.free !== true) {
      await client.query('rollback');
      return fail('held', `shard ${shard} is held by ${held?.holder}`);
    }
    const taken = await client.query<{ token: number; pos: number; head_hash: Buffer }>(
      `update telemetry.shard set token = token + 1, holder = $2, until_ms = ${NOW_MS} + $3
       where shard = $1 returning token, pos, head_hash`,
      [shard, holder, durationMs],
    );
    await client.query('commit');
    const row = taken.rows[0] as { token: number; pos: number; head_hash: Buffer };
    return ok({ shard, token: row.token, pos: row.pos, headHash: row.head_hash });
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** Waits until the lease is free; rejects when the signal aborts. */
export async function waitForLease(
  pool: pg.Pool,
  options: LeaseOptions,
  { signal, onWaiting }: { signal: AbortSignal; onWaiting: (detail: string) => void },
): Promise<Lease> {
  for (;;) {
    const taken = await takeLease(pool, options);
    if (taken.ok) return taken.value;
    onWaiting(taken.detail);
    await new Promise((next) => setTimeout(next, options.durationMs / 5));
    signal.throwIfAborted();
  }
}

export interface LeaseKeeper {
  /** Stops renewing and gives the lease up, so that another may take it at once. */
  close(): Promise<void>;
}

/**
 * Renews the lease at a third of its duration. An unreachable database is no loss: the token still
 * guards every write. `onLost` is called once when another holder has raised the token.
 */
export function keepLease(
  pool: pg.Pool,
  lease: Lease,
  durationMs: number,
  onLost: () => void,
): LeaseKeeper {
  let renewing: Promise<void> | undefined;
  const setUntil = (leftMs: number): Promise<pg.QueryResult> =>
    pool.query(
      `update telemetry.shard set until_ms = ${NOW_MS} + $3 where shard = $1 and token = $2`,
      [lease.shard, lease.token, leftMs],
    );
  const renew = async (): Promise<void> => {
    try {
      const renewed = await setUntil(durationMs);
      if (renewed.rowCount === 0) {
        clearInterval(timer);
        onLost();
      }
    } catch {
      // The database is away; the writer says so, and the next renewal tries again.
    }
  };
  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
  }, durationMs / 3);
  return {
    async close() {
      clearInterval(timer);
      await renewing;
      await setUntil(-1).catch(() => undefined);
    },
  };
}
