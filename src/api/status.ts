import { type Kysely, sql } from 'kysely';
import { z } from 'zod';
import type { Database } from '../database/schema.ts';
import { latestFacts } from './latest-facts.ts';
import { Millis } from './views.ts';

/** Dead letters are counted up to here: the number shows that something is wrong, not how much. */
const DEAD_LETTERS_COUNTED_MAX = 10_000;
const EVALUATOR = 'evaluator';

export const StatusView = z.object({
  nowMs: Millis.describe("The hub's clock"),
  asOfMs: Millis.nullable().describe('Latest event time that a standing rests on'),
  shards: z.array(
    z.object({
      shard: z.string(),
      pos: z.int().describe('Last position of the journal'),
      evaluatedPos: z.int(),
      lag: z.int().describe('Entries that the evaluator has still to read'),
    }),
  ),
  registered: z.object({
    enterprises: z.int(),
    posts: z.int(),
    devices: z.int(),
    gateways: z.int(),
  }),
  standings: z.object({ over: z.int(), near: z.int(), below: z.int(), noData: z.int() }),
  clues: z.object({
    total: z.int(),
    atPlatform: z.int().describe('With a number of the platform'),
    latestPos: z.int().describe('Position of the latest change of any clue'),
    byState: z.record(z.string(), z.int()),
  }),
  deadLetters: z.object({ count: z.int(), more: z.boolean() }),
  processes: z.array(
    z.object({
      process: z.string(),
      shard: z.string(),
      roles: z.array(z.string()),
      seenMs: Millis,
    }),
  ),
  hub: z.record(z.string(), z.unknown()).describe("Live numbers of this shard's processes"),
});
export type Status = z.infer<typeof StatusView>;

/** A process that has not been heard of for longer is not listed. */
const PROCESS_S_MAX = 10;

/** Reads what the head of the page shows. Six small queries; throws when the database is away. */
export async function readStatus(
  db: Kysely<Database>,
  shard: string,
  stats: () => object,
): Promise<Status> {
  const [shards, registered, standings, clues, deadLetters, processes] = await Promise.all([
    readShards(db),
    readRegistered(db),
    readStandings(db),
    readClues(db),
    readDeadLetters(db),
    readProcesses(db),
  ]);
  const ofShard = processes.filter((process) => process.shard === shard);
  return {
    nowMs: Date.now(),
    asOfMs: standings.asOfMs,
    shards,
    registered,
    standings: standings.counts,
    clues,
    deadLetters,
    processes: processes.map(({ stats: _, ...process }) => process),
    hub: Object.assign({}, ...ofShard.map((process) => process.stats), stats()),
  };
}

/** Those heard of last come last: what they say stands. */
async function readProcesses(
  db: Kysely<Database>,
): Promise<(Status['processes'][number] & { stats: object })[]> {
  const rows = await db
    .selectFrom('telemetry.hub_process')
    .select(['process', 'shard', 'roles', 'stats', 'seen_at'])
    .where('seen_at', '>', sql<Date>`now() - make_interval(secs => ${PROCESS_S_MAX})`)
    .orderBy('seen_at')
    .execute();
  return rows.map(({ process, shard, roles, stats, seen_at: seenAt }) => ({
    ...{ process, shard, roles, seenMs: seenAt.getTime() },
    stats: stats as object,
  }));
}

async function readShards(db: Kysely<Database>): Promise<Status['shards']> {
  const rows = await db
    .selectFrom('telemetry.shard as s')
    .leftJoin('telemetry.sink_cursor as c', (join) =>
      join.onRef('c.shard', '=', 's.shard').on('c.name', '=', EVALUATOR),
    )
    .select(['s.shard', 's.pos', 'c.pos as evaluated'])
    .orderBy('s.shard')
    .execute();
  return rows.map(({ shard, pos, evaluated }) => {
    const evaluatedPos = evaluated ?? 0;
    return { shard, pos, evaluatedPos, lag: Math.max(0, pos - evaluatedPos) };
  });
}

async function readRegistered(db: Kysely<Database>): Promise<Status['registered']> {
  const { rows } = await sql<{ entity: string; count: number }>`
    select entity, count(*) as count from (
      select distinct on (entity, id) entity, value is null as ended from registry.fact
      where entity in ('enterprise', 'post', 'device', 'gateway')
      order by entity, id, pos desc
    ) latest where not ended group by entity`.execute(db);
  const count = new Map(rows.map((row) => [row.entity, row.count]));
  return {
    enterprises: count.get('enterprise') ?? 0,
    posts: count.get('post') ?? 0,
    devices: count.get('device') ?? 0,
    gateways: count.get('gateway') ?? 0,
  };
}

/** Lines of the post table by state; a registered hazard that was never evaluated has no data. */
async function readStandings(
  db: Kysely<Database>,
): Promise<{ counts: Status['standings']; asOfMs: number | null }> {
  const { rows } = await sql<{ state: string; count: number; as_of_ms: number | null }>`
    with fact as materialized (${latestFacts(['post'], Date.now())}),
    line as (
      select distinct on (post, factor, limit_kind) state, as_of_ms from exposure.standing
      order by post, factor, limit_kind, as_of_ms desc, crew
    ),
    silent as (
      select 'no-data' as state, null::bigint as as_of_ms
      from fact cross join jsonb_array_elements(fact.value->'hazards') item
      where not exists (
        select 1 from exposure.standing s where s.post = fact.id and s.factor = item->>'factor')
    )
    select state, count(*) as count, max(as_of_ms) as as_of_ms
    from (select * from line union all select * from silent) lines group by state`.execute(db);
  const count = new Map(rows.map((row) => [row.state, row.count]));
  return {
    counts: {
      over: count.get('over') ?? 0,
      near: count.get('near') ?? 0,
      below: count.get('below') ?? 0,
      noData: count.get('no-data') ?? 0,
    },
    asOfMs: rows.reduce<number | null>(
      (latest, { as_of_ms: asOfMs }) =>
        asOfMs === null ? latest : Math.max(latest ?? asOfMs, asOfMs),
      null,
    ),
  };
}

async function readClues(db: Kysely<Database>): Promise<Status['clues']> {
  const { rows } = await sql<{ state: string; count: number; sent: number; latest: number }>`
    select state, count(*) as count, count(platform_no) as sent, max(updated_pos) as latest
    from enforcement.clue group by state order by state`.execute(db);
  return {
    total: rows.reduce((sum, row) => sum + row.count, 0),
    atPlatform: rows.reduce((sum, row) => sum + row.sent, 0),
    latestPos: rows.reduce((latest, row) => Math.max(latest, row.latest), 0),
    byState: Object.fromEntries(rows.map((row) => [row.state, row.count])),
  };
}

async function readDeadLetters(db: Kysely<Database>): Promise<Status['deadLetters']> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (
      select 1 from telemetry.dead_letter limit ${DEAD_LETTERS_COUNTED_MAX + 1}
    ) counted`.execute(db);
  const count = rows[0]?.count ?? 0;
  return {
    count: Math.min(count, DEAD_LETTERS_COUNTED_MAX),
    more: count > DEAD_LETTERS_COUNTED_MAX,
  };
}
