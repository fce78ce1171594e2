import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { sha256Hex } from '../model/digest.ts';
import { asText } from './dead-letters.ts';
import type { Given } from './engine-kit.ts';
import type { OutputHooks } from './output-transaction.ts';
import type { DeadReason } from './receive.ts';
import { type KeyConflict, storeOutputs } from './store-outputs.ts';

type Tx = Transaction<Database>;

/** What the database will never take of an entry, and why. */
export interface RefusedPart {
  readonly pos: number;
  readonly reason: DeadReason;
  readonly error: string;
}

export interface Stored {
  readonly conflicts: readonly KeyConflict[];
  readonly refused: readonly RefusedPart[];
}

/**
 * SQLSTATE classes that say that the data are at fault, so that another try gives the same: 22 data
 * exception, 23 integrity constraint violation, 54 program limit exceeded.
 */
const DATA_CLASSES = ['22', '23', '54'];

export function isDataError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.length === 5 && DATA_CLASSES.includes(code.slice(0, 2));
}

/** Stores what entries gave: all of it, or throws. */
export async function storeTogether(
  tx: Tx,
  shard: string,
  given: readonly Given[],
  hooks: OutputHooks,
): Promise<Stored> {
  const conflicts = await storeOutputs(tx, shard, given);
  for (const { pos, receivedAtMs, kind, fact, outputs } of given) {
    if (fact !== null) await hooks.projectFact(tx, { shard, pos }, fact);
    await hooks.applyAlerts(tx, { shard, pos, receivedAtMs, kind }, outputs);
  }
  return { conflicts, refused: [] };
}

/**
 * Stores what one entry gave as far as the database takes it. A fact or outputs that it refuses for
 * their content are kept as a dead letter instead: one bad entry must not hold up all that follow.
 */
export async function storeAlone(
  tx: Tx,
  shard: string,
  given: Given,
  hooks: OutputHooks,
): Promise<Stored> {
  const { pos, receivedAtMs, kind, fact, outputs } = given;
  const refused: RefusedPart[] = [];
  const part = async (
    reason: DeadReason,
    content: unknown,
    store: () => Promise<void>,
  ): Promise<void> => {
    const error = await refusalOf(tx, store);
    if (error === null) return;
    refused.push({ pos, reason, error });
    await keepLetter(tx, shard, { pos, receivedAtMs, reason, error, content });
  };

  let conflicts: readonly KeyConflict[] = [];
  if (fact !== null) {
    await part('fact-refused', fact, () => hooks.projectFact(tx, { shard, pos }, fact));
  }
  await part('output-refused', outputs, async () => {
    conflicts = await storeOutputs(tx, shard, [given]);
    await hooks.applyAlerts(tx, { shard, pos, receivedAtMs, kind }, outputs);
  });
  return { conflicts, refused };
}

/** Runs a part behind a savepoint; what the database said against its data, null: it took them. */
async function refusalOf(tx: Tx, store: () => Promise<void>): Promise<string | null> {
  await sql`savepoint part`.execute(tx);
  try {
    await store();
    await sql`release savepoint part`.execute(tx);
    return null;
  } catch (error) {
    if (!isDataError(error)) throw error;
    await sql`rollback to savepoint part`.execute(tx);
    const { code, message } = error as Error & { code: string };
    return `${code} ${message}`;
  }
}

async function keepLetter(
  tx: Tx,
  shard: string,
  letter: RefusedPart & { readonly receivedAtMs: number; readonly content: unknown },
): Promise<void> {
  const raw = Buffer.from(JSON.stringify(letter.content));
  await tx
    .insertInto('telemetry.dead_letter')
    .values({
      shard,
      received_at: new Date(letter.receivedAtMs),
      source: 'evaluator',
      topic: `journal/${letter.pos}`,
      reason: letter.reason,
      detail: asText(`entry ${letter.pos}: ${letter.error}`),
      sha256: sha256Hex(raw),
      raw,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
