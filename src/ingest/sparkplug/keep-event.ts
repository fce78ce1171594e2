import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import { sha256Hex } from '../../model/digest.ts';
import { decodeMessage } from '../../telemetry/sparkplug/decode-message.ts';
import type { EdgeEvent, EdgeMessage } from '../../telemetry/sparkplug/edge-message.ts';
import type { MetricTable } from '../../telemetry/sparkplug/metric-table.ts';
import type { SparkplugContext } from '../../telemetry/sparkplug/sparkplug-context.ts';
import type { BatchSubmission, Outcome } from '../journal/submission.ts';
import type { DeadReason } from '../receive.ts';
import { readingContextOf } from './reading-context-of.ts';

/** What is done with a message that has its place in the session of its edge node. */
export type KeptEvent =
  | { readonly kind: 'batch'; readonly submission: BatchSubmission }
  | { readonly kind: 'letter'; readonly reason: DeadReason; readonly detail: string }
  | { readonly kind: 'unused' }
  | { readonly kind: 'ignored' };

interface KnownContext {
  readonly context: SparkplugContext;
  /** As it is kept in the journal. */
  readonly text: string;
}

/** Contexts of values by what was declared: the same for message after message. Null: for nothing. */
export type KnownContexts = WeakMap<MetricTable, KnownContext | null>;

/** The journal entry of an event: the bytes of its message with the context that they are read with. */
export function keepEvent(
  event: EdgeEvent,
  node: SparkplugNode,
  known: KnownContexts,
  done: (outcome: Outcome) => void,
): KeptEvent {
  switch (event.kind) {
    case 'ignored':
      return { kind: 'ignored' };
    case 'unusable':
      return { kind: 'letter', reason: event.reason, detail: event.detail };
    case 'readings':
      return entryOf(event.message, valuesContext(event, node, known), node, done);
    case 'stale': {
      const content = { kind: 'stale', atMs: event.atMs } as const;
      const context = withText(readingContextOf(node, event.tables, content));
      return entryOf(event.message, context, node, done);
    }
  }
}

const withText = (context: SparkplugContext | null): KnownContext | null =>
  context && { context, text: JSON.stringify(context) };

function valuesContext(
  { message, table }: Extract<EdgeEvent, { kind: 'readings' }>,
  node: SparkplugNode,
  known: KnownContexts,
): KnownContext | null {
  const found = known.get(table);
  if (found !== undefined) return found;
  const tables = new Map([[message.device, table]]);
  const made = withText(readingContextOf(node, tables, { kind: 'values' }));
  known.set(table, made);
  return made;
}

function entryOf(
  { raw, receivedAtMs, payload }: EdgeMessage,
  known: KnownContext | null,
  { gateway }: SparkplugNode,
  done: (outcome: Outcome) => void,
): KeptEvent {
  if (known === null) return { kind: 'unused' };
  // What decodePayload() does on replay, without reading the context from its text each time.
  const decoded = decodeMessage(raw, known.context, receivedAtMs);
  if (!decoded.ok) return { kind: 'letter', reason: decoded.reason, detail: decoded.detail };
  if (decoded.value.kind === 'unused') return { kind: 'unused' };
  const { batch, readings } = decoded.value;
  const isLate = payload.metrics.every(({ isHistorical }) => isHistorical);
  return {
    kind: 'batch',
    submission: {
      ...{ kind: 'batch', topic: isLate ? 'backfill' : 'live', gateway: gateway.id },
      ...{ epoch: null, seq: null, dialect: 'sparkplug', context: known.text, found: null },
      ...{ raw, sha256: sha256Hex(raw), receivedAtMs, batch, readings, done },
    },
  };
}
