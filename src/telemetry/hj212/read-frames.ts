import type { Frame } from '../../model/batch.ts';
import type { Flag } from '../../model/flags.ts';
import type { Hj212Deviation } from '../../model/hj212.ts';
import type { MetricName } from '../../model/ids.ts';
import { SECOND_MS } from '../../model/time.ts';
import { type DataKind, type DataSpan, parseTime, spanOf } from './data-time.ts';
import type { Item } from './parse-region.ts';
import type { Segment } from './parse-segment.ts';
import { type FlaggedValue, readValue } from './read-value.ts';
import type { ReadingContext, ReadingDevice } from './reading-context.ts';

/** Kinds of data that a batch can hold: a day is longer than a frame may be. */
export type FrameKind = Exclude<DataKind, 'day'>;

export interface ReadFrames {
  readonly frames: Frame[];
  readonly readings: number;
  /** Metric → 设备标志 (EFlag), which each maker defines for himself. */
  readonly eFlags: Readonly<Record<string, string>>;
}

type OpenFrame = Frame & { values: Record<string, number | null>; flags: Record<string, Flag> };

const E_FLAG = /^[0-9A-Za-z]{1,8}$/;

/** The values of a segment for the channels that are registered for them. */
export function readFrames(
  { region, header }: Segment,
  context: ReadingContext,
  { kind, dataTimeMs }: { kind: FrameKind; dataTimeMs: number },
  deviations: Set<Hj212Deviation>,
): ReadFrames {
  const frames = new Map<string, OpenFrame>();
  const eFlags: Record<string, string> = {};
  const find = itemFinder(region.items, deviations);
  const bareFlag = region.fields.get('Flag');
  let readings = 0;
  for (const device of context.devices) {
    if (!takes(device, header.st)) continue;
    for (const [code, channels] of Object.entries(device.channels)) {
      const metric = channels[kind];
      const item = metric === null ? undefined : find(code);
      if (metric === null || item === undefined) continue;
      const read = readValue(item, kind, { sentinels: context.sentinels, bareFlag });
      const at = timeOf(item, kind, dataTimeMs);
      const span = spanOf(kind, at ?? dataTimeMs, lengthOf(kind, device, context));
      // Sampled after it was sent: nobody knows when.
      const known = at === null ? { value: null, flag: 'U' as const } : read;
      put(frameFor(frames, device, span), metric, known);
      readings += 1;
      const eFlag = item.kinds.get('EFlag');
      if (eFlag !== undefined && E_FLAG.test(eFlag)) eFlags[metric] = eFlag;
    }
  }
  const closed = [...frames.values()].map(({ flags, ...frame }) =>
    Object.keys(flags).length === 0 ? frame : { ...frame, flags },
  );
  return { frames: closed, readings, eFlags };
}

export const takes = ({ st }: ReadingDevice, ofFrame: string): boolean =>
  st === null || st === ofFrame;

function lengthOf(kind: FrameKind, device: ReadingDevice, context: ReadingContext): number {
  if (kind === 'realtime') return device.realtimeSpanS * SECOND_MS;
  return (context.minuteIntervalMin ?? 0) * 60 * SECOND_MS;
}

/** SampleTime says when a slow instrument took the sample that it still shows; null: not before DataTime. */
function timeOf(item: Item, kind: FrameKind, dataTimeMs: number): number | null {
  const text = item.kinds.get('SampleTime');
  if (kind !== 'realtime' || text === undefined) return dataTimeMs;
  const sampledMs = item.ambiguous.has('SampleTime') ? null : parseTime(text);
  return sampledMs !== null && sampledMs <= dataTimeMs ? sampledMs : null;
}

function frameFor(
  frames: Map<string, OpenFrame>,
  { device }: ReadingDevice,
  { atMs: at, spanMs }: DataSpan,
): OpenFrame {
  const key = `${device} ${at}`;
  let frame = frames.get(key);
  if (frame === undefined) {
    frame = { device, at, spanMs, values: {}, flags: {} };
    frames.set(key, frame);
  }
  return frame;
}

function put(frame: OpenFrame, metric: MetricName, { value, flag }: FlaggedValue): void {
  frame.values[metric] = value;
  if (flag !== 'N') frame.flags[metric] = flag;
}

/** Finds an item by its code, in other case when there is none in the right one. */
function itemFinder(
  items: ReadonlyMap<string, Item>,
  deviations: Set<Hj212Deviation>,
): (code: string) => Item | undefined {
  const byLower = Map.groupBy(items.keys(), (code) => code.toLowerCase());
  return (code) => {
    const exact = items.get(code);
    const others = byLower.get(code.toLowerCase());
    if (others === undefined) return undefined;
    if (others.length === 1 && exact !== undefined) return exact;
    deviations.add('item-case');
    if (others.length === 1) return items.get(others[0] as string);
    // Two items that differ in case only: which of them is meant nobody knows.
    deviations.add('duplicate-field');
    return { kinds: new Map(), ambiguous: new Set() };
  };
}
