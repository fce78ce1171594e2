import type { Transaction } from 'kysely';
import { lastingFaultOf, tryInPart } from '../database/lasting-fault.ts';
import type { Database } from '../database/schema.ts';
import { sha256Hex } from '../model/digest.ts';
import { asText } from './dead-letters.ts';
import type { Given } from './engine-kit.ts';
import type { OutputHooks } from './output-transaction.ts';
import type { DeadReason } from './receive.ts';
import { type KeyConflict, storeOutputs } from './store-outputs.ts';

type Tx = Transaction<Database>;

/** What will never be stored of an entry, and why. */
export interface RefusedPart {
  readonly pos: number;
  readonly reason: DeadReason;
  readonly error: string;
}

export interface Stored {
  readonly conflicts: readonly KeyConflict[];
  readonly refused: readonly RefusedPart[];
}

/** What entries gave can't be stored, and another try would end the same. */
export class LastingFault extends Error {}

/** Stores what entries gave: all of it, or throws; `LastingFault` when one of them is at fault. */
export async function storeTogether(
  tx: Tx,
  shard: string,
  given: readonly Given[],
  hooks: OutputHooks,
): Promise<Stored> {
  try {
    const conflicts = await storeOutputs(tx, shard, given);
    for (const { pos, receivedAtMs, kind, fact, outputs } of given) {
      if (fact !== null) await hooks.projectFact(tx, { shard, pos }, fact);
      await hooks.applyAlerts(tx, { shard, pos, receivedAtMs, kind }, outputs);
    }
    return { conflicts, refused: [] };
  } catch (error) {
    const fault = await lastingFaultOf(tx, error);
    throw fault === null ? error : new LastingFault(fault, { cause: error });
  }
}

/**
 * Stores what one entry gave as far as it can be. A fact or outputs that the database refuses for their
 * content, or that we fail on, are kept as a dead letter instead: one bad entry must not hold up all
 * that follow.
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
    const error = await tryInPart(tx, store);
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
