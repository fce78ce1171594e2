import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { Database } from '../database/schema.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { EngineKit } from './engine-kit.ts';
import { type Evaluator, type EvaluatorDeps, startEvaluator } from './evaluator.ts';
import { createEvaluatorMetrics, type EvaluatorMetrics } from './evaluator-metrics.ts';
import { holderOf } from './journal/holder.ts';
import { keepLease, type Lease, takeEvaluatorLease, waitForLease } from './journal/lease.ts';
import { type OutputHooks, readOutputCursor } from './output-transaction.ts';
import type { IngestSettings } from './settings.ts';
import { thresholdKit } from './threshold-kit.ts';

export interface EvaluationDeps extends OutputHooks {
  readonly db: Kysely<Database>;
  readonly pool: pg.Pool;
  /** Its id names this hub as the holder of leases. */
  readonly key: { readonly keyId: string };
  readonly metrics: Registry;
  readonly log: Logger;
  /** Outputs were committed. */
  readonly onCommitted: () => void;
  /** Called once when this process can't go on: another took what it holds. */
  readonly onFatal: (reason: string) => void;
  readonly faultPoint: FaultPoint;
  /** The engine that is fed; the threshold engine by default. */
  readonly engine?: EngineKit;
  /** Hub time, UTC ms; the machine's by default. */
  readonly now?: () => number;
}

export interface EvaluationStats {
  readonly evaluatorPos: number;
  readonly evaluatorLag: number;
}

/** The role that evaluates a shard: one process at a time moves its output cursor. */
export interface Evaluation {
  /** Null: standing by while another process evaluates. */
  stats(): EvaluationStats | null;
  readiness(): { name: string; ok: boolean; detail: string };
  /** Why it stopped, or since when it can't store outputs; null: it goes well. */
  trouble(): string | null;
  /** Ends when outputs up to `pos` are stored, by whichever process; rejects when this one stopped. */
  reached(pos: number): Promise<void>;
  close(): Promise<void>;
}

interface Running {
  readonly evaluator: Evaluator;
  close(): Promise<void>;
}

/** Outputs that can't be stored for longer make the hub unready: it takes data and judges nothing. */
const TROUBLE_MS_MAX = 10_000;
const RETRY_MS = 1_000;
const LOOK_MS = 200;

/**
 * Evaluates the shard when its lease is free, and stands by while another process holds it. Throws when
 * the database can't be used at the start.
 */
export async function startEvaluation(
  { shard, lease: { durationMs }, checkpoint }: IngestSettings,
  deps: EvaluationDeps & Pick<EvaluatorDeps, 'journal'>,
): Promise<Evaluation> {
  const { db, pool, log, journal, now = Date.now } = deps;
  const stop = new AbortController();
  let running: Running | null = null;
  let isLost = false;
  const stats = (): EvaluationStats | null => {
    const evaluatorPos = running?.evaluator.cursorPos();
    if (evaluatorPos === undefined) return null;
    return { evaluatorPos, evaluatorLag: Math.max(0, journal.head.headPos() - evaluatorPos) };
  };
  const metrics = createEvaluatorMetrics(deps.metrics, stats);
  const options = { shard, holder: holderOf(deps.key.keyId), durationMs };
  const take = () => takeEvaluatorLease(pool, options);

  async function run(lease: Lease): Promise<void> {
    const lose = (): void => {
      if (isLost) return;
      isLost = true;
      deps.onFatal(`another process evaluates shard ${shard}`);
    };
    const keeper = keepLease(pool, 'evaluator', lease, durationMs, lose);
    try {
      const evaluator = await startEvaluator({
        ...{ db, pool, shard, token: lease.token, journal, now, log, checkpoint, hooks: deps },
        ...{ kit: deps.engine ?? thresholdKit(), faultPoint: deps.faultPoint, onLost: lose },
        ...heard(metrics, log),
        onCommitted(given) {
          metrics.given(given);
          deps.onCommitted();
        },
      });
      running = {
        evaluator,
        async close() {
          await evaluator.close();
          await keeper.close();
        },
      };
    } catch (error) {
      await keeper.close();
      throw error;
    }
  }

  async function standBy(): Promise<void> {
    let said = '';
    const onWaiting = (detail: string): void => {
      if (detail !== said) log.info({ detail }, 'standing by to evaluate');
      said = detail;
    };
    while (!stop.signal.aborted) {
      try {
        await run(await waitForLease(take, { durationMs, signal: stop.signal, onWaiting }));
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        log.warn({ error: (error as Error).message }, 'cannot begin to evaluate, trying again');
        await sleep(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const first = await take();
  if (first.ok) await run(first.value);
  const standing = first.ok ? Promise.resolve() : standBy();

  /** Another process moves the cursor: the database says how far. */
  async function reached(pos: number): Promise<void> {
    while (running === null && !stop.signal.aborted) {
      if ((await readOutputCursor(db, shard)) >= pos) return;
      await sleep(LOOK_MS);
    }
    if (running === null) throw new Error('The evaluation was closed');
    await running.evaluator.reached(pos);
  }

  return {
    stats,
    reached,
    readiness: () => readinessOf(running?.evaluator ?? null, isLost, now()),
    trouble: () => running?.evaluator.failure() ?? running?.evaluator.trouble()?.error ?? null,
    async close() {
      stop.abort();
      await standing;
      await running?.close();
    },
  };
}

const heard = (metrics: EvaluatorMetrics, log: Logger) => ({
  onConflict(conflict: { readonly table: string }) {
    metrics.keyConflict(conflict.table);
    log.error(conflict, 'a key was met with other content; the first is kept');
  },
  onRefused(refused: { readonly reason: string }) {
    metrics.deadLetter(refused.reason);
    log.error(refused, 'what an entry gave can not be stored; it is put aside');
  },
  onCheckpoint: metrics.checkpointed,
  onCheckpointRefused: metrics.checkpointRefused,
});

function readinessOf(
  evaluator: Evaluator | null,
  isLost: boolean,
  nowMs: number,
): ReturnType<Evaluation['readiness']> {
  const says = (ok: boolean, detail: string) => ({ name: 'evaluator', ok, detail });
  if (isLost) return says(false, 'another process evaluates the shard');
  if (evaluator === null) return says(true, 'standing by: another process evaluates the shard');
  const failure = evaluator.failure();
  if (failure !== null) return says(false, `the evaluator stopped: ${failure}`);
  const trouble = evaluator.trouble();
  if (trouble !== null && nowMs - trouble.sinceMs > TROUBLE_MS_MAX) {
    const since = new Date(trouble.sinceMs).toISOString();
    return says(false, `cannot store outputs since ${since}: ${trouble.error}`);
  }
  return says(true, `evaluated to ${evaluator.cursorPos()}`);
}
