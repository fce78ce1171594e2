import type { DeviceId, GatewayId, MetricName } from '../../model/ids.ts';
import type { SparkplugEdgeNode } from '../../model/sparkplug.ts';

/**
 * What a message of an edge node means, by its births and the registry as they were when it came. It is
 * kept beside the bytes in the journal: a replay reads the same values without having seen the births.
 */
export interface SparkplugContext {
  readonly gateway: GatewayId;
  readonly clock: SparkplugEdgeNode['clock'];
  /** `{group}/{edgeNode}`, with `/{device}` for one of its devices. */
  readonly source: string;
  /** `values`: of births and data. `stale`: nothing is current since `atMs` any more, UTC ms. */
  readonly content: { readonly kind: 'values' } | { readonly kind: 'stale'; readonly atMs: number };
  readonly devices: readonly SparkplugChannels[];
}

/** The channels of one registered device. */
export interface SparkplugChannels {
  readonly device: DeviceId;
  readonly spanS: number;
  readonly metrics: readonly SparkplugChannel[];
}

export interface SparkplugChannel {
  /** Sparkplug's name of the metric. */
  readonly name: string;
  /** Null: it has none. A uint64 as text. */
  readonly alias: string | null;
  readonly datatype: number;
  readonly metric: MetricName;
}
