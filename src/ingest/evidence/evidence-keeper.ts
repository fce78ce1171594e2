import type pg from 'pg';
import { DAY_MS } from '../../model/time.ts';
import type { Logger } from '../../process/log.ts';
import { copyEvidence, type WaitingClaim } from './copy-evidence.ts';

const LOOK_EVERY_MS = 30_000;
const CLAIMS_PER_LOOK = 16;
/** The next try without a seal comes after twice the time of the last, up to an hour. */
const TRY_AGAIN_S_MIN = 120;
const TRY_AGAIN_S_MAX = 3_600;
/** A gateway that was away for longer seals what it backfills; its claim stands as unsealed till then. */
const SEAL_WAIT_MS_MAX = 2 * DAY_MS;

interface KeptClaim extends WaitingClaim {
  readonly tries: number;
}

export interface EvidenceKeeper {
  /** Copies for every claim that is due now; gives how many were settled. */
  look(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Takes the raw payloads behind each evidence package out of the journal before they age. A claim is
 * settled when a seal covers it; as `unsealed` at once where none can (HJ 212, Sparkplug, simple producers),
 * else two days after its window's end. `onError` hears of a
 * look that failed; the next is in half a minute.
 */
export function startEvidenceKeeper(
  pool: pg.Pool,
  { shard, now, log }: { shard: string; now: () => number; log: Logger },
): EvidenceKeeper {
  let looking: Promise<number> | undefined;
  let closing = false;

  async function lookOnce(): Promise<number> {
    const { rows } = await pool.query<KeptClaim>(
      `select package_id, shard, devices, from_ms, to_ms, pos, tries
       from enforcement.evidence_claim
       where shard = $1 and state = 'waiting' and next_try_at <= now()
       order by next_try_at limit ${CLAIMS_PER_LOOK}`,
      [shard],
    );
    let settled = 0;
    for (const claim of rows) {
      if (closing) break;
      if (await settle(claim)) settled += 1;
    }
    return settled;
  }

  async function settle(claim: KeptClaim): Promise<boolean> {
    const found = await copyEvidence(pool, claim);
    const isLast = found !== 'unsealed' || now() > claim.to_ms + SEAL_WAIT_MS_MAX;
    const settled = found === 'sealed' ? 'sealed' : 'unsealed';
    const againS = Math.min(TRY_AGAIN_S_MAX, TRY_AGAIN_S_MIN * 2 ** claim.tries);
    await pool.query(
      `update enforcement.evidence_claim set state = $2, tries = tries + 1,
         next_try_at = now() + make_interval(secs => $3) where package_id = $1`,
      [claim.package_id, isLast ? settled : 'waiting', againS],
    );
    if (isLast) log.info({ packageId: claim.package_id, state: settled }, 'raw evidence copied');
    return isLast;
  }

  const look = (): Promise<number> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const timer = setInterval(() => {
    look().catch((error: Error) =>
      log.error({ error: error.message }, 'cannot copy raw evidence, trying again'),
    );
  }, LOOK_EVERY_MS);

  return {
    look,
    async close() {
      closing = true;
      clearInterval(timer);
      await looking?.catch(() => undefined);
    },
  };
}
