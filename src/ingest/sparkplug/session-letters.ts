import { type Kysely, sql } from 'kysely';
import type { Database } from '../../database/schema.ts';
import {
  type SparkplugTopic,
  sparkplugTopicOf,
} from '../../telemetry/sparkplug/sparkplug-topic.ts';

/** A message of an edge node among the dead letters. */
export interface SessionLetter {
  readonly id: number;
  readonly topic: string;
  readonly raw: Buffer;
  readonly received_at: Date;
}

/** Letters behind a birth that are looked at: two hours of one a second. */
const LETTERS_MAX = 7_200;

/**
 * A dead letter with those of its edge node that came before it, from its last birth on, oldest first:
 * what it takes to know what the letter's aliases meant. The letter alone where no birth was put aside.
 */
export async function readSessionLetters(
  db: Kysely<Database>,
  { group, edgeNode }: SparkplugTopic,
  id: number,
): Promise<SessionLetter[]> {
  const birthTopic = sparkplugTopicOf({ group, edgeNode, kind: 'NBIRTH', device: null });
  const letters = db
    .selectFrom('telemetry.dead_letter')
    .select(['id', 'topic', 'raw', 'received_at'])
    .where('id', '<=', id)
    .where('shard', '=', (own) =>
      own.selectFrom('telemetry.dead_letter').select('shard').where('id', '=', id),
    );
  const birth = await letters
    .where('topic', '=', birthTopic)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return letters
    .where('id', '>=', birth?.id ?? id)
    .where(sql<boolean>`split_part(topic, '/', 1) = 'spBv1.0'`)
    .where(sql<boolean>`split_part(topic, '/', 2) = ${group}`)
    .where(sql<boolean>`split_part(topic, '/', 4) = ${edgeNode}`)
    .orderBy('id')
    .limit(LETTERS_MAX)
    .execute();
}
