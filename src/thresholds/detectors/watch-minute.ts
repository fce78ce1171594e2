import type { MinuteCellSummary } from '../../model/exposure.ts';
import { MINUTE_MS } from '../../model/time.ts';
import type { ChannelFacts } from '../channel-facts.ts';
import type { Channel, Emit, EngineState } from '../engine-state.ts';
import type { MinuteCell } from '../minute-cell.ts';
import { channelName, valueAt } from '../registry-history.ts';
import { certificateExpired } from './certificate-expired.ts';
import { closedMinute } from './closed-minute.ts';
import { flatLine } from './flat-line.ts';
import { jump } from './jump.ts';
import { LAST_MAX, LAST_MEAN, LAST_MINUTE, pageOf, recordOf, SLOT } from './monitor-memory.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { tell } from './tell.ts';
import { varianceCollapse } from './variance-collapse.ts';
import { watchNeighbours } from './watch-neighbours.ts';

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
  const record = recordOf(memory, channel.index);
  const numbers = pageOf(memory, channel.index);
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
    pageOf(state.monitor.memory, channel.index),
    record + SLOT.certificateExpired,
    state.settings.detectors,
  );
  if (found !== undefined) tell(state, channel, certificateExpired.kind, found, emit);
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
        const record = recordOf(monitor.memory, hazard.index);
        const numbers = pageOf(monitor.memory, hazard.index);
        const lastSeenMinute = numbers[record + LAST_MINUTE]!;
        const found = productionGap.see(
          { minute, isProducing, lastSeenMinute },
          numbers,
          record + SLOT.productionGap,
          state.settings.detectors,
        );
        if (found !== undefined) tell(state, hazard, productionGap.kind, found, emit);
      }
    }
  }
}
