import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { canonicalJson, sha256Hex } from '../model/digest.ts';

type Tx = Transaction<Database>;

/** `detail` of an attempt on the way; it stays there when the process dies in it. */
export const IN_FLIGHT = 'in flight';

/** One attempt, written down before the request leaves. */
export interface PushClaim {
  readonly pushId: number;
  readonly idempotencyKey: string;
  readonly clueNo: string;
  readonly revision: number;
  /** Bytes to send: the same at every attempt. */
  readonly body: string;
  /** 1, 2, 3 …; also the number of attempts so far. */
  readonly attempt: number;
  /** Whether an earlier attempt may have reached the platform. */
  readonly maybeHeld: boolean;
}

/**
 * Takes a revision for one attempt. Undefined: it is not pending (sent, superseded, dead), not yet
 * due again, or another revision of its clue is on the way; pushes are serial per clue. An attempt
 * counts as on the way for `leaseMs`, so that a process that died in it blocks its clue no longer
 * than that.
 */
export async function claimPush(
  db: Kysely<Database>,
  idempotencyKey: string,
  leaseMs: number,
): Promise<PushClaim | undefined> {
  return db.transaction().execute(async (tx) => {
    // The clue's row is the lock of everything that belongs to it.
    const locked = await sql`select 1 from enforcement.clue where clue_no =
      (select clue_no from enforcement.outbox where idempotency_key = ${idempotencyKey})
      for update`.execute(tx);
    if (locked.rows.length === 0) return undefined;
    const row = await tx
      .selectFrom('enforcement.outbox')
      .select(['clue_no', 'revision', 'body', 'attempts'])
      .where('idempotency_key', '=', idempotencyKey)
      .where('state', '=', 'pending')
      .where('next_attempt_at', '<=', sql<Date>`clock_timestamp()`)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const busy = await isBusy(tx, row.clue_no, leaseMs);
    const attempt = row.attempts + (busy ? 0 : 1);
    // Whoever settles the push on the way calls a busy row; the lease is for when nobody does.
    await tx
      .updateTable('enforcement.outbox')
      .set({ attempts: attempt, next_attempt_at: sql<Date>`clock_timestamp() + ${span(leaseMs)}` })
      .where('idempotency_key', '=', idempotencyKey)
      .execute();
    if (busy) return undefined;
    const maybeHeld = await mayBeHeld(tx, idempotencyKey);
    const body = canonicalJson(row.body);
    const { id } = await tx
      .insertInto('enforcement.push')
      .values({
        idempotency_key: idempotencyKey,
        attempt,
        at: sql<Date>`clock_timestamp()`,
        request_sha256: sha256Hex(body),
        status: null,
        detail: IN_FLIGHT,
        took_ms: 0,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const { clue_no: clueNo, revision } = row;
    return { pushId: id, idempotencyKey, clueNo, revision, body, attempt, maybeHeld };
  });
}

const span = (ms: number): RawBuilder<string> => sql`make_interval(secs => ${ms / 1_000})`;

/** Whether a push of the clue is on the way. */
async function isBusy(tx: Tx, clueNo: string, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`select 1 from enforcement.push p
    join enforcement.outbox o using (idempotency_key)
    where o.clue_no = ${clueNo} and p.detail = ${IN_FLIGHT}
    and p.at > clock_timestamp() - ${span(leaseMs)} limit 1`.execute(tx);
  return rows.length > 0;
}

/**
 * 429 and 503 say that nothing was taken; after anything else that is tried again, nobody knows.
 */
async function mayBeHeld(tx: Tx, idempotencyKey: string): Promise<boolean> {
  const last = await tx
    .selectFrom('enforcement.push')
    .select('status')
    .where('idempotency_key', '=', idempotencyKey)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last !== undefined && last.status !== 429 && last.status !== 503;
}
