import type { Kysely } from 'kysely';
import type { Registry } from 'prom-client';
import type { Database } from '../database/schema.ts';
import type { CommandAnswer, CommandRefusal } from '../ingest/commands.ts';
import type { ReplayFault } from '../ingest/replay-letter.ts';
import type { CommandOrder } from '../model/command-order.ts';
import type { Result } from '../model/result.ts';
import type { Logger } from '../process/log.ts';

/** One thing that must work before the hub may be sent work, by the name that the operator reads. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface Readiness {
  readonly ok: boolean;
  readonly checks: readonly ReadinessCheck[];
}

/** What the API is given; it owns none of it and closes none of it. */
export interface ApiDeps {
  readonly db: Kysely<Database>;
  /** The shard of this process, whose live numbers are shown. */
  readonly shard: string;
  readonly registry: Registry;
  ready(): Promise<Readiness>;
  /**
   * Live numbers of this process as it counts them, plain JSON; with those of the hub's other processes
   * passed on as `hub` in `GET /api/v1/status`.
   * The page shows `readingsPerSecond` when it is there.
   */
  stats(): object;
  /** Takes a dead letter in again; `detail` says why it can't be. */
  replayLetter(id: number): Promise<Result<'stored' | 'duplicate', ReplayFault | 'no-ingest'>>;
  /** Sends a command to a gateway; `detail` says why it can't be. */
  command(
    gateway: string,
    order: CommandOrder,
  ): Promise<Result<CommandAnswer, CommandRefusal | 'no-ingest'>>;
  /** Whoever sends it may change things; null: nobody may. */
  readonly operatorToken: string | null;
  readonly log: Logger;
}
