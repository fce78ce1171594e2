import type { MinuteCellSummary } from '../../model/exposure.ts';
import type { ChannelRef, Hazard } from '../../model/facts.ts';
import type { PostId } from '../../model/ids.ts';
import { DAY_MS, MINUTE_MS } from '../../model/time.ts';
import type { ChannelFacts } from '../channel-facts.ts';
import { crewShifts } from '../crew-shifts.ts';
import type { Channel, Emit, EngineState } from '../engine-state.ts';
import type { MinuteCell } from '../minute-cell.ts';
import { channelName, type RegistryHistory, valueAt } from '../registry-history.ts';
import { certificateExpired } from './certificate-expired.ts';
import { closedMinute } from './closed-minute.ts';
import { flatLine } from './flat-line.ts';
import { jump } from './jump.ts';
import {
  closeRecord,
  LAST_MAX,
  LAST_MEAN,
  LAST_MINUTE,
  lastMinuteOf,
  openRecord,
  SLOT,
} from './monitor-memory.ts';
import { noValue } from './no-value.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { tell } from './tell.ts';
import { flaggedSeconds, unexplainedFlags } from './unexplained-flags.ts';
import { unplannedWork } from './unplanned-work.ts';
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
  const numbers = openRecord(memory, channel.index);
  if (facts.barred === 'certificate') watchCertificate(state, channel, numbers, cell.minute, emit);
  const isNext = numbers[LAST_MINUTE] === cell.minute - 1;
  const before = isNext ? numbers[LAST_MEAN]! : Number.NaN;
  const seen = closedMinute(cell, summary, facts.profile, before);
  if (summary.mean !== null) {
    numbers[LAST_MINUTE] = cell.minute;
    numbers[LAST_MEAN] = summary.mean;
    numbers[LAST_MAX] = summary.max ?? Number.NaN;
  }
  if (seen !== undefined) {
    for (const [detector, slot] of MINUTE_DETECTORS) {
      const found = detector.see(seen, numbers, slot, state.settings.detectors);
      if (found !== undefined) tell(state, channel, detector.kind, found, emit);
    }
    if (summary.mean !== null) {
      watchNeighbours(state, channel, facts.profile.factor, seen, numbers, emit);
    }
  }
  if (summary.excludedSeconds > 0) watchFlags(state, channel, cell, facts, numbers, emit);
  if (summary.mean === null && facts.barred !== 'mark') {
    watchValues(state, channel, cell, numbers, emit);
  }
  closeRecord(memory, channel.index);
  if (state.history.postsOfProduction.size > 0) {
    watchProduction(state, channel, cell.minute, summary.mean, emit);
  }
}

function watchFlags(
  state: EngineState,
  channel: Channel,
  cell: MinuteCell,
  { barred }: ChannelFacts,
  numbers: Float64Array,
  emit: Emit,
): void {
  const { minute } = cell;
  const seen = { minute, flaggedSeconds: flaggedSeconds(cell), isMarked: barred === 'mark' };
  const { detectors } = state.settings;
  const found = unexplainedFlags.see(seen, numbers, SLOT.unexplainedFlags, detectors);
  if (found !== undefined) tell(state, channel, unexplainedFlags.kind, found, emit);
}

function watchValues(
  state: EngineState,
  channel: Channel,
  cell: MinuteCell,
  numbers: Float64Array,
  emit: Emit,
): void {
  const { detectors } = state.settings;
  // What people flag has a finding of its own.
  if (flaggedSeconds(cell) >= detectors.unexplainedFlags.seconds) return;
  const lastSeenMinute = Math.max(numbers[LAST_MINUTE]!, channel.firstMinute - 1);
  const seen = { minute: cell.minute, lastSeenMinute };
  const found = noValue.see(seen, numbers, SLOT.noValue, detectors);
  if (found !== undefined) tell(state, channel, noValue.kind, found, emit);
}

function watchCertificate(
  state: EngineState,
  channel: Channel,
  numbers: Float64Array,
  minute: number,
  emit: Emit,
): void {
  const device = valueAt(state.history, 'device', channel.device, minute * MINUTE_MS);
  const found = certificateExpired.see(
    { minute, certificate: device?.certificate ?? null },
    numbers,
    SLOT.certificateExpired,
    state.settings.detectors,
  );
  if (found !== undefined) tell(state, channel, certificateExpired.kind, found, emit);
}

/** The channels that are proof of a hazard. */
function standingFor({ primary, backup, feed }: Hazard): readonly ChannelRef[] {
  if (backup === undefined || feed === 'primary') return [primary];
  return feed === 'backup' ? [backup] : [primary, backup];
}

function watchProduction(
  state: EngineState,
  channel: Channel,
  minute: number,
  mean: number | null,
  emit: Emit,
): void {
  const { history, monitor } = state;
  let isUnplanned = false;
  for (const postId of history.postsOfProduction.get(channelName(channel.device, channel.metric)) ??
    []) {
    const post = valueAt(history, 'post', postId, minute * MINUTE_MS);
    const signal = post?.production?.channel;
    if (signal?.device !== channel.device || signal.metric !== channel.metric) continue;
    const isProducing = mean !== null && mean > post!.production!.above;
    isUnplanned ||= isProducing && !isManned(history, postId, minute * MINUTE_MS);
    for (const { device, metric } of post!.hazards.flatMap(standingFor)) {
      for (const hazard of state.channelsByName.get(channelName(device, metric)) ?? []) {
        const lastSeenMinute = lastMinuteOf(monitor.memory, hazard.index).minute;
        const numbers = openRecord(monitor.memory, hazard.index);
        const found = productionGap.see(
          { minute, isProducing, lastSeenMinute },
          numbers,
          SLOT.productionGap,
          state.settings.detectors,
        );
        closeRecord(monitor.memory, hazard.index);
        if (found !== undefined) tell(state, hazard, productionGap.kind, found, emit);
      }
    }
  }
  if (isUnplanned) watchUnplanned(state, channel, minute, emit);
}

function watchUnplanned(state: EngineState, channel: Channel, minute: number, emit: Emit): void {
  const { memory } = state.monitor;
  const numbers = openRecord(memory, channel.index);
  const found = unplannedWork.see(
    { minute },
    numbers,
    SLOT.unplannedWork,
    state.settings.detectors,
  );
  closeRecord(memory, channel.index);
  if (found !== undefined) tell(state, channel, unplannedWork.kind, found, emit);
}

/** Whether a shift of one of the post's crews is on; breaks are of it. */
function isManned(history: RegistryHistory, post: PostId, atMs: number): boolean {
  const fromMs = Math.floor(atMs / DAY_MS) * DAY_MS - DAY_MS;
  return [...(history.crewsOfPost.get(post) ?? [])].some((crew) =>
    crewShifts(history, crew, fromMs, fromMs + 2 * DAY_MS).some(
      ({ shift: { startMs, endMs } }) => startMs <= atMs && atMs < endMs,
    ),
  );
}
