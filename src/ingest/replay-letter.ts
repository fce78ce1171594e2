import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Gateway } from '../model/facts.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { NAMESPACE, parseSparkplugTopic } from '../telemetry/sparkplug/sparkplug-topic.ts';
import { GATEWAY_CHANNELS, type GatewayChannel, parseTopic } from '../telemetry/topics.ts';
import type { Hj212Server } from './hj212/server.ts';
import { HJ212_TOPIC } from './hj212/take-piece.ts';
import type { Intake } from './intake.ts';
import type { SparkplugHost } from './sparkplug/host.ts';
import { readSessionLetters } from './sparkplug/session-letters.ts';

/** Why a dead letter could not be taken up again. */
export type ReplayFault = 'not-found' | 'not-a-message' | 'unknown-gateway' | 'still-unusable';

const CHANNELS: ReadonlySet<string> = new Set(GATEWAY_CHANNELS);

interface ReplayDeps {
  readonly db: Kysely<Database>;
  readonly intake: Pick<Intake, 'takeAgain'>;
  readonly gateway: (id: string) => Gateway | undefined;
  /** Null: nobody listens for HJ 212. */
  readonly hj212: Pick<Hj212Server, 'takeAgain'> | null;
  /** Null: there is no Sparkplug host. */
  readonly sparkplug: Pick<SparkplugHost, 'takeAgain'> | null;
}

/**
 * Takes a dead letter's bytes in again, as they came, after what was wrong with them was mended: the
 * gateway is registered by now, or this build knows what the last did not. The outcome is kept with the
 * letter, which stays. `stored` and `duplicate` are durable when this ends.
 */
export async function replayLetter(
  deps: ReplayDeps,
  id: number,
): Promise<Result<'stored' | 'duplicate', ReplayFault>> {
  const letter = await deps.db
    .selectFrom('telemetry.dead_letter')
    .select(['topic', 'raw'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (letter === undefined) return fail('not-found', `no dead letter ${id}`);
  const again = takerOf(letter.topic, id, deps);
  if (!again.ok) return again;
  const taken = await again.value(letter.raw);
  const outcome = taken.ok ? taken.value : taken.detail;
  await deps.db
    .updateTable('telemetry.dead_letter')
    .set({ replayed_at: sql<Date>`now()`, replay_outcome: outcome })
    .where('id', '=', id)
    .execute();
  return taken.ok ? ok(taken.value) : fail('still-unusable', taken.detail);
}

type Taker = (raw: Buffer) => Promise<Result<'stored' | 'duplicate'>>;

/** Who takes what came on a topic, or why nobody does. */
function takerOf(topicText: string, id: number, deps: ReplayDeps): Result<Taker, ReplayFault> {
  const { intake, gateway, hj212 } = deps;
  if (topicText.startsWith(HJ212_TOPIC)) {
    if (hj212 !== null) return ok(hj212.takeAgain);
    return fail('not-a-message', 'a frame of HJ 212, and ingest.hj212 is not set');
  }
  if (topicText.startsWith(`${NAMESPACE}/`)) return edgeTakerOf(topicText, id, deps);
  const topic = parseTopic(topicText);
  if (!topic.ok || !CHANNELS.has(topic.value.channel)) {
    const detail = `${topicText} is no topic of a gateway: what it holds is not a message`;
    return fail('not-a-message', detail);
  }
  const from = gateway(topic.value.gateway);
  if (from === undefined || from.region !== topic.value.region) {
    const { region, gateway: name } = topic.value;
    return fail('unknown-gateway', `no gateway ${name} is registered in region ${region}`);
  }
  const channel = topic.value.channel as GatewayChannel;
  return ok((payload) => intake.takeAgain({ gateway: from, channel, payload }));
}

/** Who takes a message of an edge node: with those before it, which say what it means. */
function edgeTakerOf(
  topicText: string,
  id: number,
  { db, sparkplug }: ReplayDeps,
): Result<Taker, ReplayFault> {
  if (sparkplug === null) {
    return fail('not-a-message', 'a message of Sparkplug, and ingest.sparkplug is not set');
  }
  const topic = parseSparkplugTopic(topicText);
  if (!topic.ok) return fail('not-a-message', topic.detail);
  return ok(async () =>
    sparkplug.takeAgain(topic.value, await readSessionLetters(db, topic.value, id)),
  );
}
