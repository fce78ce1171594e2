import type { FactorId } from '../../model/ids.ts';
import { MINUTE_MS } from '../../model/time.ts';
import type { Channel, Emit, EngineState, GatewayState } from '../engine-state.ts';
import type { ClosedMinute } from './closed-minute.ts';
import { isSame } from './detector.ts';
import { identicalNeighbours } from './identical-neighbours.ts';
import type { Monitor } from './monitor.ts';
import { lastMinuteOf, SLOT } from './monitor-memory.ts';
import { extendSpan, spansOf } from './suspect-spans.ts';
import { tell } from './tell.ts';

/** Channels of a factor at a gateway that closed the same minute, by their mean. */
export interface NeighbourMinute {
  minute: number;
  readonly byMean: Map<number, number>;
}

/**
 * Shows a closed minute beside those of the gateway's other channels of the factor; most have none. `numbers`: the
 * channel's record, open.
 */
export function watchNeighbours(
  state: EngineState,
  channel: Channel,
  factor: FactorId,
  seen: ClosedMinute,
  numbers: Float64Array,
  emit: Emit,
): void {
  const group = groupOf(state, channel, factor);
  if (group === undefined || group.minute > seen.minute) return;
  const { minute, mean, max, before } = seen;
  if (group.minute < minute) {
    group.minute = minute;
    group.byMean.clear();
  }
  const { memory, spans } = state.monitor;
  const first = group.byMean.get(mean);
  if (first === undefined) group.byMean.set(mean, channel.index);
  const isOther = first !== undefined && first !== channel.index;
  const isAlike = isOther && lastMinuteOf(memory, first).max === max;
  const isMoving = !isSame(mean, max) || !(Number.isNaN(before) || isSame(mean, before));
  const at = SLOT.identicalNeighbours;
  const neighbour = isAlike ? first : -1;
  const among = { minute, neighbour, isMoving };
  const found = identicalNeighbours.see(among, numbers, at, state.settings.detectors);
  if (found !== undefined) {
    const { device, metric } = state.channels[neighbour]!;
    const detail = { ...found.detail, neighbour: `${device} ${metric}` };
    tell(state, channel, identicalNeighbours.kind, { ...found, detail }, emit);
  }
  if (isAlike && isMoving && numbers[at + 1]! < 0) {
    const fromMs = numbers[at + 2]! * MINUTE_MS;
    for (const index of [channel.index, neighbour]) {
      extendSpan(spansOf(spans, index), 'identical-neighbours', fromMs, (minute + 1) * MINUTE_MS);
    }
  }
}

/** The channel's group; undefined: it is the only one of its factor at the gateway so far. */
function groupOf(
  { monitor, channels }: EngineState,
  channel: Channel,
  factor: FactorId,
): NeighbourMinute | undefined {
  const { own, slot, index } = channel;
  const number = factorNumber(monitor, factor);
  if (own.factor[slot] !== number) {
    own.factor[slot] = number;
    own.firstAlike[slot] = firstOfFactor(channel.gateway, number);
  }
  const first = own.firstAlike[slot]!;
  let group = monitor.groups.get(first);
  if (group !== undefined || first === index) return group;
  // The first was alone until now: what it showed of the minute counts.
  const { minute, mean } = lastMinuteOf(monitor.memory, first);
  group = { minute, byMean: new Map([[mean, first]]) };
  monitor.groups.set(channels[first]!.index, group);
  return group;
}

/** Index of the gateway's first channel that was last seen to measure the factor; there is one. */
function firstOfFactor({ lastDevice }: GatewayState, number: number): number {
  let first = -1;
  for (let row = lastDevice; row !== null; row = row.before) {
    for (const { own, slot, index } of row.channels) {
      if (own.factor[slot] === number && (first < 0 || index < first)) first = index;
    }
  }
  return first;
}

/** A number of 1 and up for each factor seen. */
function factorNumber({ factors }: Monitor, factor: FactorId): number {
  let number = factors.get(factor);
  if (number === undefined) {
    number = factors.size + 1;
    factors.set(factor, number);
  }
  return number;
}
