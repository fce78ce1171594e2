import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { canonicalJson } from '../model/digest.ts';
import type { Logger } from '../process/log.ts';
import { backoffMs } from './backoff.ts';
import { type EvidenceUpdate, readSeals } from './evidence-update.ts';
import type { PlatformAnswer, PlatformClient } from './platform-client.ts';
import { outcomeOfPush, type PushOutcome } from './push-outcome.ts';
import type { AlertSettings } from './settings.ts';

export interface EvidenceTeller {
  /** Tells what may be told now; gives how many updates the platform took. */
  look(): Promise<number>;
  close(): Promise<void>;
}

export interface EvidenceTellerDeps {
  readonly db: Kysely<Database>;
  readonly client: PlatformClient;
  readonly onOutcome: (kind: PushOutcome['kind']) => void;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** A process that died while it told is waited for as long, beyond the request's own time. */
const LEASE_MARGIN_MS = 2_000;
/** A request on the way gets this long to end by itself at the close. */
const CLOSE_GRACE_MS = 2_000;

interface Telling {
  readonly packageId: string;
  readonly clueNo: string;
  readonly tries: number;
}

/**
 * Tells the platform of the seal that covers a package's raw messages, once the push that names the package
 * was accepted: a push waits for no seal (design §10), and says `sealed: false`. The update repeats no fact
 * and makes no revision. Sent until it is answered; the platform knows it again by its key.
 */
export function startEvidenceTeller(
  settings: AlertSettings,
  { db, client, onOutcome, now, log }: EvidenceTellerDeps,
): EvidenceTeller {
  const leaseMs = settings.platform.timeoutMs + LEASE_MARGIN_MS;
  let looking: Promise<number> | undefined;
  let isClosing = false;

  async function tell({ packageId, clueNo, tries }: Telling): Promise<boolean> {
    const base = settings.evidenceUrl?.replace(/\/+$/, '') ?? null;
    const update: EvidenceUpdate = {
      ...{ schemaVersion: 1, clueNo, packageId, sealed: true },
      seals: await readSeals(db, packageId),
      rawUrl: base === null ? null : `${base}/${packageId}/raw`,
    };
    const answer = await client.tellEvidence(clueNo, packageId, canonicalJson(update));
    const outcome = outcomeOfUpdate(answer, now());
    onOutcome(outcome.kind);
    const about = { clueNo, packageId, status: answer.status };
    const isSettled = outcome.kind === 'accepted' || outcome.kind === 'refused';
    const askedMs = outcome.kind === 'wait' ? outcome.afterMs : null;
    const detail = outcome.kind === 'accepted' ? null : outcome.detail;
    await db
      .updateTable('enforcement.evidence_claim')
      .set({
        told: isSettled ? outcome.kind : null,
        tell_error: detail,
        tell_after: inMs(backoffMs(tries, askedMs, settings.retry, Math.random)),
      })
      .where('package_id', '=', packageId)
      .execute();
    if (outcome.kind === 'accepted') log.info(about, 'platform told of the seal');
    else if (outcome.kind === 'refused') log.error({ ...about, detail }, 'platform refused a seal');
    else log.warn({ ...about, detail }, 'platform is told of the seal again');
    return outcome.kind === 'accepted';
  }

  async function lookOnce(): Promise<number> {
    let told = 0;
    while (!isClosing) {
      const next = await takeNext(db, leaseMs);
      if (next === undefined) break;
      if (await tell(next)) told += 1;
    }
    return told;
  }

  const look = (): Promise<number> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const timer = setInterval(() => {
    look().catch((error: Error) =>
      log.warn({ error: error.message }, 'cannot tell of seals, trying again'),
    );
  }, settings.retry.redriveMs);

  return {
    look,
    async close() {
      isClosing = true;
      clearInterval(timer);
      const grace = setTimeout(client.abort, CLOSE_GRACE_MS);
      await looking?.catch(() => undefined);
      clearTimeout(grace);
    },
  };
}

const inMs = (ms: number): RawBuilder<Date> =>
  sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1_000})`;

/** Takes one sealed package that an accepted push names; nobody else takes it for `leaseMs`. */
async function takeNext(db: Kysely<Database>, leaseMs: number): Promise<Telling | undefined> {
  const { rows } = await sql<Telling>`
    update enforcement.evidence_claim set tell_tries = tell_tries + 1, tell_after = ${inMs(leaseMs)}
    where package_id = (
      select c.package_id from enforcement.evidence_claim c
      where c.state = 'sealed' and c.told is null and c.tell_after <= clock_timestamp()
        and exists (
          select 1 from enforcement.outbox o
          where o.clue_no = c.clue_no and o.state = 'sent' and (
            o.body->'evidence'->>'packageId' = c.package_id
            or o.body->'shifts' @> jsonb_build_array(jsonb_build_object('packageId', c.package_id))))
      order by c.tell_after for update skip locked limit 1)
    returning package_id as "packageId", clue_no as "clueNo", tell_tries as tries`.execute(db);
  return rows[0];
}

/** Any 2xx is a yes: the answer says nothing else. */
function outcomeOfUpdate(
  answer: PlatformAnswer,
  nowMs: number,
): Exclude<PushOutcome, { kind: 'accepted' }> | { readonly kind: 'accepted' } {
  const { status } = answer;
  if (status !== null && status >= 200 && status < 300) return { kind: 'accepted' };
  return outcomeOfPush(answer, nowMs);
}
