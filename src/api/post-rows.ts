import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { ShiftResult, Standing } from '../model/exposure.ts';
import type { ChannelRef } from '../model/facts.ts';
import { latestFacts } from './latest-facts.ts';

/** One line of the post table, as the database has it. */
export interface PostRow {
  /** 0 over, 1 near, 2 below, 3 no data: worst first. */
  readonly rank: number;
  readonly enterprise: string;
  readonly enterprise_name: string | null;
  readonly time_zone: string | null;
  readonly post: string;
  readonly post_name: string | null;
  /** Of several crews the one whose standing is the latest; null: nothing was evaluated yet. */
  readonly crew: string | null;
  readonly crew_name: string | null;
  readonly factor: string;
  /** '' when nothing was evaluated yet. */
  readonly limit_kind: string;
  readonly registered_channel: ChannelRef | null;
  readonly standing: Standing | null;
  /** Latest revision of the latest shift. */
  readonly result: ShiftResult | null;
}

export type PostRowKey = readonly [
  rank: number,
  enterprise: string,
  post: string,
  factor: string,
  limitKind: string,
];

/**
 * Rows after `after` in the order rank, enterprise, post, factor, limit kind. Posts come from the registry and from
 * the standings alike: a registered hazard that was never evaluated is a row without data, and a
 * standing whose post is not registered any more still shows.
 */
export async function readPostRows(
  db: Kysely<Database>,
  query: {
    readonly nowMs: number;
    readonly rowsMax: number;
    readonly enterprise?: string | undefined;
    readonly after?: PostRowKey | undefined;
  },
): Promise<readonly PostRow[]> {
  const { after, enterprise } = query;
  const conditions = [
    sql`true`,
    ...(enterprise === undefined ? [] : [sql`line.enterprise = ${enterprise}`]),
    ...(after === undefined
      ? []
      : [
          sql`(line.rank, line.enterprise, line.post, line.factor, line.limit_kind)
            > (${after[0]}::int, ${after[1]}, ${after[2]}, ${after[3]}, ${after[4]})`,
        ]),
  ];
  const { rows } = await sql<PostRow>`
    with fact as materialized (${latestFacts(['enterprise', 'post', 'crew'], query.nowMs)}),
    hazard as (
      select fact.id as post, fact.value->>'enterprise' as enterprise,
        item->>'factor' as factor, item->'primary' as channel
      from fact cross join jsonb_array_elements(fact.value->'hazards') item
      where fact.entity = 'post'
    ),
    standing as (
      select distinct on (post, factor, limit_kind)
        post, factor, limit_kind, crew, enterprise, state
      from exposure.standing
      order by post, factor, limit_kind, as_of_ms desc, crew
    ),
    line as (
      select
        case standing.state when 'over' then 0 when 'near' then 1 when 'below' then 2 else 3 end
          as rank,
        coalesce(standing.enterprise, hazard.enterprise) as enterprise,
        coalesce(standing.post, hazard.post) as post,
        coalesce(standing.factor, hazard.factor) as factor,
        coalesce(standing.limit_kind, '') as limit_kind,
        standing.crew, hazard.channel as registered_channel
      from standing
      full join hazard on hazard.post = standing.post and hazard.factor = standing.factor
    ),
    page as materialized (
      select * from line
      where ${sql.join(conditions, sql` and `)}
      order by rank, enterprise, post, factor, limit_kind
      limit ${query.rowsMax}
    )
    select page.*, standing.standing,
      company.value->>'name' as enterprise_name, company.value->>'timeZone' as time_zone,
      post.value->>'name' as post_name, crew.value->>'name' as crew_name,
      latest.result
    from page
    left join exposure.standing standing on standing.post = page.post
      and standing.crew = page.crew and standing.factor = page.factor
      and standing.limit_kind = page.limit_kind
    left join fact company on company.entity = 'enterprise' and company.id = page.enterprise
    left join fact post on post.entity = 'post' and post.id = page.post
    left join fact crew on crew.entity = 'crew' and crew.id = page.crew
    left join lateral (
      select result from exposure.window_result r
      where r.post = page.post and r.factor = page.factor and r.limit_kind = page.limit_kind
      order by r.shift_start_ms desc, r.revision desc
      limit 1
    ) latest on true
    order by page.rank, page.enterprise, page.post, page.factor, page.limit_kind`.execute(db);
  return rows;
}
