import type { Registry } from 'prom-client';
import { type RunningAlerts, startAlerts } from '../alerts/alerts.ts';
import { projectFact } from '../devices/projection.ts';
import { type Evaluation, type EvaluationDeps, startEvaluation } from '../ingest/evaluation.ts';
import { type Ingest, startIngest } from '../ingest/ingest.ts';
import { type JournalPlace, watchJournalHead } from '../ingest/journal/journal-head.ts';
import { thresholdKit } from '../ingest/threshold-kit.ts';
import { createFaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { ShutdownStack } from '../process/shutdown.ts';
import type { SteadyClock } from '../process/steady-clock.ts';
import type { SigningKey } from '../telemetry/signing.ts';
import type { HubConfig } from './config.ts';
import type { HubDatabase } from './open-database.ts';
import { importRegistry, openRegistry } from './registry-import.ts';

/** What the roles of a process share. */
export interface RolePlace {
  readonly database: HubDatabase;
  readonly metrics: Registry;
  readonly key: SigningKey;
  readonly clock: SteadyClock;
  readonly now: () => number;
  readonly log: Logger;
  readonly onFatal: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** What of the way from journal to outbox runs in this process, and where it reads the journal. */
export interface JournalRoles {
  readonly ingest: Ingest | null;
  /** Null: not done here, or by `ingest`, from its memory. */
  readonly evaluation: Evaluation | null;
  /** Null: nothing here reads it. */
  readonly journal: JournalPlace | null;
}

/** Requests on their way get this long to end; the database itself needs the rest. */
const PUSH_CLOSE_MS_MAX = 4_000;

/** Starts the roles push, ingest and evaluate as far as the settings name them. Throws what failed. */
export async function startJournalRoles(
  config: HubConfig,
  place: RolePlace,
  stack: ShutdownStack,
): Promise<JournalRoles> {
  const { database, log, signal } = place;
  const { db, pool, url: databaseUrl } = database;
  const { shard } = config.ingest;
  const alerts = await startAlertRoles(config, place, stack);
  signal.throwIfAborted();
  const evaluates = config.roles.includes('evaluate');
  const deps: EvaluationDeps & Pick<RolePlace, 'key'> = {
    ...{ db, pool, key: place.key, metrics: place.metrics, now: place.now },
    ...{ engine: thresholdKit(config.engine), onFatal: place.onFatal, projectFact },
    applyAlerts: alerts?.apply ?? (async () => undefined),
    onCommitted: alerts?.notify ?? (() => undefined),
    log: log.child({ part: 'ingest' }),
    faultPoint: createFaultPoint(config.faultPoint),
  };
  if (config.roles.includes('ingest')) {
    const ingest = await startWriting(config, { ...place, evaluates, deps }, stack);
    return { ingest, evaluation: null, journal: { head: ingest.ring, ring: ingest.ring } };
  }
  if (!evaluates && !config.roles.includes('influx')) {
    return { ingest: null, evaluation: null, journal: null };
  }
  const head = watchJournalHead({ pool, databaseUrl, shard, log });
  stack.push('journal head', head.close);
  if (!evaluates) return { ingest: null, evaluation: null, journal: { head } };
  const evaluation = await startEvaluation(config.ingest, { ...deps, journal: { head } });
  stack.push('evaluation', evaluation.close);
  return { ingest: null, evaluation, journal: { head } };
}

/** Null: neither clues nor pushes are made here. */
async function startAlertRoles(
  { roles, alerts: settings, redis: { url: redisUrl } }: HubConfig,
  { database, metrics, clock, log }: RolePlace,
  stack: ShutdownStack,
): Promise<RunningAlerts | null> {
  const pushes = roles.includes('push');
  if (!pushes && !roles.includes('evaluate')) return null;
  const alerts = await startAlerts(settings, {
    ...{ db: database.db, databaseUrl: database.url, pushes, metrics },
    ...(redisUrl === undefined ? {} : { redisUrl }),
    log: log.child({ part: 'alerts' }),
    now: clock.machineMs,
  });
  stack.push('push to the platform', () => closeWithin(PUSH_CLOSE_MS_MAX, alerts.close));
  return alerts;
}

/** The role ingest: registry, brokers, journal; evaluates from its own memory if it is to. */
async function startWriting(
  config: HubConfig,
  {
    deps,
    evaluates,
    ...place
  }: RolePlace & {
    readonly deps: EvaluationDeps & Pick<RolePlace, 'key'>;
    readonly evaluates: boolean;
  },
  stack: ShutdownStack,
): Promise<Ingest> {
  const { database, clock, log, now, signal } = place;
  const registry = await openRegistry(database, config.ingest.shard);
  const ingest = await startIngest(config.ingest, {
    ...deps,
    gateway: registry.gateway,
    hj212Logger: registry.hj212Logger,
    sparkplugNode: registry.sparkplugNode,
    clockStepMs: clock.stepMs,
    admitLater: registry.state.gateway.size === 0,
    evaluates,
    signal,
  });
  stack.push('ingest', ingest.close);
  signal.throwIfAborted();
  await ingest.caughtUp();
  await importRegistry(config.registry, { registry, ingest, log, nowMs: now() });
  ingest.admit();
  return ingest;
}

/** Throws when it takes longer. */
async function closeWithin(timeMs: number, close: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still closing after ${timeMs} ms`)), timeMs);
  });
  await Promise.race([close(), late]).finally(() => clearTimeout(timer));
}
