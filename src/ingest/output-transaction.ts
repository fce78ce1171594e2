import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { JournalEntry } from '../model/entry.ts';
import type { EngineOutput } from '../model/exposure.ts';
import type { Fact } from '../model/facts.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Given } from './engine-kit.ts';
import { type Stored, storeAlone, storeTogether } from './store-alone.ts';

type Tx = Transaction<Database>;

/** What other parts do inside the transaction that moves the output cursor. */
export interface OutputHooks {
  readonly projectFact: (
    tx: Tx,
    at: { readonly shard: string; readonly pos: number },
    fact: Fact,
  ) => Promise<void>;
  readonly applyAlerts: (
    tx: Tx,
    at: {
      readonly shard: string;
      readonly pos: number;
      readonly receivedAtMs: number;
      readonly kind: JournalEntry['kind'];
    },
    outputs: readonly EngineOutput[],
  ) => Promise<void>;
}

export interface OutputTransaction {
  readonly shard: string;
  readonly token: number;
  readonly fromPos: number;
  readonly toPos: number;
  readonly given: readonly Given[];
  /** One entry alone: what can't be stored of it is put aside, and the cursor goes on. */
  readonly isAlone: boolean;
}

/** `moved`: the cursor is not where this evaluator left it, so it is not the only one. */
export type OutputOutcome =
  | ({ readonly kind: 'committed' } & Stored)
  | { readonly kind: 'lost' | 'moved' };

/** Carries an outcome out of the transaction, which it rolls back. */
class Refused extends Error {
  readonly kind: 'lost' | 'moved';

  constructor(kind: 'lost' | 'moved') {
    super(kind);
    this.kind = kind;
  }
}

/**
 * Commits what entries gave together with the output cursor, under the lease token: both or neither,
 * once. Throws what the database throws; the caller then asks where the cursor stands.
 */
export async function commitOutputs(
  db: Kysely<Database>,
  transaction: OutputTransaction,
  { hooks, faultPoint }: { hooks: OutputHooks; faultPoint: FaultPoint },
): Promise<OutputOutcome> {
  const { shard, given, isAlone } = transaction;
  try {
    const stored = await db.transaction().execute(async (tx) => {
      await moveCursor(tx, transaction);
      const [only] = given;
      const found =
        isAlone && only !== undefined
          ? await storeAlone(tx, shard, only, hooks)
          : await storeTogether(tx, shard, given, hooks);
      faultPoint('evaluator:before-commit');
      return found;
    });
    faultPoint('evaluator:after-commit');
    return { kind: 'committed', ...stored };
  } catch (error) {
    if (error instanceof Refused) return { kind: error.kind };
    throw error;
  }
}

/**
 * Moves the cursor from where this evaluator left it, and holds the token until the commit (`for key
 * share` lets the lease be renewed). A stopped process loses its transaction, not the shard.
 */
async function moveCursor(
  tx: Tx,
  { shard, token, fromPos, toPos }: OutputTransaction,
): Promise<void> {
  const { rows } = await sql<{ held: boolean; moved: boolean }>`
    with held as (
      select set_config('idle_in_transaction_session_timeout', '10s', true)
      from telemetry.evaluator_lease where shard = ${shard} and token = ${token} for key share
    ), moved as (
      update telemetry.sink_cursor set pos = ${toPos} from held
      where shard = ${shard} and name = 'evaluator' and pos = ${fromPos}
      returning 1
    )
    select exists (select from held) as held, exists (select from moved) as moved`.execute(tx);
  if (rows[0]?.held !== true) throw new Refused('lost');
  if (!rows[0].moved) throw new Refused('moved');
}

/** Where the output cursor stands; the row is made when it is not there. */
export async function readOutputCursor(db: Kysely<Database>, shard: string): Promise<number> {
  await db
    .insertInto('telemetry.sink_cursor')
    .values({ shard, name: 'evaluator', pos: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { pos } = await db
    .selectFrom('telemetry.sink_cursor')
    .select('pos')
    .where('shard', '=', shard)
    .where('name', '=', 'evaluator')
    .executeTakeFirstOrThrow();
  return pos;
}
