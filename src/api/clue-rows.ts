import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { ClueRow } from './clue-view.ts';
import { latestFacts } from './latest-facts.ts';

export interface ClueQuery {
  readonly rowsMax: number;
  readonly clueNo?: string | undefined;
  readonly enterprise?: string | undefined;
  readonly post?: string | undefined;
  readonly state?: string | undefined;
  /** Rows after this one in the order: opened last first. */
  readonly after?: readonly [openedPos: number, clueNo: string] | undefined;
}

/** Clues with the sending of their latest released revision, newest first. */
export async function readClueRows(
  db: Kysely<Database>,
  query: ClueQuery,
): Promise<readonly ClueRow[]> {
  const { clueNo, enterprise, post, state, after } = query;
  const conditions = [
    sql`true`,
    ...(clueNo === undefined ? [] : [sql`c.clue_no = ${clueNo}`]),
    ...(enterprise === undefined ? [] : [sql`c.enterprise = ${enterprise}`]),
    ...(post === undefined ? [] : [sql`c.post = ${post}`]),
    ...(state === undefined ? [] : [sql`c.state = ${state}`]),
    ...(after === undefined
      ? []
      : [sql`(c.opened_pos, c.clue_no) < (${after[0]}::bigint, ${after[1]})`]),
  ];
  const { rows } = await sql<ClueRow>`
    with company as materialized (${latestFacts(['enterprise'], Date.now())})
    select c.*, company.value->>'timeZone' as time_zone,
      (select jsonb_build_object('revision', o.revision, 'state', o.state,
          'attempts', o.attempts, 'lastError', o.last_error)
        from enforcement.outbox o
        where o.clue_no = c.clue_no order by o.revision desc limit 1) as push
    from enforcement.clue c
    left join company on company.id = c.enterprise
    where ${sql.join(conditions, sql` and `)}
    order by c.opened_pos desc, c.clue_no desc
    limit ${query.rowsMax}`.execute(db);
  return rows;
}
