import type { EntityOf } from '../model/facts.ts';
import { HJ212_HOUR_SUFFIX, HJ212_MINUTE_SUFFIX } from '../model/hj212.ts';
import type { MetricName } from '../model/ids.ts';
import type { RegistryState } from './registry-state.ts';

/** A registered data logger with the devices behind it, in the order of the registry. */
export interface Hj212Logger {
  readonly gateway: EntityOf<'gateway'>;
  readonly devices: readonly EntityOf<'device'>[];
}

/** Data loggers by MN, as the registry knows them last. */
export function hj212Loggers(state: RegistryState): ReadonlyMap<string, Hj212Logger> {
  const loggers = new Map<
    string,
    { gateway: EntityOf<'gateway'>; devices: EntityOf<'device'>[] }
  >();
  const byGateway = new Map<string, EntityOf<'device'>[]>();
  for (const { value: gateway } of state.gateway.values()) {
    if (gateway?.hj212 === undefined) continue;
    const devices: EntityOf<'device'>[] = [];
    byGateway.set(gateway.id, devices);
    loggers.set(gateway.hj212.mn, { gateway, devices });
  }
  for (const { value: device } of state.device.values()) {
    if (device?.hj212 !== undefined) byGateway.get(device.gateway)?.push(device);
  }
  return loggers;
}

/** The channels of a code: those of its metric's names that the device has. */
export function channelsOfCode(
  { metrics }: EntityOf<'device'>,
  metric: MetricName,
): Record<'realtime' | 'minute' | 'hour', MetricName | null> {
  const find = (name: string): MetricName | null =>
    metrics.find((profile) => profile.metric === name)?.metric ?? null;
  return {
    realtime: find(metric),
    minute: find(`${metric}${HJ212_MINUTE_SUFFIX}`),
    hour: find(`${metric}${HJ212_HOUR_SUFFIX}`),
  };
}
