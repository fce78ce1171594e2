import type { DeviceId, MetricName } from '../model/ids.ts';
import type { BatchPlan } from './batcher.ts';
import type { GatewayConfig } from './config.ts';

/** How the settings want batches made. */
export function batchPlanOf(config: GatewayConfig, build: string): BatchPlan {
  const devices = config.buses.flatMap((bus) => bus.devices);
  const templates = new Set(devices.flatMap(({ template }) => template ?? []));
  const template = [...templates].sort().join(',');
  const spare = new Map<DeviceId, ReadonlySet<MetricName>>();
  for (const { device, points } of devices) {
    const metrics = points.filter(({ feedsRule }) => !feedsRule).map(({ metric }) => metric);
    if (metrics.length > 0) spare.set(device, new Set(metrics));
  }
  return {
    header: {
      gateway: config.gateway,
      meta: { ...(template === '' ? {} : { template }), build },
    },
    framesMax: config.batch.maxFrames,
    spare,
    spareMaxAgeMs: config.batch.spareMaxAgeMs,
  };
}
