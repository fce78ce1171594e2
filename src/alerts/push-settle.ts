import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { appendEvents } from './clue-events.ts';
import { type ClueMove, type ClueState, step } from './lifecycle.ts';
import type { PushClaim } from './push-claim.ts';
import type { PushOutcome } from './push-outcome.ts';

export interface Attempted {
  readonly outcome: PushOutcome;
  /** HTTP status of the last request of the attempt; null: no answer. */
  readonly status: number | null;
  readonly tookMs: number;
  /** Hub time at the end of the attempt, UTC ms. */
  readonly endedAtMs: number;
  /** When to come again, ms from now, if the outcome asks for it. */
  readonly delayMs: number;
}

type Tx = Transaction<Database>;

/** Writes down how an attempt ended: attempt, outbox row, receipt and clue change together. */
export async function settlePush(
  db: Kysely<Database>,
  claim: PushClaim,
  attempted: Attempted,
): Promise<void> {
  const { outcome } = attempted;
  await db.transaction().execute(async (tx) => {
    const clue = await tx
      .selectFrom('enforcement.clue')
      .select(['state', 'revision', 'updated_pos'])
      .where('clue_no', '=', claim.clueNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    await tx
      .updateTable('enforcement.push')
      .set({
        status: attempted.status,
        detail: outcome.kind === 'accepted' ? 'accepted' : outcome.detail,
        took_ms: Math.round(attempted.tookMs),
      })
      .where('id', '=', claim.pushId)
      .execute();
    // A revision that waits to be sent must not be taken for sent when an older one is answered.
    const state = clue.revision === claim.revision ? (clue.state as ClueState) : null;
    const change = { tx, claim, attempted, pos: clue.updated_pos, state };
    if (outcome.kind === 'accepted') await accept(change, outcome.receipt);
    else if (outcome.kind === 'refused') await refuse(change, outcome.detail);
    else await postpone(change, outcome.detail);
    await callNext(tx, claim);
  });
}

interface Change {
  readonly tx: Tx;
  readonly claim: PushClaim;
  readonly attempted: Attempted;
  readonly pos: number;
  /** The clue's state; null: it is about another revision. */
  readonly state: ClueState | null;
}

type Receipt = Extract<PushOutcome, { kind: 'accepted' }>['receipt'];

async function accept(change: Change, receipt: Receipt): Promise<void> {
  const { tx, claim, attempted, pos } = change;
  const inserted = await tx
    .insertInto('enforcement.receipt')
    .values({
      idempotency_key: claim.idempotencyKey,
      platform_no: receipt.platformNo,
      behavior_code: receipt.behaviorCode ?? null,
      body: JSON.stringify(receipt),
    })
    .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
    .returning('idempotency_key')
    .execute();
  await tx
    .updateTable('enforcement.outbox')
    .set({ state: 'sent', last_error: null })
    .where('idempotency_key', '=', claim.idempotencyKey)
    .execute();
  await tx
    .updateTable('enforcement.clue')
    .set((eb) => ({
      platform_no: receipt.platformNo,
      behavior_code: eb.fn.coalesce(eb.val(receipt.behaviorCode ?? null), 'behavior_code'),
    }))
    .where('clue_no', '=', claim.clueNo)
    .execute();
  if (inserted.length === 0) return;
  await moveClue(change, 'ACKNOWLEDGE');
  await appendEvents(tx, claim.clueNo, pos, [
    {
      type: 'ACKED',
      atMs: attempted.endedAtMs,
      reason: `revision ${claim.revision}`,
      detail: { idempotencyKey: claim.idempotencyKey, platformNo: receipt.platformNo },
    },
  ]);
}

async function refuse(change: Change, detail: string): Promise<void> {
  const { tx, claim, attempted, pos } = change;
  await tx
    .updateTable('enforcement.outbox')
    .set({ state: 'dead', last_error: detail })
    .where('idempotency_key', '=', claim.idempotencyKey)
    .execute();
  await moveClue(change, 'REFUSE');
  await appendEvents(tx, claim.clueNo, pos, [
    {
      type: 'PUSH_FAILED',
      atMs: attempted.endedAtMs,
      reason: detail,
      detail: { idempotencyKey: claim.idempotencyKey, status: attempted.status },
    },
  ]);
}

/** A row superseded meanwhile stays so: its newer revision goes next. */
async function postpone({ tx, claim, attempted }: Change, detail: string): Promise<void> {
  const delay = sql<string>`make_interval(secs => ${attempted.delayMs / 1_000})`;
  await tx
    .updateTable('enforcement.outbox')
    .set({ last_error: detail, next_attempt_at: sql<Date>`clock_timestamp() + ${delay}` })
    .where('idempotency_key', '=', claim.idempotencyKey)
    .where('state', '=', 'pending')
    .execute();
}

/** A newer revision that came while this one was on the way was put off; now it may go. */
async function callNext(tx: Tx, { clueNo, revision }: PushClaim): Promise<void> {
  await tx
    .updateTable('enforcement.outbox')
    .set({ next_attempt_at: sql<Date>`clock_timestamp()` })
    .where('clue_no', '=', clueNo)
    .where('revision', '>', revision)
    .where('state', '=', 'pending')
    .where('attempts', '=', 0)
    .execute();
}

async function moveClue({ tx, claim, state }: Change, move: ClueMove): Promise<void> {
  const next = state && step(state, move);
  if (next === null) return;
  await tx
    .updateTable('enforcement.clue')
    .set({ state: next })
    .where('clue_no', '=', claim.clueNo)
    .execute();
}
