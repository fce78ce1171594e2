import type { Kysely } from 'kysely';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Database } from '../database/schema.ts';
import { answerWithin } from '../process/answer-within.ts';
import type { PushOutcome } from './push-outcome.ts';

export interface AlertStats {
  readonly clues: number;
  /** Outbox rows by state. */
  readonly pending: number;
  readonly sent: number;
  readonly superseded: number;
  readonly dead: number;
}

/** Counts clues and outbox rows. */
export async function readAlertStats(db: Kysely<Database>): Promise<AlertStats> {
  const [{ clues }, rows] = await Promise.all([
    db
      .selectFrom('enforcement.clue')
      .select((eb) => eb.fn.countAll<number>().as('clues'))
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('enforcement.outbox')
      .select(['state', (eb) => eb.fn.countAll<number>().as('rows')])
      .groupBy('state')
      .execute(),
  ]);
  const counted = Object.fromEntries(rows.map((row) => [row.state, row.rows]));
  const of = (state: string): number => counted[state] ?? 0;
  return {
    clues,
    pending: of('pending'),
    sent: of('sent'),
    superseded: of('superseded'),
    dead: of('dead'),
  };
}

/** A database that takes longer to count is left out of the metrics. */
const ANSWER_MS_MAX = 2_000;

export interface AlertMetrics {
  opened(): void;
  released(): void;
  alarm(): void;
  postponed(): void;
  attempted(kind: PushOutcome['kind'], tookMs: number): void;
  queueFailed(): void;
  told(kind: PushOutcome['kind']): void;
}

export function createAlertMetrics(registry: Registry, db: Kysely<Database>): AlertMetrics {
  const registers = [registry];
  const opened = new Counter({
    name: 'wugan_clues_opened_total',
    help: 'Clues opened',
    registers,
  });
  const released = new Counter({
    name: 'wugan_clue_revisions_released_total',
    help: 'Revisions released to the outbox',
    registers,
  });
  const alarms = new Counter({
    name: 'wugan_alert_key_conflicts_total',
    help: 'Keys that came again with other content; an operator must look',
    registers,
  });
  const queueFailures = new Counter({
    name: 'wugan_push_queue_failures_total',
    help: 'Times that due revisions could not be brought to the queue',
    registers,
  });
  const postponed = new Counter({
    name: 'wugan_clue_releases_postponed_total',
    help: 'Releases of clues that failed and are tried again an hour later; look into the log',
    registers,
  });
  const seconds = new Histogram({
    name: 'wugan_push_attempt_seconds',
    help: 'Push attempts by outcome; `refused` is a dead letter, an operator must look',
    labelNames: ['outcome'],
    buckets: [0.01, 0.05, 0.25, 1, 5, 20],
    registers,
  });
  const told = new Counter({
    name: 'wugan_evidence_updates_total',
    help: 'Attempts to tell the platform of the seal behind a package, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  let asking: Promise<AlertStats> | undefined;
  const ask = (): Promise<AlertStats> => {
    asking ??= readAlertStats(db).finally(() => {
      asking = undefined;
    });
    return asking;
  };
  new Gauge({
    name: 'wugan_outbox_rows',
    help: 'Revisions by state of their sending',
    labelNames: ['state'],
    registers,
    async collect() {
      // Without a database the other metrics are wanted all the more: this one is absent then.
      this.reset();
      const stats = await answerWithin(ask(), ANSWER_MS_MAX).catch(() => null);
      if (stats === null) return;
      const { clues: _, ...states } = stats;
      for (const [state, rows] of Object.entries(states)) this.set({ state }, rows);
    },
  });
  return {
    opened: () => opened.inc(),
    released: () => released.inc(),
    alarm: () => alarms.inc(),
    postponed: () => postponed.inc(),
    attempted: (outcome, tookMs) => seconds.observe({ outcome }, tookMs / 1_000),
    queueFailed: () => queueFailures.inc(),
    told: (outcome) => told.inc({ outcome }),
  };
}
