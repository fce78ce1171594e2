import type { Hj212Logger } from '../devices/hj212-stations.ts';
import type { SparkplugNode } from '../devices/sparkplug-nodes.ts';
import type { Fact, Gateway } from '../model/facts.ts';
import type { SigningKey } from '../telemetry/signing.ts';
import { type Acks, createAcks } from './acks.ts';
import type { Broker } from './broker.ts';
import { type Commands, createCommands } from './commands.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import {
  type Evaluation,
  type EvaluationDeps,
  type EvaluationStats,
  startEvaluation,
} from './evaluation.ts';
import { startEvidenceKeeper } from './evidence/evidence-keeper.ts';
import { listenForHj212 } from './hj212/listen.ts';
import type { Hj212Server } from './hj212/server.ts';
import { createIntake, type Intake } from './intake.ts';
import { holderOf } from './journal/holder.ts';
import { type JournalLease, keepLease, takeLease, waitForLease } from './journal/lease.ts';
import { loadProgress } from './journal/load-progress.ts';
import { makePartitions } from './journal/partitions.ts';
import { createProgress } from './journal/progress.ts';
import { createRing, type Ring } from './journal/ring.ts';
import { startJournalUpkeep } from './journal/upkeep.ts';
import { createJournalWriter, type JournalWriter } from './journal/writer.ts';
import { createIngestMetrics, type IngestCounts, type IngestMetrics } from './metrics.ts';
import { replayLetter } from './replay-letter.ts';
import type { IngestSettings } from './settings.ts';
import type { SparkplugHost } from './sparkplug/host.ts';
import { hostOfSettings } from './sparkplug/host-of-settings.ts';
import { startBroker } from './start-broker.ts';
import { startTicker } from './ticker.ts';
import { startUnparking } from './unpark.ts';

export interface IngestDeps extends EvaluationDeps {
  /** Signs acks; its id names this hub as the holder of the lease. */
  readonly key: SigningKey;
  /** False: another process evaluates the shard. True by default. */
  readonly evaluates?: boolean;
  /** The registered gateway of this id. */
  readonly gateway: (id: string) => Gateway | undefined;
  /** The registered data logger of this MN (HJ 212); none by default. */
  readonly hj212Logger?: (mn: string) => Hj212Logger | undefined;
  /** The registered edge node of this group and name (Sparkplug); none by default. */
  readonly sparkplugNode?: (group: string, edgeNode: string) => SparkplugNode | undefined;
  /** How far the machine's clock has stepped away from hub time, ms; never by default. */
  readonly clockStepMs?: () => number;
  /**
   * True: nobody is let in before `admit()`. For a hub that knows no gateway yet: a device of HJ 212 or an
   * edge node that came before its registration would be a stranger, and what it sends a dead letter.
   */
  readonly admitLater?: boolean;
  /** Ends the wait of a standby for the lease. */
  readonly signal?: AbortSignal;
}

/** The evaluator's are zero when another process evaluates. */
export interface IngestStats extends IngestCounts, EvaluationStats {
  readonly journalPos: number;
  readonly inFlightBytes: number;
  readonly clients: number;
}

export interface Ingest {
  /** The broker that gateways connect to, and its port. */
  readonly mqttUrl: string;
  readonly port: number;
  /** The listener for devices of HJ 212; null: nobody listens for them. */
  readonly hj212: Pick<Hj212Server, 'port' | 'readiness'> | null;
  /** The Sparkplug host application; null: there is none. */
  readonly sparkplug: Pick<SparkplugHost, 'readiness'> | null;
  /** Null: another process evaluates the shard. */
  readonly evaluation: Pick<Evaluation, 'stats'> | null;
  /** The latest entries of the journal, for readers in this process. */
  readonly ring: Ring;
  /** Lets gateways, devices and edge nodes in, if nobody has yet. */
  admit(): void;
  stats(): IngestStats;
  readiness(): { name: string; ok: boolean; detail: string };
  /** Takes a dead letter in again. */
  replayLetter(id: number): ReturnType<typeof replayLetter>;
  /** Sends a signed command to a gateway and waits a while for its answer. */
  command: Commands['send'];
  /** Ends when the fact is durable; rejects when the journal stopped first. */
  appendFact(fact: Fact): Promise<void>;
  /** Ends when everything journaled so far is evaluated and stored; at once if it is not done here. */
  caughtUp(): Promise<void>;
  /** Stops reading, lets commits end, evaluates the rest, acknowledges, gives the lease up. */
  close(): Promise<void>;
}

/** What runs while this hub holds the shard. */
interface Parts {
  readonly lease: JournalLease;
  readonly ring: Ring;
  readonly writer: JournalWriter;
  /** Null: another process evaluates the shard. */
  readonly evaluation: Evaluation | null;
  readonly letters: DeadLetters;
  readonly acks: Acks;
  readonly commands: Commands;
  readonly intake: Intake;
  /** True: another hub has the shard. */
  readonly isLost: () => boolean;
  readonly lose: () => void;
}

interface Frame {
  readonly settings: IngestSettings;
  readonly deps: IngestDeps;
  readonly now: () => number;
  readonly broker: Broker;
  readonly metrics: IngestMetrics;
  readonly hj212: Hj212Server | null;
  readonly sparkplug: SparkplugHost | null;
}

/** At the close, what is journaled but not evaluated gets this long; the next start does the rest. */
const CLOSE_EVALUATION_MS_MAX = 2_000;
/** A broker that is away for longer makes the hub unready. */
const TROUBLE_MS_MAX = 10_000;
const WAITING_LOG_MS = 5_000;

/**
 * Starts the hot path: broker → journal → acks, and the evaluator behind the journal. Until the lease
 * of the shard is taken the broker refuses connections and this does not return. Throws when the
 * port is taken or the database can't be used.
 */
export async function startIngest(settings: IngestSettings, deps: IngestDeps): Promise<Ingest> {
  const now = deps.now ?? Date.now;
  let parts: Parts | undefined;
  const metrics = createIngestMetrics(deps.metrics, {
    journalPos: () => parts?.writer.pos() ?? 0,
    inFlightBytes: () => broker.inFlightBytes(),
    clients: () => broker.clients(),
    clockStepMs: deps.clockStepMs ?? (() => 0),
  });
  let sparkplug: SparkplugHost | null = null;
  const { embedded, broker } = await startBroker(settings, () => sparkplug, {
    gateway: deps.gateway,
    onPublication: (publication) => {
      if (parts === undefined) publication.done('stopped');
      else parts.intake.take(publication);
    },
    onStray: (stray) => {
      if (parts === undefined) stray.done('stopped');
      else parts.intake.takeStray(stray);
    },
    onRefused: (reason, client) => {
      metrics.refused();
      deps.log.debug({ reason, client }, 'client or message refused');
    },
    now,
    log: deps.log,
  });
  let hj212: Hj212Server | null = null;
  let frame: Frame;
  sparkplug = hostOfSettings(settings, { ...deps, now }, metrics, {
    ...{ embedded, storing: () => parts },
  });
  try {
    hj212 = await listenForHj212(settings.hj212, deps, metrics, () => parts);
    frame = { settings, deps, now, broker, metrics, hj212, sparkplug };
    parts = await takeShard(frame);
  } catch (error) {
    await Promise.all([broker.close(), hj212?.close()]);
    throw error;
  }
  const handle = handleOf(frame, parts, startUpkeep(frame, parts));
  if (deps.admitLater !== true) handle.admit();
  return handle;
}

async function takeShard(frame: Frame): Promise<Parts> {
  const { settings, deps, now } = frame;
  const { shard } = settings;
  await makePartitions(deps.pool, now());
  const { durationMs } = settings.lease;
  const options = { shard, holder: holderOf(deps.key.keyId), durationMs };
  const lease = await waitForLease(() => takeLease(deps.pool, options), {
    durationMs,
    signal: deps.signal ?? new AbortController().signal,
    onWaiting: (detail) => deps.log.info({ detail }, 'standing by'),
  });
  return compose(frame, lease);
}

async function compose(frame: Frame, lease: JournalLease): Promise<Parts> {
  const { settings, deps, now, broker, metrics, hj212, sparkplug } = frame;
  const { pool, log, faultPoint } = deps;
  const { shard } = settings;
  let isLost = false;
  const lose = (reason = `another hub took shard ${shard}`): void => {
    if (isLost) return;
    isLost = true;
    broker.stopReading();
    hj212?.stopReading();
    void sparkplug?.close();
    deps.onFatal(reason);
  };
  const progress = createProgress();
  await loadProgress(pool, shard, lease.pos, progress);
  const ring = createRing(lease.pos, settings.ring);
  const acks = createAcks({
    ...{ key: deps.key, intervalMs: settings.ackIntervalMs, now, faultPoint },
    epochsOf: progress.epochsOf,
    publish: broker.publishAck,
  });
  const writer = createJournalWriter({
    ...{ pool, lease, progress, ring, now, faultPoint, log },
    entriesMax: settings.block.entriesMax,
    bytesMax: settings.block.bytesMax,
    onCommit: metrics.committed,
    onOutcome: (submission, verdict) => {
      metrics.outcome(submission, verdict);
      // It came again, so the ack that named it did not get through.
      if (verdict === 'duplicate' && 'gateway' in submission) acks.touch([submission.gateway]);
    },
    onProgress: acks.touch,
    onLost: () => lose(),
  });
  const evaluation =
    deps.evaluates === false
      ? null
      : await startEvaluation(settings, { ...deps, onFatal: lose, journal: { head: ring, ring } });
  const letters = createDeadLetters(pool, shard, log);
  const commands = createCommands({
    ...{ key: deps.key, now, publish: broker.publishCommand },
    isKnown: (id) => deps.gateway(id) !== undefined,
  });
  const intake = createIntake({ writer, letters, acks, commands, metrics, now });
  return {
    lease,
    ring,
    writer,
    evaluation,
    letters,
    acks,
    commands,
    intake,
    isLost: () => isLost,
    lose,
  };
}

interface Upkeep {
  stopTicks(): void;
  close(): Promise<void>;
}

/** Lease, ticks, days of the journal, and what of them must outlive them. */
function startUpkeep({ settings, deps, now, metrics }: Frame, parts: Parts): Upkeep {
  const { pool, log } = deps;
  const { lease, writer, intake, lose } = parts;
  const ticker = startTicker(settings.tickIntervalMs, now, intake.appendTick);
  const { retention } = settings;
  const days = startJournalUpkeep(pool, { now, retention, onAged: metrics.aged, log });
  const evidence = startEvidenceKeeper(pool, { shard: lease.shard, now, log });
  const unparking = startUnparking({
    ...{ pool, shard: lease.shard, headPos: lease.pos, writtenPos: writer.pos, now, log },
    ...{ submit: writer.submit, putAside: intake.putAside, onUnparked: metrics.unparked },
  });
  const keeper = keepLease(pool, 'journal', lease, settings.lease.durationMs, () => {
    log.error({ shard: lease.shard }, 'the lease was taken by another hub');
    void writer.close();
    lose();
  });
  return {
    stopTicks: ticker.close,
    async close() {
      await unparking.close();
      await Promise.all([days.close(), evidence.close()]);
      await keeper.close();
    },
  };
}

function handleOf(
  { deps, now, broker, metrics, hj212, sparkplug }: Frame,
  parts: Parts,
  upkeep: Upkeep,
): Ingest {
  const { writer, evaluation, letters, acks, intake, isLost } = parts;
  let isOpen = false;
  return {
    mqttUrl: broker.url,
    port: broker.port,
    hj212,
    sparkplug,
    evaluation,
    ring: parts.ring,
    admit() {
      if (isOpen || isLost()) return;
      isOpen = true;
      broker.open();
      hj212?.open();
      sparkplug?.open();
    },
    stats: () => ({
      ...metrics.counts,
      journalPos: writer.pos(),
      ...(evaluation?.stats() ?? { evaluatorPos: 0, evaluatorLag: 0 }),
      inFlightBytes: broker.inFlightBytes(),
      clients: broker.clients(),
    }),
    readiness: () => readinessOf(parts, broker, now()),
    replayLetter: (id) =>
      replayLetter({ db: deps.db, intake, gateway: deps.gateway, hj212, sparkplug }, id),
    command: parts.commands.send,
    appendFact: intake.appendFact,
    caughtUp: () => caughtUp(parts, deps),
    async close() {
      upkeep.stopTicks();
      broker.stopReading();
      hj212?.stopReading();
      // Its edge nodes keep what they measure once they know.
      await sparkplug?.close();
      await Promise.all([writer.close(), letters.close()]);
      acks.close();
      if (!isLost()) {
        await acks.flush();
        if (evaluation !== null) {
          await within(evaluation.reached(writer.pos()), CLOSE_EVALUATION_MS_MAX);
        }
      }
      await Promise.all([broker.close(), hj212?.close()]);
      await evaluation?.close();
      await upkeep.close();
    },
  };
}

/** Waits, and says now and then what for: at the start nothing else answers yet. */
async function caughtUp({ writer, evaluation }: Parts, { log }: IngestDeps): Promise<void> {
  const toPos = writer.pos();
  if (evaluation === null) return;
  const timer = setInterval(() => {
    const evaluatedTo = evaluation.stats()?.evaluatorPos ?? null;
    log.warn({ evaluatedTo, toPos, error: evaluation.trouble() }, 'waiting for the evaluator');
  }, WAITING_LOG_MS);
  await evaluation.reached(toPos).finally(() => clearInterval(timer));
}

function readinessOf(
  { writer, evaluation, isLost }: Parts,
  broker: Broker,
  nowMs: number,
): ReturnType<Ingest['readiness']> {
  const downSinceMs = writer.downSinceMs();
  const says = (ok: boolean, detail: string) => ({ name: 'ingest', ok, detail });
  if (isLost()) return says(false, 'another hub has the shard');
  if (downSinceMs !== null) {
    return says(false, `cannot write the journal since ${new Date(downSinceMs).toISOString()}`);
  }
  const away = broker.trouble();
  if (away !== null && nowMs - away.sinceMs > TROUBLE_MS_MAX) {
    const since = new Date(away.sinceMs).toISOString();
    return says(false, `no connection to ${broker.url} since ${since}: ${away.reason}`);
  }
  const evaluates = evaluation?.readiness();
  if (evaluates?.ok === false) return evaluates;
  return says(true, [`journal at ${writer.pos()}`, evaluates?.detail ?? []].flat().join(', '));
}

/** Ends with the work, whatever its outcome, or after the time. */
async function within(work: Promise<void>, timeMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeMs);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
