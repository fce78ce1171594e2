import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import type { EdgeEvent, EdgeMessage } from '../../telemetry/sparkplug/edge-message.ts';
import {
  createEdgeSession,
  type EdgeSessionSettings,
} from '../../telemetry/sparkplug/edge-session.ts';
import { tableOf } from '../../telemetry/sparkplug/metric-table.ts';
import { readPayload } from '../../telemetry/sparkplug/read-payload.ts';
import { parseSparkplugTopic } from '../../telemetry/sparkplug/sparkplug-topic.ts';
import type { MessageSink } from './edge-nodes.ts';
import { keepEvent } from './keep-event.ts';
import type { SessionLetter } from './session-letters.ts';

interface AgainDeps {
  readonly node: SparkplugNode;
  readonly sink: Pick<MessageSink, 'submit'>;
  /** Hub time, UTC ms. */
  readonly now: () => number;
}

/** Nothing waits for what may still come: what was put aside is all there is. */
const BOUNDS: EdgeSessionSettings = {
  ...{ reorderTimeoutMs: 1, rebirthIntervalMs: 1, heldMessagesMax: 255, heldMsMax: 1 },
};

/**
 * Takes the last of these letters in again. What its aliases meant is known by the births among them, as
 * long as no message between is missing; names with a data type say it by themselves. Nothing is guessed.
 *
 * @param letters as readSessionLetters() gives them
 */
export function takeMessageAgain(
  letters: readonly SessionLetter[],
  deps: AgainDeps,
): Promise<Result<'stored' | 'duplicate', 'not-taken'>> {
  const found = eventOf(letters);
  if (!found.ok) return Promise.resolve(found);
  // The journal takes it now; when a death was is the event's.
  const message = { ...found.value.message, receivedAtMs: deps.now() };
  return new Promise((resolve) => {
    const kept = keepEvent({ ...found.value, message }, deps.node, new WeakMap(), (outcome) =>
      resolve(
        outcome === 'stored' || outcome === 'duplicate'
          ? ok(outcome)
          : fail('not-taken', `the journal says ${outcome}`),
      ),
    );
    switch (kept.kind) {
      case 'batch':
        // Late, whenever it was measured: its receipt says nothing of the edge node's clock.
        deps.sink.submit({ ...kept.submission, topic: 'backfill' });
        return;
      case 'letter':
        resolve(fail('not-taken', kept.detail));
        return;
      case 'unused':
        resolve(fail('not-taken', 'no channel is registered for anything in it'));
        return;
      case 'ignored':
        resolve(fail('not-taken', 'a death of a session of which no birth was kept'));
    }
  });
}

/** What the last message was to the session that the letters tell of. */
function eventOf(letters: readonly SessionLetter[]): Result<EdgeEvent, 'not-taken'> {
  const session = createEdgeSession(BOUNDS);
  let events: EdgeEvent[] = [];
  let last: EdgeMessage | undefined;
  for (const letter of letters) {
    last = messageOf(letter);
    events = last === undefined ? [] : session.take(last, 0);
  }
  if (last === undefined) return fail('not-taken', 'no Sparkplug B payload');
  const event = events.find(({ message }) => message === last);
  if (event !== undefined && event.kind !== 'unusable') return ok(event);
  if (event?.kind === 'unusable' && event.reason === 'sparkplug-birth') {
    return fail('not-taken', event.detail);
  }
  const named = namedEvent(last);
  if (named !== undefined) return ok(named);
  const detail = 'the births before it, or messages between, are no dead letters';
  return fail('not-taken', `what its aliases meant is not known: ${detail}`);
}

function messageOf({ topic, raw, received_at }: SessionLetter): EdgeMessage | undefined {
  const parsed = parseSparkplugTopic(topic);
  const payload = readPayload(raw);
  if (!parsed.ok || !payload.ok) return undefined;
  const { kind, device } = parsed.value;
  if (kind === 'NCMD' || kind === 'DCMD') return undefined;
  return { kind, device, payload: payload.value, raw, receivedAtMs: received_at.getTime() };
}

/** Values that all have a name and a data type need no birth. */
function namedEvent(message: EdgeMessage): EdgeEvent | undefined {
  const { metrics } = message.payload;
  const isDeath = message.kind === 'NDEATH' || message.kind === 'DDEATH';
  const isNamed = metrics.every(({ name, datatype }) => name && datatype !== null);
  const table = tableOf(metrics, []);
  if (isDeath || !isNamed || !table.ok) return undefined;
  return { kind: 'readings', message, table: table.value };
}
