import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../process/log.ts';
import { backoffMs } from './backoff.ts';
import type { PlatformAnswer, PlatformClient } from './platform-client.ts';
import { claimPush, type PushClaim } from './push-claim.ts';
import { outcomeOfHeld, outcomeOfPush, type PushOutcome } from './push-outcome.ts';
import type { QueueStore } from './push-queue.ts';
import { settlePush } from './push-settle.ts';
import type { AlertSettings } from './settings.ts';

/** An attempt is two requests at most; this long after them its process is taken for dead. */
const LEASE_MARGIN_MS = 2_000;
/** Requests on the way get this long to end by themselves when the worker closes. */
const CLOSE_GRACE_MS = 2_000;

export interface PushWorker {
  close(): Promise<void>;
}

export interface PushWorkerDeps {
  readonly db: Kysely<Database>;
  readonly store: QueueStore;
  readonly client: PlatformClient;
  readonly log: Logger;
  readonly now: () => number;
  onOutcome(kind: PushOutcome['kind'], tookMs: number): void;
  /** A job has left the queue; its row may be due again. */
  onJobDone(idempotencyKey: string | undefined): void;
}

/** Works the queue: each job points to an outbox row, which alone says whether there is work. */
export async function startPushWorker(
  settings: AlertSettings,
  deps: PushWorkerDeps,
): Promise<PushWorker> {
  const { client, log, onJobDone } = deps;
  const worker = await deps.store.openWorker({
    ...{ log, onJobDone, concurrency: settings.concurrency },
    work: (job) => attempt(job.data.idempotencyKey, settings, deps),
  });
  return {
    async close() {
      const grace = setTimeout(client.abort, CLOSE_GRACE_MS);
      await worker.close();
      clearTimeout(grace);
    },
  };
}

async function attempt(
  idempotencyKey: string,
  settings: AlertSettings,
  { db, client, log, now, onOutcome }: PushWorkerDeps,
): Promise<void> {
  const leaseMs = 2 * settings.platform.timeoutMs + LEASE_MARGIN_MS;
  const claim = await claimPush(db, idempotencyKey, leaseMs);
  if (claim === undefined) return;
  const startedMs = performance.now();
  const { outcome, status } = await send(claim, client, now);
  const tookMs = performance.now() - startedMs;
  const askedMs = outcome.kind === 'wait' ? outcome.afterMs : null;
  const delayMs = backoffMs(claim.attempt, askedMs, settings.retry, Math.random);
  await settlePush(db, claim, { outcome, status, tookMs, endedAtMs: now(), delayMs });
  onOutcome(outcome.kind, tookMs);
  const about = { idempotencyKey, attempt: claim.attempt, status };
  if (outcome.kind === 'accepted') {
    log.info({ ...about, platformNo: outcome.receipt.platformNo }, 'clue pushed');
  } else if (outcome.kind === 'refused') {
    log.error({ ...about, detail: outcome.detail }, 'platform refused clue for good');
  } else {
    log.warn({ ...about, detail: outcome.detail, delayMs }, 'push goes again');
  }
}

/** Asks first when an earlier attempt may have arrived: nothing is sent twice without need. */
async function send(
  claim: PushClaim,
  client: PlatformClient,
  now: () => number,
): Promise<{ outcome: PushOutcome; status: PlatformAnswer['status'] }> {
  if (claim.maybeHeld) {
    const answer = await client.held(claim.clueNo);
    const outcome = outcomeOfHeld(answer, claim.revision, now());
    if (outcome.kind !== 'absent') return { outcome, status: unsettled(answer, outcome) };
  }
  const answer = await client.push(claim.idempotencyKey, claim.body);
  return { outcome: outcomeOfPush(answer, now()), status: answer.status };
}

/** The question failed and the push stays unknown: its row must say so, whatever the status was. */
const unsettled = (answer: PlatformAnswer, outcome: PushOutcome): number | null =>
  outcome.kind === 'accepted' ? answer.status : null;
