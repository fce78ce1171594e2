import { hostname } from 'node:os';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Readiness, startApi, startHealth } from '../api/server.ts';
import { readStatus, type Status } from '../api/status.ts';
import { dropCursors } from '../ingest/influx/cursor.ts';
import { startInfluxSink } from '../ingest/influx/sink.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { JournalPlace } from '../ingest/journal/journal-head.ts';
import { readLastReceiptMs } from '../ingest/journal/last-receipt.ts';
import { readOrMakeKey } from '../process/key-file.ts';
import type { Logger } from '../process/log.ts';
import { createShutdownStack, type ShutdownStack } from '../process/shutdown.ts';
import { answerRequests } from './answer-requests.ts';
import type { HubConfig } from './config.ts';
import { createHubClock } from './hub-clock.ts';
import type { HubRequest } from './hub-request.ts';
import { type HubDatabase, openHubDatabase } from './open-database.ts';
import { readOperatorToken } from './operator-token.ts';
import { tellOfProcess } from './process-status.ts';
import { carryOutBy, remoteIngest } from './remote-ingest.ts';
import { type RolePlace, startJournalRoles } from './start-journal-roles.ts';

export interface Hub {
  readonly url: string;
  /** The broker that gateways connect to, and its port; null without the role ingest. */
  readonly mqttUrl: string | null;
  readonly mqttPort: number | null;
  /** Null: nobody listens for devices of HJ 212. */
  readonly hj212Port: number | null;
  /** Ends when all that this process journaled so far is evaluated, if it is done here. */
  caughtUp(): Promise<void>;
  /** Raw Ed25519 key in base64 that gateways pin. */
  readonly publicKey: string;
  /** Zeros for what other processes do. */
  stats(): HubStats;
  /** What `GET /api/v1/status` answers. */
  status(): Promise<Status>;
  close(timeoutMs: number): ReturnType<ShutdownStack['closeAll']>;
}

export type HubStats = ReturnType<Ingest['stats']> & { readonly readingsPerSecond: number };

export interface HubDeps {
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
const NO_STATS: HubStats = {
  ...{ received: 0, stored: 0, readings: 0, readingsPerSecond: 0, duplicates: 0, conflicts: 0 },
  ...{ deferred: 0, deadLetters: 0, refusedClients: 0, inFlightBytes: 0, clients: 0 },
  ...{ journalPos: 0, evaluatorPos: 0, evaluatorLag: 0 },
};

/**
 * Composition root of a hub process: database → the roles of the settings, in the order of the data →
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

export type Composing = HubDeps & { readonly signal: AbortSignal };

async function composeHub(config: HubConfig, deps: Composing, stack: ShutdownStack): Promise<Hub> {
  const { log, signal } = deps;
  const { roles } = config;
  const { shard } = config.ingest;
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const key = readOrMakeKey(join(config.dataDir, 'hub-key.pem'));
  const database = await openHubDatabase(config, deps, stack);
  signal.throwIfAborted();
  const clock = createHubClock(await readLastReceiptMs(database.pool, shard), log);
  const place = { database, metrics, key, clock, now: deps.now ?? clock.now };
  const { ingest, evaluation, journal } = await startJournalRoles(
    config,
    { ...deps, ...place },
    stack,
  );
  if (roles.includes('influx') && journal !== null) {
    await startSink(config, { ...deps, ...place, journal }, stack);
  }

  const rate = createRate(() => ingest?.stats().readings ?? 0, stack);
  const ownStats = (): object => ({
    ...(ingest === null ? {} : { ...ingest.stats(), readingsPerSecond: rate() }),
    ...(ingest?.evaluation ?? evaluation)?.stats(),
  });
  const told = { process: `${hostname()}:${process.pid}`, shard, roles, stats: ownStats, log };
  const telling = tellOfProcess(database.db, told);
  stack.push('word of this process', telling.close);
  if (ingest !== null) {
    const { pool, url: databaseUrl } = database;
    const carryOut = (request: HubRequest) => carryOutBy(ingest, request);
    const answering = answerRequests({ pool, databaseUrl, shard, log, carryOut });
    stack.push('requests of other processes', answering.close);
  }
  const ready = () => readinessOf(database, [ingest, ingest?.hj212, ingest?.sparkplug, evaluation]);
  const listening = { ready, registry: metrics, log: log.child({ part: 'api' }) };
  const api = roles.includes('api')
    ? await startApi(config.http, {
        ...listening,
        ...(ingest ?? remoteIngest(database.pool, shard)),
        ...{ db: database.db, shard, stats: ownStats },
        operatorToken: readOperatorToken(config.http.operatorTokenFile),
      })
    : await startHealth(config.http, listening);
  stack.push('API', api.close);
  return {
    url: api.url,
    mqttUrl: ingest?.mqttUrl ?? null,
    mqttPort: ingest?.port ?? null,
    hj212Port: ingest?.hj212?.port ?? null,
    publicKey: key.publicKey,
    caughtUp: async () => ingest?.caughtUp(),
    stats: () => ({ ...NO_STATS, ...ownStats() }),
    status: () => readStatus(database.db, shard, ownStats),
    close: stack.closeAll,
  };
}

/** Nothing waits for the sink: it is started when everything that matters runs. */
async function startSink(
  { influx, ingest: { shard }, engine }: HubConfig,
  {
    journal,
    database: { pool },
    metrics,
    log,
    now,
  }: Pick<RolePlace, 'database' | 'metrics' | 'log' | 'now'> & { readonly journal: JournalPlace },
  stack: ShutdownStack,
): Promise<void> {
  const { url } = influx;
  if (url === undefined) return dropCursors(pool, shard);
  const sink = startInfluxSink(
    { ...influx, url },
    {
      ...{ pool, shard, journal, metrics, now, bounds: engine },
      log: log.child({ part: 'influx' }),
    },
  );
  stack.push('InfluxDB sink', sink.close);
}

interface Readable {
  readiness(): { name: string; ok: boolean; detail: string };
}

async function readinessOf(
  database: HubDatabase,
  parts: readonly (Readable | null | undefined)[],
): Promise<Readiness> {
  const given = parts.flatMap((part) => part?.readiness() ?? []);
  const checks = [await database.readiness(), ...given];
  return { ok: checks.every((check) => check.ok), checks };
}

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
