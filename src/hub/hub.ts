import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { startAlerts } from '../alerts/alerts.ts';
import { startApi } from '../api/server.ts';
import { readStatus, type Status } from '../api/status.ts';
import { connect, type DatabaseConnection } from '../database/connect.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { projectFact } from '../devices/projection.ts';
import { dropCursors } from '../ingest/influx/cursor.ts';
import { startInfluxSink } from '../ingest/influx/sink.ts';
import { type Ingest, startIngest } from '../ingest/ingest.ts';
import { readLastReceiptMs } from '../ingest/journal/last-receipt.ts';
import { thresholdKit } from '../ingest/threshold-kit.ts';
import { createFaultPoint } from '../process/fault-point.ts';
import { readOrMakeKey } from '../process/key-file.ts';
import type { Logger } from '../process/log.ts';
import { createShutdownStack, type ShutdownStack } from '../process/shutdown.ts';
import type { HubConfig } from './config.ts';
import { createHubClock } from './hub-clock.ts';
import { readOperatorToken } from './operator-token.ts';
import { importRegistry, openRegistry } from './registry-import.ts';

export interface Hub {
  readonly url: string;
  /** The broker that gateways connect to, and its port. */
  readonly mqttUrl: string;
  readonly mqttPort: number;
  /** Null: nobody listens for devices of HJ 212. */
  readonly hj212Port: number | null;
  /** Ends when everything journaled so far is evaluated and its outputs are stored. */
  caughtUp(): Promise<void>;
  /** Raw Ed25519 key in base64 that gateways pin. */
  readonly publicKey: string;
  stats(): HubStats;
  /** What `GET /api/v1/status` answers. */
  status(): Promise<Status>;
  close(timeoutMs: number): ReturnType<ShutdownStack['closeAll']>;
}

export type HubStats = ReturnType<Ingest['stats']> & { readonly readingsPerSecond: number };

interface HubDeps {
  readonly log: Logger;
  /** Called once when the hub can't go on, e.g. because another took the lease. */
  readonly onFatal: (reason: string) => void;
  /** Hub time, UTC ms: the receive time of the journal. */
  readonly now?: () => number;
  /** Ends a start that is under way: what was started is closed, and `startHub` rejects. */
  readonly signal?: AbortSignal;
}

/** A start that was broken off has this long to see it; then what was started is closed regardless. */
const ABORT_MS_MAX = 1_000;
const CLOSE_MS_MAX = 7_000;
/** More than requests on their way get to end; the database itself needs the rest. */
const PUSH_CLOSE_MS_MAX = 4_000;

/**
 * Composition root of the hub: database → registry → alerts → ingest → import of the registry file →
 * API. Whatever was started is closed again when a later step fails. Throws what failed.
 */
export async function startHub(config: HubConfig, deps: HubDeps): Promise<Hub> {
  const stack = createShutdownStack();
  const signal = deps.signal ?? new AbortController().signal;
  const composing = composeHub(config, { ...deps, signal }, stack);
  try {
    return await Promise.race([composing, rejectAfterAbort(signal)]);
  } catch (error) {
    composing.catch(() => undefined);
    await stack.closeAll(CLOSE_MS_MAX);
    throw error;
  }
}

function rejectAfterAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = (): void => {
      setTimeout(() => reject(signal.reason as Error), ABORT_MS_MAX).unref();
    };
    if (signal.aborted) late();
    else signal.addEventListener('abort', late, { once: true });
  });
}

type Composing = HubDeps & { readonly signal: AbortSignal };

async function composeHub(config: HubConfig, deps: Composing, stack: ShutdownStack): Promise<Hub> {
  const { log, signal } = deps;
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const key = readOrMakeKey(join(config.dataDir, 'hub-key.pem'));

  const embedded =
    config.database.url === undefined ? await embeddedDatabase(config, deps, stack) : null;
  const databaseUrl = config.database.url ?? (embedded as EmbeddedPostgres).url;
  const database = connect(databaseUrl, {
    connectionsMax: config.database.connectionsMax,
    onError: (error) => log.warn({ error: error.message }, 'idle database connection broke'),
  });
  stack.push('database connections', database.close);
  await migrate(database.db);
  signal.throwIfAborted();

  const registry = await openRegistry(database.db, config.ingest.shard);
  const lastReceiptMs = await readLastReceiptMs(database.pool, config.ingest.shard);
  const clock = createHubClock(lastReceiptMs, log);
  const now = deps.now ?? clock.now;
  const { url: redisUrl } = config.redis;
  const alerts = await startAlerts(config.alerts, {
    db: database.db,
    databaseUrl,
    ...(redisUrl === undefined ? {} : { redisUrl }),
    log: log.child({ part: 'alerts' }),
    metrics,
    now: clock.machineMs,
  });
  stack.push('push to the platform', () => closeWithin(PUSH_CLOSE_MS_MAX, alerts.close));
  signal.throwIfAborted();

  const ingest = await startIngest(config.ingest, {
    db: database.db,
    pool: database.pool,
    key,
    metrics,
    engine: thresholdKit(config.engine),
    log: log.child({ part: 'ingest' }),
    gateway: registry.gateway,
    hj212Logger: registry.hj212Logger,
    sparkplugNode: registry.sparkplugNode,
    projectFact,
    applyAlerts: alerts.apply,
    onCommitted: alerts.notify,
    onFatal: deps.onFatal,
    now,
    clockStepMs: clock.stepMs,
    faultPoint: createFaultPoint(config.faultPoint),
    signal,
  });
  stack.push('ingest', ingest.close);
  signal.throwIfAborted();
  await ingest.caughtUp();
  await importRegistry(config.registry, { registry, ingest, log, nowMs: now() });
  await startSink(config, deps, { ingest, database, metrics }, stack);

  const rate = createRate(() => ingest.stats().readings, stack);
  const stats = (): HubStats => ({ ...ingest.stats(), readingsPerSecond: rate() });
  const api = await startApi(config.http, {
    db: database.db,
    registry: metrics,
    ready: () => readiness(database, embedded, ingest),
    stats,
    replayLetter: ingest.replayLetter,
    command: ingest.command,
    operatorToken: readOperatorToken(config.http.operatorTokenFile),
    log: log.child({ part: 'api' }),
  });
  stack.push('API', api.close);
  return {
    url: api.url,
    mqttUrl: ingest.mqttUrl,
    mqttPort: ingest.port,
    hj212Port: ingest.hj212?.port ?? null,
    publicKey: key.publicKey,
    caughtUp: ingest.caughtUp,
    stats,
    status: () => readStatus(database.db, stats),
    close: stack.closeAll,
  };
}

/** Nothing waits for the sink: it is started when everything that matters runs. */
async function startSink(
  { influx, ingest: { shard }, engine }: HubConfig,
  { log, now = Date.now }: Composing,
  {
    ingest,
    database: { pool },
    metrics,
  }: { ingest: Ingest; database: DatabaseConnection; metrics: Registry },
  stack: ShutdownStack,
): Promise<void> {
  const { url } = influx;
  if (url === undefined) return dropCursors(pool, shard);
  const { ring } = ingest;
  const sink = startInfluxSink(
    { ...influx, url },
    {
      ...{ pool, shard, ring, metrics, now, bounds: engine },
      headPos: ring.headPos,
      log: log.child({ part: 'influx' }),
    },
  );
  stack.push('InfluxDB sink', sink.close);
}

/** Throws when it takes longer. */
async function closeWithin(timeMs: number, close: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still closing after ${timeMs} ms`)), timeMs);
  });
  await Promise.race([close(), late]).finally(() => clearTimeout(timer));
}

/** The close stands before the start has ended: a start that is broken off stops its server itself. */
function embeddedDatabase(
  config: HubConfig,
  { log, signal }: Composing,
  stack: ShutdownStack,
): Promise<EmbeddedPostgres> {
  const starting = startEmbeddedPostgres({
    dataDir: config.dataDir,
    port: config.database.port,
    log: log.child({ part: 'postgres' }),
    signal,
  });
  stack.push('embedded PostgreSQL', () =>
    starting.then(
      (postgres) => postgres.close(),
      () => undefined,
    ),
  );
  return starting;
}

async function readiness(
  database: DatabaseConnection,
  embedded: EmbeddedPostgres | null,
  ingest: Ingest,
): Promise<{ ok: boolean; checks: { name: string; ok: boolean; detail: string }[] }> {
  const away = embedded?.failure() ?? null;
  const answer = away === null ? await ask(database) : { ok: false, detail: away };
  const hj212 = ingest.hj212 === null ? [] : [ingest.hj212.readiness()];
  const sparkplug = ingest.sparkplug === null ? [] : [ingest.sparkplug.readiness()];
  const checks = [{ name: 'database', ...answer }, ingest.readiness(), ...hj212, ...sparkplug];
  return { ok: checks.every((check) => check.ok), checks };
}

const ask = (database: DatabaseConnection): Promise<{ ok: boolean; detail: string }> =>
  database.pool.query('select 1').then(
    () => ({ ok: true, detail: 'answers' }),
    (error: Error) => ({ ok: false, detail: error.message }),
  );

/** How often the rate is taken. */
const RATE_EVERY_MS = 1_000;

/** Readings in the last second. */
function createRate(total: () => number, stack: ShutdownStack): () => number {
  let before = total();
  let rate = 0;
  const timer = setInterval(() => {
    const now = total();
    rate = (now - before) / (RATE_EVERY_MS / 1_000);
    before = now;
  }, RATE_EVERY_MS);
  stack.push('rate', () => clearInterval(timer));
  return () => rate;
}
