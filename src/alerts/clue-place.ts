import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { RuleSubject } from '../model/exposure.ts';
import { Enterprise, Point, Post } from '../model/facts.ts';
import type { CluePlace } from './ledger.ts';

/**
 * What the facts up to a position say of a subject's enterprise, post and point: the same at every
 * replay. Undefined: one of them is not registered.
 */
export async function readPlace(
  tx: Transaction<Database>,
  at: { readonly shard: string; readonly pos: number },
  subject: RuleSubject,
): Promise<CluePlace | undefined> {
  const { rows } = await sql<{ entity: string; value: unknown }>`
    select distinct on (entity) entity, value from registry.fact
    where shard = ${at.shard} and pos <= ${at.pos} and value is not null
      and ((entity = 'enterprise' and id = ${subject.enterprise})
        or (entity = 'post' and id = ${subject.post})
        or (entity = 'point' and id = ${subject.point}))
    order by entity, pos desc`.execute(tx);
  const values = new Map(rows.map((row) => [row.entity, row.value]));
  const enterprise = Enterprise.safeParse(values.get('enterprise'));
  const post = Post.safeParse(values.get('post'));
  const point = Point.safeParse(values.get('point'));
  if (!enterprise.success || !post.success || !point.success) return undefined;
  return {
    enterpriseName: enterprise.data.name,
    timeZone: enterprise.data.timeZone,
    postName: post.data.name,
    exposedWorkers: post.data.exposedWorkers,
    location: point.data.location,
  };
}
