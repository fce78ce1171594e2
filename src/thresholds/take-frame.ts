import type { Frame } from '../model/batch.ts';
import type { DeviceId, MetricName } from '../model/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { profileOf } from './channel-facts.ts';
import type { DeviceRow } from './device-row.ts';
import { addChannel, type Channel, type Emit, type GatewayState } from './engine-state.ts';
import { wakeOwners } from './feed-owners.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { valueAt } from './registry-history.ts';
import { type SecondState, stateOf, wideState } from './second-state.ts';
import { emitOnce } from './signals.ts';
import { noteBeyondHorizon, takeSeconds } from './take-seconds.ts';
import { dayOf, type Taking } from './taking.ts';
import { crossesMinute } from './wide-mean.ts';

/** Takes the values of a frame, each into the seconds of its channel. */
export function takeFrame(taking: Taking, frame: Frame): void {
  const { state, gateway, entry, emit } = taking;
  const { aheadMsMax, ageMsMax, horizonMs } = state.settings;
  const isAhead = frame.at > entry.receivedAtMs + aheadMsMax;
  if (isAhead || frame.at < entry.receivedAtMs - ageMsMax) {
    const reason = isAhead ? 'ahead' : 'too-old';
    emitOnce(gateway, 'CLOCK', dayOf(entry.receivedAtMs), { reason }, emit);
    return;
  }
  const { at } = frame;
  const endS = at / SECOND_MS;
  const isOneSecond = frame.spanMs === SECOND_MS;
  const minute = Math.floor((endS - 1) / CELL_SECONDS);
  const second = endS - 1 - minute * CELL_SECONDS;
  const row = state.channelsByName.row(gateway, frame.device);
  let next = 0;
  for (const name in frame.values) {
    const metric = name as MetricName;
    const value = frame.values[metric]!;
    const channel = channelOf(taking, frame, row, metric, next++);
    if (channel === undefined) continue;
    // By its arrays: a time that a function gives is made an object, and this is done for every reading.
    const { own, slot } = channel;
    if (at <= own.watermarkMs[slot]! - horizonMs) {
      noteBeyondHorizon(taking, channel, Math.floor((at - 1) / MINUTE_MS));
      continue;
    }
    if (own.isTouched[slot] === 0) touch(taking, channel);
    if (own.watermarkMs[slot] === 0) begin(taking, channel, frame);
    else if (at > own.watermarkMs[slot]!) own.watermarkMs[slot] = at;
    const secondState =
      frame.flags === undefined && value !== null
        ? taking.normalState
        : stateOf(value === null, frame.flags?.[metric] ?? 'N', taking.clock);
    const read = value ?? 0;
    if (isOneSecond) takeSeconds(taking, channel, minute, second, second, secondState, read);
    else takeSpan(taking, channel, frame, secondState, read);
  }
}

/** Frames of a device mostly name the same metrics in the same order. */
function channelOf(
  taking: Taking,
  frame: Frame,
  row: DeviceRow | undefined,
  metric: MetricName,
  place: number,
): Channel | undefined {
  if (row === undefined) return newChannel(taking, frame, metric);
  if (row.metrics[place] === metric) return row.channels[place];
  const found = row.metrics.indexOf(metric);
  return found < 0 ? newChannel(taking, frame, metric) : row.channels[found];
}

/**
 * State is only made for what the registry, as far as it is known, says of this gateway at that time: names
 * that a gateway makes up cost nothing.
 */
function newChannel(
  { state, gateway, entry, emit }: Taking,
  { device, at }: Frame,
  metric: MetricName,
): Channel | undefined {
  // The frame's first metric may have made its device known.
  const row = state.channelsByName.row(gateway, device);
  const known = row?.channels[row.metrics.indexOf(metric)];
  if (known !== undefined) return known;
  const { channelsMax, gatewayChannelsMax } = state.settings;
  const dayMs = dayOf(entry.receivedAtMs);
  if (profileOf(valueAt(state.history, 'device', device, at), gateway.id, metric) === undefined) {
    noteUnregistered(gateway, dayMs, device, metric, emit);
    return undefined;
  }
  const isFull = state.channels.length >= channelsMax;
  if (isFull || gateway.channelCount >= gatewayChannelsMax) {
    const reason = isFull ? 'channels-max' : 'gateway-channels-max';
    emitOnce(gateway, 'DATA_GAP', dayMs, { reason, device }, emit);
    return undefined;
  }
  return addChannel(state, gateway, device, metric);
}

/**
 * Told once a gateway and day, naming the first. A fact that registers the channel later does not bring back
 * what was dropped.
 */
function noteUnregistered(
  gateway: GatewayState,
  dayMs: number,
  device: DeviceId,
  metric: MetricName,
  emit: Emit,
): void {
  gateway.unregisteredReadings++;
  if (gateway.unregisteredDayMs >= dayMs) return;
  gateway.unregisteredDayMs = dayMs;
  const readings = gateway.unregisteredReadings;
  const detail = { reason: 'unregistered-channel', device, metric, readings, recovered: 'never' };
  emitOnce(gateway, 'DATA_GAP', dayMs, detail, emit);
}

/** Puts one value into the seconds (at − span, at], minute by minute. */
function takeSpan(
  taking: Taking,
  channel: Channel,
  frame: Frame,
  secondState: SecondState,
  value: number,
): void {
  const end = frame.at / SECOND_MS;
  let second = end - frame.spanMs / SECOND_MS;
  if (crossesMinute(frame.at, frame.spanMs)) {
    takeWide(taking, channel, second, end, secondState, value);
    return;
  }
  while (second < end) {
    const minute = Math.floor(second / CELL_SECONDS);
    const from = second - minute * CELL_SECONDS;
    const to = Math.min(CELL_SECONDS, end - minute * CELL_SECONDS) - 1;
    takeSeconds(taking, channel, minute, from, to, secondState, value);
    second = (minute + 1) * CELL_SECONDS;
  }
}

/** A span that crosses a minute's edge: its ends are marked, so that rules know what it covers. */
function takeWide(
  taking: Taking,
  channel: Channel,
  start: number,
  end: number,
  secondState: SecondState,
  value: number,
): void {
  const put = (first: number, last: number, state: SecondState): void => {
    const minute = Math.floor(first / CELL_SECONDS);
    const base = minute * CELL_SECONDS;
    takeSeconds(taking, channel, minute, first - base, last - base, state, value);
  };
  put(start, start, wideState(secondState, 0));
  for (let second = start + 1; second < end - 1; ) {
    const next = Math.min(end - 1, (Math.floor(second / CELL_SECONDS) + 1) * CELL_SECONDS);
    put(second, next - 1, wideState(secondState, 1));
    second = next;
  }
  put(end - 1, end - 1, wideState(secondState, 2));
}

/** The batch's first datum of the channel. */
function touch({ entry, touched, watermarksBefore }: Taking, channel: Channel): void {
  channel.isTouched = true;
  touched.push(channel);
  watermarksBefore.push(channel.watermarkMs);
  channel.lastReceivedAtMs = entry.receivedAtMs;
}

/** The channel's first datum of all. */
function begin({ state, emit }: Taking, channel: Channel, { at, spanMs }: Frame): void {
  const minute = Math.floor((at - spanMs) / MINUTE_MS);
  // Its rules may be known from earlier on, by what others measured for them.
  const { firstMinute } = channel;
  channel.firstMinute = firstMinute === 0 ? minute : Math.min(firstMinute, minute);
  channel.closedThrough = channel.firstMinute - 1;
  channel.watermarkMs = at;
  wakeOwners(state, channel, emit);
}
