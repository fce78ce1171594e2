import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { Given } from './engine-kit.ts';
import { commitOutputs, type OutputHooks, readOutputCursor } from './output-transaction.ts';
import { LastingFault, type RefusedPart } from './store-alone.ts';
import type { KeyConflict } from './store-outputs.ts';

export interface OutputCommitterDeps {
  readonly db: Kysely<Database>;
  readonly shard: string;
  readonly token: number;
  readonly hooks: OutputHooks;
  readonly now: () => number;
  readonly faultPoint: FaultPoint;
  readonly log: Logger;
  /** Outputs were committed. */
  readonly onCommitted: (given: readonly Given[]) => void;
  readonly onConflict: (conflict: KeyConflict) => void;
  /** Something of an entry was put aside: the database refuses it, or we fail on it. */
  readonly onRefused: (refused: RefusedPart) => void;
  readonly onLost: () => void;
}

export interface Trouble {
  readonly sinceMs: number;
  readonly error: string;
}

/** Groups what the engine gives into transactions: one in flight, the next gathers meanwhile. */
export interface OutputCommitter {
  /** Outputs of the entry that the engine applied last. */
  add(given: Given): void;
  /** Entries that wait for a transaction. */
  waiting(): number;
  /** Commits what waits, unless a transaction is under way: that one is followed by the next. */
  flush(): void;
  /** Ends when nothing waits or is under way. */
  settled(): Promise<void>;
  /** Last entry whose outputs are committed. */
  cursorPos(): number;
  /** Since when every try to store outputs has failed, UTC ms, and how; null: it goes well. */
  trouble(): Trouble | null;
  /** Ends when the outputs up to `pos` are committed; rejects when the evaluator ends first. */
  reached(pos: number): Promise<void>;
  /** No further try after one that fails; nobody is left waiting. */
  giveUp(): void;
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;

interface Waiter {
  readonly pos: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function createOutputCommitter(
  deps: OutputCommitterDeps,
  cursorAtStart: number,
): OutputCommitter {
  const { db, shard, token, log, now } = deps;
  const waiters = new Set<Waiter>();
  let cursor = cursorAtStart;
  let group: Given[] = [];
  let committing: Promise<void> | undefined;
  let ended: 'no' | 'given-up' | 'lost' = 'no';
  let trouble: Trouble | null = null;

  async function commitAll(): Promise<void> {
    while (ended !== 'lost') {
      const given = group;
      if (given.length === 0) return;
      group = [];
      if (!(await commitPart(given))) return;
    }
  }

  /** In one transaction, or halved until the entry that can't be stored stands alone; false: not committed. */
  async function commitPart(given: readonly Given[]): Promise<boolean> {
    const tried = await commitAtOnce(given, false);
    if (tried !== 'refused') return tried === 'committed';
    if (given.length === 1) return (await commitAtOnce(given, true)) === 'committed';
    const middle = given.length >> 1;
    return (await commitPart(given.slice(0, middle))) && commitPart(given.slice(middle));
  }

  async function commitAtOnce(
    given: readonly Given[],
    isAlone: boolean,
  ): Promise<'committed' | 'refused' | 'ended'> {
    const toPos = given.at(-1)?.pos as number;
    const transaction = { shard, token, fromPos: cursor, toPos, given, isAlone };
    for (let tries = 0; ; tries++) {
      try {
        // After a try without an answer: it may have been committed all the same.
        if (tries > 0 && (await readOutputCursor(db, shard)) === toPos) break;
        const outcome = await commitOutputs(db, transaction, deps);
        if (outcome.kind === 'committed') {
          for (const conflict of outcome.conflicts) deps.onConflict(conflict);
          for (const refused of outcome.refused) deps.onRefused(refused);
          break;
        }
        lose(outcome.kind);
        return 'ended';
      } catch (error) {
        if (error instanceof LastingFault && !isAlone) return 'refused';
        const { message } = error as Error;
        trouble = { sinceMs: trouble?.sinceMs ?? now(), error: message };
        log.error({ error: message, pos: toPos }, 'cannot store outputs');
        if (ended !== 'no') return 'ended';
        const waitMs = Math.min(RETRY_MS_MIN * 2 ** tries, RETRY_MS_MAX);
        await new Promise((next) => setTimeout(next, waitMs));
      }
    }
    trouble = null;
    cursor = toPos;
    deps.onCommitted(given);
    wake();
    return 'committed';
  }

  function lose(kind: 'lost' | 'moved'): void {
    log.error({ kind }, 'another hub evaluates this shard');
    end('lost');
    deps.onLost();
  }

  function end(how: 'given-up' | 'lost'): void {
    ended = how;
    for (const { reject } of waiters) reject(new Error(`The evaluator stopped at ${cursor}`));
    waiters.clear();
  }

  function wake(): void {
    for (const waiter of waiters) {
      if (waiter.pos > cursor) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  return {
    add: (given) => group.push(given),
    waiting: () => group.length,
    flush() {
      committing ??= commitAll().finally(() => {
        committing = undefined;
      });
    },
    settled: async () => committing,
    cursorPos: () => cursor,
    trouble: () => trouble,
    reached: (pos) =>
      new Promise((resolve, reject) => {
        waiters.add({ pos, resolve, reject });
        wake();
        if (ended !== 'no') end(ended);
      }),
    giveUp() {
      if (ended === 'no') end('given-up');
    },
  };
}
