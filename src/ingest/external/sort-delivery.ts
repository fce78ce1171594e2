import { BATCH_BYTES_MAX } from '../../model/batch.ts';
import type { Gateway } from '../../model/facts.ts';
import type { RegionCode } from '../../model/ids.ts';
import { type GatewayChannel, parseTopic } from '../../telemetry/topics.ts';
import type { BrokerEvents, Stray } from '../broker.ts';
import type { Delivery } from './deferred-puback.ts';

/** For whom a message of the broker is. */
export type Sorted =
  | { readonly kind: 'publication'; readonly gateway: Gateway; readonly channel: GatewayChannel }
  | ({ readonly kind: 'stray' } & Pick<Stray, 'source' | 'reason' | 'detail'>)
  /** Not for this hub. */
  | { readonly kind: 'foreign'; readonly reason: string }
  /** Told before, and no news. */
  | { readonly kind: 'past' };

interface Known {
  readonly gateway: BrokerEvents['gateway'];
  /** Empty: all. */
  readonly regions: readonly RegionCode[];
}

/** The broker's access rules say who may publish where; here only the registry is asked. Pure. */
export function sortDelivery(
  { topic, payload, isRetained }: Pick<Delivery, 'topic' | 'payload' | 'isRetained'>,
  known: Known,
): Sorted {
  const parsed = parseTopic(topic);
  if (!parsed.ok) return { kind: 'foreign', reason: parsed.detail };
  const { region, gateway: source, channel } = parsed.value;
  if (known.regions.length > 0 && !known.regions.includes(region)) {
    return { kind: 'foreign', reason: `${region} is of another shard` };
  }
  // What a gateway said before we came it says again when it connects.
  if (isRetained && channel === 'status') return { kind: 'past' };
  const stray = (reason: Stray['reason'], detail: string): Sorted => ({
    ...{ kind: 'stray', source, reason, detail },
  });
  if (payload.length > BATCH_BYTES_MAX) {
    const detail = `${payload.length} bytes, at most ${BATCH_BYTES_MAX}; their beginning is kept`;
    return stray('oversize', detail);
  }
  const gateway = known.gateway(source);
  if (gateway === undefined) return stray('unknown-gateway', `${source} is not registered`);
  if (gateway.region !== region) {
    return stray('unknown-gateway', `${source} is registered in ${gateway.region}`);
  }
  // Only channels of gateways are subscribed to.
  return { kind: 'publication', gateway, channel: channel as GatewayChannel };
}
