import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Gateway } from '../model/facts.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { GATEWAY_CHANNELS, type GatewayChannel, parseTopic } from '../telemetry/topics.ts';
import type { Intake } from './intake.ts';

/** Why a dead letter could not be taken up again. */
export type ReplayFault = 'not-found' | 'not-a-message' | 'unknown-gateway' | 'still-unusable';

const CHANNELS: ReadonlySet<string> = new Set(GATEWAY_CHANNELS);

interface ReplayDeps {
  readonly db: Kysely<Database>;
  readonly intake: Pick<Intake, 'takeAgain'>;
  readonly gateway: (id: string) => Gateway | undefined;
}

/**
 * Takes a dead letter's bytes in again, as they came, after what was wrong with them was mended: the
 * gateway is registered by now, or this build knows what the last did not. The outcome is kept with the
 * letter, which stays. `stored` and `duplicate` are durable when this ends.
 */
export async function replayLetter(
  { db, intake, gateway }: ReplayDeps,
  id: number,
): Promise<Result<'stored' | 'duplicate', ReplayFault>> {
  const letter = await db
    .selectFrom('telemetry.dead_letter')
    .select(['topic', 'raw'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (letter === undefined) return fail('not-found', `no dead letter ${id}`);
  const topic = parseTopic(letter.topic);
  if (!topic.ok || !CHANNELS.has(topic.value.channel)) {
    const detail = `${letter.topic} is no topic of a gateway: what it holds is not a message`;
    return fail('not-a-message', detail);
  }
  const from = gateway(topic.value.gateway);
  if (from === undefined || from.region !== topic.value.region) {
    const { region, gateway: name } = topic.value;
    return fail('unknown-gateway', `no gateway ${name} is registered in region ${region}`);
  }
  const taken = await intake.takeAgain({
    gateway: from,
    channel: topic.value.channel as GatewayChannel,
    payload: letter.raw,
  });
  const outcome = taken.ok ? taken.value : taken.detail;
  await db
    .updateTable('telemetry.dead_letter')
    .set({ replayed_at: sql<Date>`now()`, replay_outcome: outcome })
    .where('id', '=', id)
    .execute();
  return taken.ok ? ok(taken.value) : fail('still-unusable', taken.detail);
}
