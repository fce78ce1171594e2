import type pg from 'pg';
import { followJournal } from '../../src/ingest/journal/follow.ts';
import { canonicalJson, sha256Hex } from '../../src/model/digest.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import { silentLog } from '../database/test-database.ts';

/** Every entry of the journal, read from the blocks. */
export async function readJournal(pool: pg.Pool): Promise<JournalEntry[]> {
  const { rows } = await pool.query(`select pos from telemetry.shard where shard = 'main'`);
  const head = Number(rows[0].pos);
  const found: JournalEntry[] = [];
  const stop = new AbortController();
  if (head === 0) return found;
  for await (const entries of followJournal({
    pool,
    shard: 'main',
    fromPos: 1,
    entriesMax: 10_000,
    log: silentLog,
    signal: stop.signal,
  })) {
    found.push(...entries);
    if (entries.at(-1)!.pos >= head) stop.abort();
  }
  return found;
}

/** `gateway epoch seq sha256` of every stored batch, sorted. */
export const batchKeys = (entries: readonly JournalEntry[]): string[] =>
  entries
    .flatMap((entry) =>
      entry.kind === 'batch'
        ? [`${entry.gateway} ${entry.epoch} ${entry.seq} ${entry.sha256}`]
        : [],
    )
    .sort();

/** `result key → result hash` of the latest revisions, sorted. */
export async function latestResultHashes(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `select distinct on (result_key) result_key, result_hash from exposure.window_result
     order by result_key, revision desc`,
  );
  return rows.map((row) => `${row.result_key} ${row.result_hash}`).sort();
}

/** `result key revision → result hash` of all revisions, sorted. */
export async function resultRevisions(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    'select result_key, revision, result_hash from exposure.window_result',
  );
  return rows.map((row) => `${row.result_key} ${row.revision} ${row.result_hash}`).sort();
}

/** `clue number → revision`, sorted. */
export async function clueRevisions(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query('select clue_no, revision from enforcement.clue');
  return rows.map((row) => `${row.clue_no} ${row.revision}`).sort();
}

/** What was released to be pushed: `idempotency key → SHA-256 of the bytes`, sorted. */
export async function releases(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query('select idempotency_key, body from enforcement.outbox');
  return rows.map((row) => `${row.idempotency_key} ${sha256Hex(canonicalJson(row.body))}`).sort();
}

/** The highest revision of each clue, as `releases` gives it, sorted. */
export async function latestReleases(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `select distinct on (clue_no) idempotency_key, body from enforcement.outbox
     order by clue_no, revision desc`,
  );
  return rows.map((row) => `${row.idempotency_key} ${sha256Hex(canonicalJson(row.body))}`).sort();
}

/** Waits until everything journaled is evaluated and nothing released waits to be pushed. */
export async function settled(pool: pg.Pool, withinMs: number): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const { rows } = await pool.query(
      `select (select pos from telemetry.shard where shard = 'main') as head,
         (select pos from telemetry.sink_cursor where shard = 'main' and name = 'evaluator') as done,
         (select json_agg(json_build_array(idempotency_key, attempts, last_error))
          from enforcement.outbox where state = 'pending') as waiting`,
    );
    const { head, done, waiting } = rows[0];
    if (Number(done) >= Number(head) && waiting === null) return;
    if (Date.now() > deadlineMs) {
      const pushes = JSON.stringify(waiting);
      throw new Error(`not settled in ${withinMs} ms: ${done} of ${head} evaluated, ${pushes}`);
    }
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** Waits until a condition holds. Rejects with the last answer when time runs out. */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => Promise<T | null>,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
