import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { ClueEvent } from './clue-draft.ts';

/**
 * Appends to a clue's log. The caller holds the clue's row lock: the next number is read after it,
 * or two writers would take the same one.
 */
export async function appendEvents(
  tx: Transaction<Database>,
  clueNo: string,
  pos: number,
  events: readonly ClueEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const { last } = await tx
    .selectFrom('enforcement.clue_event')
    .select((eb) => eb.fn.max('seq').as('last'))
    .where('clue_no', '=', clueNo)
    .executeTakeFirstOrThrow();
  const first = (last ?? 0) + 1;
  await tx
    .insertInto('enforcement.clue_event')
    .values(
      events.map(({ type, atMs, reason, detail }, i) => ({
        clue_no: clueNo,
        seq: first + i,
        type,
        at_ms: atMs,
        pos,
        reason,
        detail: JSON.stringify(detail ?? null),
      })),
    )
    .execute();
}
