import { readFileSync } from 'node:fs';
import type { Kysely } from 'kysely';
import type { Registry } from 'prom-client';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../process/log.ts';
import {
  type AlertMetrics,
  type AlertStats,
  createAlertMetrics,
  readAlertStats,
} from './alert-metrics.ts';
import { type Alerts, createAlerts } from './apply.ts';
import { startDispatcher } from './dispatcher.ts';
import { startEvidenceTeller } from './evidence-teller.ts';
import { listenToOutbox } from './outbox-listener.ts';
import { createPlatformClient } from './platform-client.ts';
import { postgresQueue } from './postgres-queue.ts';
import { startPushWorker } from './push-worker.ts';
import { redisQueue } from './redis-queue.ts';
import type { AlertSettings } from './settings.ts';

export interface RunningAlerts extends Alerts {
  /**
   * To be called after the commit of what `apply` did; costs nothing when it released nothing.
   * Commits of other processes are heard through the database.
   */
  notify(): void;
  stats(): Promise<AlertStats>;
  /**
   * Ends within the time of one request; what is on the way is settled or asked for at the next
   * start.
   */
  close(): Promise<void>;
}

export interface AlertDeps {
  readonly db: Kysely<Database>;
  readonly databaseUrl: string;
  /** False: another process pushes; `notify` wakes nobody then. True by default. */
  readonly pushes?: boolean;
  /** Jobs are kept there; absent: in the database. */
  readonly redisUrl?: string;
  readonly log: Logger;
  readonly metrics: Registry;
  /** The platform compares it with its own: a request signed by a clock that is off is refused for good. */
  readonly now: () => number;
}

/**
 * Starts everything from signal to receipt. Throws when the secret can't be read or the queue's
 * tables can't be made; what was started is closed then.
 */
export async function startAlerts(
  settings: AlertSettings,
  deps: AlertDeps,
): Promise<RunningAlerts> {
  const { db, log } = deps;
  const metrics = createAlertMetrics(deps.metrics, db);
  let released = false;
  const alerts = createAlerts(settings, {
    onOpened(clueNo) {
      metrics.opened();
      log.info({ clueNo }, 'clue opened');
    },
    onReleased(idempotencyKey) {
      released = true;
      metrics.released();
      log.info({ idempotencyKey }, 'revision released');
    },
    onAlarm(reason, detail) {
      metrics.alarm();
      log.error(detail, reason);
    },
    onPostponed(clueNo, fault) {
      metrics.postponed();
      log.error({ clueNo, fault }, 'a clue can not be released; it is tried again in an hour');
    },
  });
  const push = deps.pushes === false ? NOBODY : await startPush(settings, deps, metrics);
  return {
    apply: alerts.apply,
    notify() {
      if (!released) return;
      released = false;
      push.wake();
    },
    stats: () => readAlertStats(db),
    close: push.close,
  };
}

const NOBODY = { wake: () => undefined, close: async () => undefined };

/** Outbox → queue → platform. */
async function startPush(
  settings: AlertSettings,
  { db, databaseUrl, redisUrl, log, now }: AlertDeps,
  metrics: AlertMetrics,
): Promise<{ wake(): void; close(): Promise<void> }> {
  const { platform, retry } = settings;
  const client = createPlatformClient({
    url: platform.url,
    keys: { accessKey: platform.accessKey, secretKey: secretKeyOf(platform) },
    timeoutMs: platform.timeoutMs,
    now,
  });
  const store = redisUrl === undefined ? postgresQueue(databaseUrl) : redisQueue(redisUrl);
  const { redriveMs } = retry;
  const dispatcher = await startDispatcher({
    ...{ db, store, redriveMs, log },
    onFailure: metrics.queueFailed,
  });
  try {
    const worker = await startPushWorker(settings, {
      ...{ db, store, client, log, now },
      onOutcome: metrics.attempted,
      onJobDone: dispatcher.done,
    });
    const onReleased = dispatcher.wake;
    const teller = startEvidenceTeller(settings, { db, client, now, log, onOutcome: metrics.told });
    const listener = listenToOutbox({ databaseUrl, reconnectMsMax: redriveMs, onReleased, log });
    return {
      wake: dispatcher.wake,
      async close() {
        await listener.close();
        await Promise.all([worker.close(), teller.close()]);
        await dispatcher.close();
      },
    };
  } catch (error) {
    await dispatcher.close();
    throw error;
  }
}

const secretKeyOf = ({ secretKey, secretKeyFile }: AlertSettings['platform']): string =>
  secretKey ?? readFileSync(secretKeyFile ?? '', 'utf8').trim();
