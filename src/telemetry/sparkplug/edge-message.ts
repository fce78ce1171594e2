import { numberOf } from './datatypes.ts';
import type { MetricTable } from './metric-table.ts';
import type { SparkplugPayload } from './payload.ts';
import type { MessageKind } from './sparkplug-topic.ts';

/** A message of an edge node, or of one of its devices. */
export interface EdgeMessage {
  readonly kind: Exclude<MessageKind, 'NCMD' | 'DCMD'>;
  /** Null: of the edge node itself. */
  readonly device: string | null;
  readonly payload: SparkplugPayload;
  readonly raw: Uint8Array;
  /** Hub time, UTC ms. */
  readonly receivedAtMs: number;
}

/** Why a message of an edge node is put aside. */
export type SparkplugReason =
  | 'sparkplug-unregistered'
  | 'sparkplug-malformed'
  | 'sparkplug-birth'
  | 'sparkplug-unborn'
  | 'sparkplug-unresolved';

/** What the session of an edge node makes of messages. */
export type EdgeEvent =
  /** Values, with what their names and aliases mean. */
  | { readonly kind: 'readings'; readonly message: EdgeMessage; readonly table: MetricTable }
  /** Nothing of these publishers is current since `atMs`; null is the edge node itself. */
  | {
      readonly kind: 'stale';
      readonly message: EdgeMessage;
      readonly atMs: number;
      readonly tables: ReadonlyMap<string | null, MetricTable>;
    }
  | {
      readonly kind: 'unusable';
      readonly message: EdgeMessage;
      readonly reason: SparkplugReason;
      readonly detail: string;
    }
  /** A death of another session than the present one. */
  | { readonly kind: 'ignored'; readonly message: EdgeMessage };

export const SEQ_SPAN = 256;
const BD_SEQ = 'bdSeq';
const INT64 = 4;

/** The sequence number, 0 to 255; null: none, or none that can be. */
export const seqOf = ({ seq }: SparkplugPayload): number | null =>
  seq !== null && seq >= 0 && seq < SEQ_SPAN ? seq : null;

/** The number of the session that a birth and a death of an edge node name; null: none. */
export function bdSeqOf({ metrics }: SparkplugPayload): number | null {
  const metric = metrics.find(({ name }) => name === BD_SEQ);
  if (metric === undefined || metric.value === null) return null;
  return numberOf(metric.value, metric.datatype ?? INT64);
}
