import type { MinuteCellSummary } from '../../model/exposure.ts';
import { MINUTE_MS } from '../../model/time.ts';
import type { ChannelFacts } from '../channel-facts.ts';
import type { Channel, Emit, EngineState } from '../engine-state.ts';
import type { MinuteCell } from '../minute-cell.ts';
import { channelName, valueAt } from '../registry-history.ts';
import { certificateExpired } from './certificate-expired.ts';
import { type ClosedMinute, closedMinute } from './closed-minute.ts';
import { isSame } from './detector.ts';
import { flatLine } from './flat-line.ts';
import { identicalNeighbours } from './identical-neighbours.ts';
import { jump } from './jump.ts';
import { LAST_MAX, LAST_MEAN, LAST_MINUTE, recordOf, SLOT } from './monitor-memory.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { extendSpan } from './suspect-spans.ts';
import { tell } from './tell.ts';
import { varianceCollapse } from './variance-collapse.ts';

const MINUTE_DETECTORS = [
  [flatLine, SLOT.flatLine],
  [jump, SLOT.jump],
  [varianceCollapse, SLOT.varianceCollapse],
  [outOfRange, SLOT.outOfRange],
] as const;

/** A minute of a channel as it was when the channel's watermark passed it. */
export interface ClosedCell {
  readonly cell: MinuteCell;
  readonly summary: MinuteCellSummary;
  readonly facts: ChannelFacts;
}

/**
 * Shows a closed minute to the detectors; minutes of a channel come once each, ascending. Late data don't
 * come here: what they can hide is looked for when a shift accuses (`obstaclesOf`).
 */
export function watchMinute(
  state: EngineState,
  channel: Channel,
  { cell, summary, facts }: ClosedCell,
  emit: Emit,
): void {
  if (facts.profile === undefined) return;
  const { memory } = state.monitor;
  const record = recordOf(memory, channel.cells.index);
  const { numbers } = memory;
  if (facts.barred === 'certificate') watchCertificate(state, channel, record, cell.minute, emit);
  const isNext = numbers[record + LAST_MINUTE] === cell.minute - 1;
  const before = isNext ? numbers[record + LAST_MEAN]! : Number.NaN;
  const seen = closedMinute(cell, summary, facts.profile, before);
  if (summary.mean !== null) {
    numbers[record + LAST_MINUTE] = cell.minute;
    numbers[record + LAST_MEAN] = summary.mean;
    numbers[record + LAST_MAX] = summary.max ?? Number.NaN;
  }
  if (seen !== undefined) {
    for (const [detector, slot] of MINUTE_DETECTORS) {
      const found = detector.see(seen, numbers, record + slot, state.settings.detectors);
      if (found !== undefined) tell(state, channel, detector.kind, found, emit);
    }
    if (summary.mean !== null) watchNeighbours(state, channel, facts.profile.factor, seen, emit);
  }
  if (state.history.postsOfProduction.size > 0) {
    watchProduction(state, channel, cell.minute, summary.mean, emit);
  }
}

function watchCertificate(
  state: EngineState,
  channel: Channel,
  record: number,
  minute: number,
  emit: Emit,
): void {
  const device = valueAt(state.history, 'device', channel.device, minute * MINUTE_MS);
  const found = certificateExpired.see(
    { minute, certificate: device?.certificate ?? null },
    state.monitor.memory.numbers,
    record + SLOT.certificateExpired,
    state.settings.detectors,
  );
  if (found !== undefined) tell(state, channel, certificateExpired.kind, found, emit);
}

function watchNeighbours(
  state: EngineState,
  channel: Channel,
  factor: NonNullable<ChannelFacts['profile']>['factor'],
  seen: ClosedMinute,
  emit: Emit,
): void {
  const { minute, mean, max, before } = seen;
  const { neighbours } = channel.gateway.watch;
  let group = neighbours.get(factor);
  if (group === undefined) {
    group = { minute, byMean: new Map() };
    neighbours.set(factor, group);
  }
  if (group.minute > minute) return;
  if (group.minute < minute) {
    group.minute = minute;
    group.byMean.clear();
  }
  const { numbers } = state.monitor.memory;
  const first = group.byMean.get(mean);
  if (first === undefined) group.byMean.set(mean, channel.cells.index);
  const isAlike =
    first !== undefined && first !== channel.cells.index && maxOf(state, first) === max;
  const isMoving = !isSame(mean, max) || !(Number.isNaN(before) || isSame(mean, before));
  const at = recordOf(state.monitor.memory, channel.cells.index) + SLOT.identicalNeighbours;
  const neighbour = isAlike ? first : -1;
  const found = identicalNeighbours.see(
    { minute, neighbour, isMoving },
    numbers,
    at,
    state.settings.detectors,
  );
  if (found !== undefined) {
    const { device, metric } = state.channels[neighbour]!;
    const detail = { ...found.detail, neighbour: `${device} ${metric}` };
    tell(state, channel, identicalNeighbours.kind, { ...found, detail }, emit);
  }
  if (isAlike && isMoving && numbers[at + 1]! < 0) {
    const fromMs = numbers[at + 2]! * MINUTE_MS;
    for (const index of [channel.cells.index, neighbour]) {
      extendSpan(spansOf(state, index), 'identical-neighbours', fromMs, (minute + 1) * MINUTE_MS);
    }
  }
}

const maxOf = (state: EngineState, index: number): number =>
  state.monitor.memory.numbers[recordOf(state.monitor.memory, index) + LAST_MAX]!;

function spansOf({ monitor }: EngineState, index: number) {
  let spans = monitor.spans.get(index);
  if (spans === undefined) {
    spans = [];
    monitor.spans.set(index, spans);
  }
  return spans;
}

function watchProduction(
  state: EngineState,
  channel: Channel,
  minute: number,
  mean: number | null,
  emit: Emit,
): void {
  const { history, monitor } = state;
  for (const postId of history.postsOfProduction.get(channelName(channel.device, channel.metric)) ??
    []) {
    const post = valueAt(history, 'post', postId, minute * MINUTE_MS);
    const signal = post?.production?.channel;
    if (signal?.device !== channel.device || signal.metric !== channel.metric) continue;
    const isProducing = mean !== null && mean > post!.production!.above;
    for (const { primary } of post!.hazards) {
      for (const hazard of state.channelsByName.get(channelName(primary.device, primary.metric)) ??
        []) {
        const record = recordOf(monitor.memory, hazard.cells.index);
        const lastSeenMinute = monitor.memory.numbers[record + LAST_MINUTE]!;
        const found = productionGap.see(
          { minute, isProducing, lastSeenMinute },
          monitor.memory.numbers,
          record + SLOT.productionGap,
          state.settings.detectors,
        );
        if (found !== undefined) tell(state, hazard, productionGap.kind, found, emit);
      }
    }
  }
}
