import type pg from 'pg';
import { fail, ok, type Result } from '../../model/result.ts';
import { mayReplace } from './holder.ts';

/** The right to write something of a shard. */
export interface Lease {
  readonly shard: string;
  /** Raised by each taker; every write checks it. */
  readonly token: number;
}

/** The right to write one shard's journal, and the head it goes on from. */
export interface JournalLease extends Lease {
  readonly pos: number;
  readonly headHash: Buffer;
}

export interface LeaseOptions {
  readonly shard: string;
  /** Who asks (`holderOf`): a process takes its own lease back at once, and after a crash its heir. */
  readonly holder: string;
  readonly durationMs: number;
}

/** What a lease is for: writing the journal, or moving the output cursor. */
type Purpose = 'journal' | 'evaluator';

const TABLE: Readonly<Record<Purpose, string>> = {
  journal: 'telemetry.shard',
  evaluator: 'telemetry.evaluator_lease',
};

/** A row that nobody holds yet; `head_hash` is the `prev_hash` of the first block. */
const FIRST: Readonly<Record<Purpose, string>> = {
  journal: `insert into telemetry.shard (shard, token, holder, until_ms, pos, head_hash)
    values ($1, 0, '', 0, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing`,
  evaluator: `insert into telemetry.evaluator_lease (shard, token, holder, until_ms)
    values ($1, 0, '', 0) on conflict do nothing`,
};

/** The database's clock decides: two hubs need not agree on the time. */
const NOW_MS = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** Takes the lease of a shard's journal. */
export async function takeLease(
  pool: pg.Pool,
  options: LeaseOptions,
): Promise<Result<JournalLease, 'held'>> {
  const taken = await take<LeaseRow & { pos: number; head_hash: Buffer }>(pool, 'journal', options);
  if (!taken.ok) return taken;
  const { shard, token, pos, head_hash: headHash } = taken.value;
  return ok({ shard, token, pos, headHash });
}

/** Takes the right to evaluate a shard: to move its output cursor and write what goes with it. */
export async function takeEvaluatorLease(
  pool: pg.Pool,
  options: LeaseOptions,
): Promise<Result<Lease, 'held'>> {
  const taken = await take(pool, 'evaluator', options);
  return taken.ok ? ok({ shard: taken.value.shard, token: taken.value.token }) : taken;
}

interface LeaseRow {
  readonly shard: string;
  readonly token: number;
}

/**
 * Takes a lease when it is free, run out, or of this process or its dead forerunner; the token is raised. Waits for
 * transactions under the old token (`for update` against their `for key share`), so that none of them
 * commits after this returns.
 */
async function take<Row extends LeaseRow>(
  pool: pg.Pool,
  purpose: Purpose,
  { shard, holder, durationMs }: LeaseOptions,
): Promise<Result<Row, 'held'>> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(FIRST[purpose], [shard]);
    const found = await client.query<{ holder: string; free: boolean }>(
      `select holder, until_ms < ${NOW_MS} as free
       from ${TABLE[purpose]} where shard = $1 for update`,
      [shard],
    );
    const held = found.rows[0];
    if (held === undefined || !(held.free || mayReplace(held.holder, holder))) {
      await client.query('rollback');
      return fail('held', `${purpose} of shard ${shard} is held by ${held?.holder}`);
    }
    const taken = await client.query<Row>(
      `update ${TABLE[purpose]} set token = token + 1, holder = $2, until_ms = ${NOW_MS} + $3
       where shard = $1 returning *`,
      [shard, holder, durationMs],
    );
    await client.query('commit');
    return ok(taken.rows[0] as Row);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** Waits until the lease is free; rejects when the signal aborts. */
export async function waitForLease<Taken extends Lease>(
  take: () => Promise<Result<Taken, 'held'>>,
  {
    durationMs,
    signal,
    onWaiting,
  }: { durationMs: number; signal: AbortSignal; onWaiting: (detail: string) => void },
): Promise<Taken> {
  for (;;) {
    const taken = await take();
    if (taken.ok) return taken.value;
    onWaiting(taken.detail);
    await new Promise((next) => setTimeout(next, durationMs / 5));
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
  purpose: Purpose,
  lease: Lease,
  durationMs: number,
  onLost: () => void,
): LeaseKeeper {
  let renewing: Promise<void> | undefined;
  const setUntil = (leftMs: number): Promise<pg.QueryResult> =>
    pool.query(
      `update ${TABLE[purpose]} set until_ms = ${NOW_MS} + $3 where shard = $1 and token = $2`,
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
