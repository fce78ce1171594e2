import { type RawBuilder, sql } from 'kysely';

/**
 * Subquery `(entity, id, value)`: of each entity the fact in force at `nowMs`, or, when all of them begin
 * later, the one that begins last. Ended entities are left out.
 */
export const latestFacts = (
  entities: readonly string[],
  nowMs: number,
): RawBuilder<{ entity: string; id: string; value: unknown }> => sql`
  select entity, id, value from (
    select distinct on (entity, id) entity, id, value
    from registry.fact
    where entity = any(${[...entities]}::text[])
    order by entity, id, (valid_from_ms <= ${nowMs}) desc, valid_from_ms desc, pos desc
  ) latest where value is not null`;
