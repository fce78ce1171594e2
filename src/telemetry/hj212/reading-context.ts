import { z } from 'zod';
import { Hj212Deviation, Hj212Station } from '../../model/hj212.ts';
import { DeviceId, GatewayId, MetricName } from '../../model/ids.ts';

/** The channel of each kind of data of a code; null: none is registered. */
const ReadingChannels = z.object({
  realtime: MetricName.nullable(),
  minute: MetricName.nullable(),
  hour: MetricName.nullable(),
});

const ReadingDevice = z.object({
  device: DeviceId,
  /** Only frames of this system code; null: all. */
  st: z.string().nullable(),
  realtimeSpanS: z.int().min(1),
  /** By factor code. */
  channels: z.record(z.string(), ReadingChannels),
});
export type ReadingDevice = z.infer<typeof ReadingDevice>;

/**
 * What a frame of a registered MN means, as the registry said when it came. It is kept beside the frame in
 * the journal: a replay reads the same values, whatever the registry says by then.
 */
export const ReadingContext = z.object({
  gateway: GatewayId,
  edition: Hj212Station.shape.edition.unwrap(),
  /** Deviations that are taken of this device. */
  deviations: z.array(Hj212Deviation),
  minuteIntervalMin: z.int().min(1).nullable(),
  sentinels: z.array(z.number()),
  clock: Hj212Station.shape.clock.unwrap(),
  devices: z.array(ReadingDevice),
  /** Deciphered blocks of an encrypted frame. */
  plain: z.string().optional(),
  /** DataTime of the packets that this one was split from, when it has none itself. */
  dataTime: z.string().optional(),
});
export type ReadingContext = z.infer<typeof ReadingContext>;
