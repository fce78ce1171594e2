/**
 * A Sparkplug B payload as far as a host needs it (Sparkplug 3.0, chapter 6.4). Members that a sender left
 * out are null.
 */
export interface SparkplugPayload {
  /** When it was sent, UTC ms. */
  readonly timestampMs: number | null;
  /** 0 to 255, by the sender's word. */
  readonly seq: number | null;
  readonly metrics: readonly SparkplugMetric[];
}

export interface SparkplugMetric {
  readonly name: string | null;
  readonly alias: Alias | null;
  /** When the value was acquired, UTC ms. */
  readonly timestampMs: number | null;
  /** Index of the data types (datatypes.ts). */
  readonly datatype: number | null;
  readonly isHistorical: boolean;
  readonly isNull: boolean;
  /** Property `Quality`: 0 bad, 192 good, 500 stale; null: none, which means good. NaN: unreadable. */
  readonly quality: number | null;
  readonly value: MetricValue | null;
}

/** A uint64: as a number where it is one exactly. */
export type Alias = number | bigint;

/** The member of the payload's `oneof` that carries the value. */
export type MetricValue =
  /** uint32: all types up to 32 bits, negative ones as two's complement. */
  | { readonly kind: 'int'; readonly value: number }
  /** uint64, likewise. */
  | { readonly kind: 'long'; readonly value: bigint }
  | { readonly kind: 'float' | 'double'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  /** Bytes, data sets, templates, extensions: nothing that a channel can hold. */
  | { readonly kind: 'other' };
