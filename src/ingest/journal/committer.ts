import type pg from 'pg';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { Logger } from '../../process/log.ts';
import { type CommitArguments, commitBlock } from './commit-statement.ts';
import type { GatewayNumbers } from './gateway-numbers.ts';
import { makePartitions } from './partitions.ts';

/** `lost`: another holder writes the shard now. `given-up`: closed before the database came back. */
export type CommitOutcome = 'committed' | 'lost' | 'given-up';

export interface Committer {
  /** Writes one block and does not return before it knows what became of it. */
  commit(args: Omit<CommitArguments, 'gatewayNumbers' | 'committedAtMs'>): Promise<CommitOutcome>;
  /** Since when the database has refused, or not answered a commit for long, UTC ms; null: it does. */
  downSinceMs(): number | null;
  /** No further try after one that fails. */
  giveUp(): void;
  close(): Promise<void>;
}

interface CommitterDeps {
  readonly pool: pg.Pool;
  readonly numbers: GatewayNumbers;
  readonly now: () => number;
  readonly faultPoint: FaultPoint;
  readonly log: Logger;
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1_000;
/** A commit without an answer for longer counts as a database that is away; it is waited for still. */
const ANSWER_MS_MAX = 5_000;
const COMPLAIN_EVERY_MS = 10_000;
/** SQLSTATE of a row that no partition takes. */
const NO_PARTITION = '23514';

/**
 * The one connection that writes the journal. A commit whose answer was lost may have happened: the
 * head of the shard tells, so a block is neither lost nor written twice.
 */
export function createCommitter({ pool, numbers, now, faultPoint, log }: CommitterDeps): Committer {
  let client: pg.PoolClient | undefined;
  let downSinceMs: number | null = null;
  /** Of the commit that has no answer yet. */
  let askedAtMs: number | null = null;
  let complainedMs = Number.NEGATIVE_INFINITY;
  let givingUp = false;

  async function connected(): Promise<pg.PoolClient> {
    if (client !== undefined) return client;
    client = await pool.connect();
    return client;
  }

  function drop(): void {
    client?.release(true);
    client = undefined;
  }

  /** What the shard's row says about a block whose commit had no answer; null: it was not written. */
  async function resolve({ shard, token, block }: CommitArguments): Promise<CommitOutcome | null> {
    const { rows } = await (await connected()).query<{
      token: number;
      pos: number;
      head_hash: Buffer;
    }>('select token, pos, head_hash from telemetry.shard where shard = $1', [shard]);
    const head = rows[0];
    if (head === undefined || head.token !== token) return 'lost';
    if (head.pos === block.posTo && head.head_hash.equals(block.hash)) return 'committed';
    if (head.pos === block.posFrom - 1) return null;
    log.error({ shard, head: head.pos, expected: block.posFrom - 1 }, 'the head has moved');
    return 'lost';
  }

  async function attempt(args: CommitArguments): Promise<CommitOutcome | null> {
    const connection = await connected();
    faultPoint('journal:before-commit');
    const committed = await commitBlock(connection, args);
    faultPoint('journal:after-commit');
    return committed ? 'committed' : resolve(args);
  }

  async function commit(
    args: Omit<CommitArguments, 'gatewayNumbers' | 'committedAtMs'>,
  ): Promise<CommitOutcome> {
    let mayBeThere = false;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      try {
        const gatewayNumbers = await numbers.of(args.block.gateways);
        const full = { ...args, gatewayNumbers, committedAtMs: now() };
        askedAtMs ??= full.committedAtMs;
        const outcome = (mayBeThere ? await resolve(full) : null) ?? (await attempt(full));
        if (outcome !== null) {
          if (downSinceMs !== null) log.info('the database answers again');
          downSinceMs = null;
          askedAtMs = null;
          return outcome;
        }
      } catch (error) {
        mayBeThere = true;
        await recover(error as Error & { code?: string });
        if (givingUp) return 'given-up';
        await new Promise((next) => setTimeout(next, waitMs));
      }
    }
  }

  async function recover(error: Error & { code?: string }): Promise<void> {
    drop();
    if (error.code === NO_PARTITION) {
      await makePartitions(pool, now()).catch(() => undefined);
      return;
    }
    if (downSinceMs === null) downSinceMs = now();
    if (performance.now() - complainedMs < COMPLAIN_EVERY_MS) return;
    complainedMs = performance.now();
    log.error({ error: error.message }, 'cannot write the journal; nothing is acknowledged');
  }

  return {
    commit,
    downSinceMs() {
      const isHanging = askedAtMs !== null && now() - askedAtMs > ANSWER_MS_MAX;
      return downSinceMs ?? (isHanging ? askedAtMs : null);
    },
    giveUp: () => {
      givingUp = true;
    },
    close: async () => drop(),
  };
}
