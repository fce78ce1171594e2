import { HJ212_DEVIATIONS, type Hj212Deviation } from '../../../src/model/hj212.ts';
import type { DeviceId, GatewayId, MetricName } from '../../../src/model/ids.ts';
import { createFrameStream, type StreamPiece } from '../../../src/telemetry/hj212/frame-stream.ts';
import type { ReadingContext } from '../../../src/telemetry/hj212/reading-context.ts';

/** Those that a frame shows; a 12-hour clock is only known from the registry. */
export const EVERY_DEVIATION = (Object.keys(HJ212_DEVIATIONS) as Hj212Deviation[]).filter(
  (name) => name !== 'clock-12h',
);

/** Channels of realtime, minute and hour data for each code, named after it. */
export function contextOf(
  codes: readonly string[],
  {
    realtimeSpanS = 1,
    st = null,
    ...overrides
  }: Partial<ReadingContext> & {
    readonly realtimeSpanS?: number;
    readonly st?: string | null;
  } = {},
): ReadingContext {
  const channels = Object.fromEntries(
    codes.map((code) => [
      code,
      {
        realtime: `m-${code}` as MetricName,
        minute: `m-${code}-minute` as MetricName,
        hour: `m-${code}-hour` as MetricName,
      },
    ]),
  );
  return {
    gateway: 'logger-1' as GatewayId,
    edition: 2017,
    deviations: [],
    minuteIntervalMin: 1,
    sentinels: [],
    clock: { source: 'free', errMs: 0 },
    devices: [{ device: 'device-1' as DeviceId, st, realtimeSpanS, channels }],
    ...overrides,
  };
}

/** What a stream gives for bytes that come in the given pieces, and then end. */
export function piecesOf(chunks: readonly Uint8Array[]): StreamPiece[] {
  const stream = createFrameStream();
  return [...chunks.flatMap((chunk) => stream.push(chunk)), ...stream.flush()];
}
