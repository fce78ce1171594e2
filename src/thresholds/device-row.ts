import type { DeviceId, MetricName } from '../model/ids.ts';
import type { Channel, GatewayState } from './engine-state.ts';

/** The channels of a device at a gateway, in the order in which its first frame named them. */
export interface DeviceRow {
  readonly gateway: GatewayState;
  readonly device: DeviceId;
  /** Shared by all devices that have the same. */
  metrics: readonly MetricName[];
  channels: readonly Channel[];
  /** The gateway's device before this one; null: it is the first. */
  readonly before: DeviceRow | null;
  /** The same device at the gateway that delivered it next; null: none. */
  alike: DeviceRow | null;
}

/** The gateway's channels, by device and then metric, in the order in which they came to be. */
export function channelsOf(gateway: GatewayState): readonly Channel[] {
  const rows: DeviceRow[] = [];
  for (let row = gateway.lastDevice; row !== null; row = row.before) rows.push(row);
  return rows.reverse().flatMap(({ channels }) => channels);
}
