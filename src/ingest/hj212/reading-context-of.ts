import { channelsOfCode, type Hj212Logger } from '../../devices/hj212-stations.ts';
import type { Hj212Station } from '../../model/hj212.ts';
import type { ReadingContext } from '../../telemetry/hj212/reading-context.ts';

/** What the registry says of a data logger, in the form that is kept beside its frames. */
export function readingContextOf({ gateway, devices }: Hj212Logger): ReadingContext {
  const { edition, deviations, minuteIntervalMin, sentinels, clock } =
    gateway.hj212 as Hj212Station;
  return {
    gateway: gateway.id,
    ...{ edition, deviations, sentinels, clock },
    minuteIntervalMin: minuteIntervalMin ?? null,
    devices: devices.flatMap((device) => {
      const { hj212 } = device;
      if (hj212 === undefined) return [];
      const channels = Object.fromEntries(
        Object.entries(hj212.codes).map(([code, metric]) => [code, channelsOfCode(device, metric)]),
      );
      const { realtimeSpanS, st = null } = hj212;
      return [{ device: device.id, st, realtimeSpanS, channels }];
    }),
  };
}
