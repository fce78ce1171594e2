import type { Hj212Deviation, Hj212Station } from '../../model/hj212.ts';
import type { DeviceId, GatewayId, MetricName } from '../../model/ids.ts';

/**
 * What a frame of a registered MN means, as the registry said when it came. It is kept beside the frame in
 * the journal: a replay reads the same values, whatever the registry says by then.
 */
export interface ReadingContext {
  readonly gateway: GatewayId;
  readonly edition: Hj212Station['edition'];
  /** Deviations that are taken of this device. */
  readonly deviations: readonly Hj212Deviation[];
  readonly minuteIntervalMin: number | null;
  readonly sentinels: readonly number[];
  readonly clock: Hj212Station['clock'];
  readonly devices: readonly ReadingDevice[];
  /** Deciphered blocks of an encrypted frame. */
  readonly plain?: string;
  /** DataTime of the packets that this one was split from, when it has none itself. */
  readonly dataTime?: string;
}

export interface ReadingDevice {
  readonly device: DeviceId;
  /** Only frames of this system code; null: all. */
  readonly st: string | null;
  readonly realtimeSpanS: number;
  /** Factor code → the channel of each kind of data; null: none is registered. */
  readonly channels: Readonly<Record<string, ReadingChannels>>;
}

export interface ReadingChannels {
  readonly realtime: MetricName | null;
  readonly minute: MetricName | null;
  readonly hour: MetricName | null;
}
