import type { ChannelRef } from '../model/facts.ts';
import { MINUTE_MS } from '../model/time.ts';
import { channelFactsSpan, profileOf } from './channel-facts.ts';
import type { Channel, EngineState } from './engine-state.ts';
import { readInputCells } from './read-input-cells.ts';
import { channelName, valueAt, versionsOf } from './registry-history.ts';
import {
  type EarlierShift,
  type FeedDefinition,
  measures,
  type Reading,
  type RuleDefinition,
  readProfile,
  tableStartMs,
  unreadable,
} from './rule-definition.ts';
import type {
  BarReason,
  InputCell,
  InputFeed,
  InputProfile,
  RuleInputs,
  ShiftSum,
} from './rule-inputs.ts';
import type { GatewayChannel } from './rule-schedule.ts';

/**
 * The argument of `evaluateRule` from what is in memory: cells of minutes that end at or before
 * `untilMs`, facts as now known. Nothing about arrival enters.
 */
export function buildInputs(
  state: EngineState,
  channel: Channel,
  definition: RuleDefinition,
  untilMs: number,
  notEvaluable: readonly string[],
): RuleInputs {
  const { resultKey: _, reading, feeds, cycle, notEvaluable: found, ...asked } = definition;
  const profiles = inputProfiles(state, channel, definition, reading);
  return {
    v: 1,
    ...asked,
    profiles: profiles.readable,
    cells: inputCells(state, channel, definition, reading, untilMs),
    notEvaluable: [...new Set([...notEvaluable, ...found, ...profiles.unreadable])],
    ...(feeds.length === 0
      ? {}
      : { further: feeds.map((feed) => inputFeed(state, definition, feed, untilMs)) }),
    ...(cycle === null
      ? {}
      : { cycle: { ...cycle, earlier: cycle.earlier.map((shift) => shiftSum(state, shift)) } }),
  };
}

/** A further channel with what came from it; nothing: it saw nothing, and is as uncertain all the same. */
function inputFeed(
  state: EngineState,
  definition: RuleDefinition,
  { gateway, reading, ...feed }: FeedDefinition,
  untilMs: number,
): InputFeed {
  const { device, metric } = feed.channel;
  const named = state.channelsByName.get(channelName(device, metric));
  const channel = named?.find((one) => one.gateway.id === gateway) ?? named?.[0];
  const profiles = inputProfiles(state, feed.channel, definition, reading).readable;
  if (channel === undefined) return { ...feed, profiles, cells: [] };
  return {
    ...feed,
    profiles,
    cells: inputCells(state, channel, definition, reading, untilMs),
  };
}

/** What was made of an earlier shift of the cycle; never judged, it saw nothing. */
function shiftSum(state: EngineState, { resultKey, ...shift }: EarlierShift): ShiftSum {
  const { contactSeconds } = shift;
  return (
    state.shiftSums.get(resultKey) ?? {
      ...shift,
      absentSeconds: 0,
      coveredSeconds: 0,
      lower: 0,
      seen: 0,
      exposedSeconds: contactSeconds,
      conflictSeconds: 0,
      inputHash: '',
    }
  );
}

/** Versions of the channel's profile that hold somewhere in the rule's minutes. */
function inputProfiles(
  state: EngineState,
  channel: ChannelRef,
  definition: RuleDefinition,
  reading: Reading,
): { readonly readable: readonly InputProfile[]; readonly unreadable: readonly string[] } {
  const startMs = tableStartMs(definition);
  const { endMs } = definition.subject.shift;
  const versions = versionsOf(state.history, 'device', channel.device);
  const readable: InputProfile[] = [];
  const faults: string[] = [];
  for (const [i, { value, validFromMs }] of versions.entries()) {
    const untilMs = versions[i + 1]?.validFromMs ?? Number.POSITIVE_INFINITY;
    if (validFromMs >= endMs || untilMs <= startMs) continue;
    // Whoever was its gateway: a shift goes on when that is replaced.
    const profile = value === null ? undefined : profileOf(value, value.gateway, channel.metric);
    if (profile === undefined || !measures(reading, profile)) continue;
    const input = readProfile(reading, profile, Math.max(validFromMs, startMs));
    if (input !== undefined) readable.push(input);
    else faults.push(unreadable(reading, profile) ?? 'unit-not-convertible');
  }
  return { readable, unreadable: faults };
}

export const refOf = (channel: Channel): GatewayChannel => ({
  gateway: channel.gateway.id,
  device: channel.device,
  metric: channel.metric,
});

/** Cells of a device's metric, in each minute as the gateway delivered them that was registered then. */
function inputCells(
  state: EngineState,
  channel: Channel,
  definition: RuleDefinition,
  reading: Reading,
  untilMs: number,
): readonly InputCell[] {
  const from = tableStartMs(definition) / MINUTE_MS;
  const until = Math.floor(Math.min(definition.subject.shift.endMs, untilMs) / MINUTE_MS);
  if (!state.shared.has(channel)) return cellsBetween(state, channel, reading, from, until);
  const changes = versionsOf(state.history, 'device', channel.device)
    .map(({ validFromMs }) => Math.ceil(validFromMs / MINUTE_MS))
    .filter((minute) => from < minute && minute < until);
  const edges = [...new Set([from, ...changes, until])].sort((a, b) => a - b);
  return edges
    .slice(1)
    .flatMap((end, i) =>
      cellsBetween(state, ownerAt(state, channel, edges[i]!), reading, edges[i]!, end),
    );
}

function ownerAt({ history, channelsByName }: EngineState, channel: Channel, minute: number) {
  const { device, metric } = channel;
  const gateway = valueAt(history, 'device', device, minute * MINUTE_MS)?.gateway;
  const named = channelsByName.get(channelName(device, metric));
  return named?.find((one) => one.gateway.id === gateway) ?? channel;
}

function cellsBetween(
  state: EngineState,
  channel: Channel,
  reading: Reading,
  from: number,
  until: number,
): readonly InputCell[] {
  const bars = barsOf(state, channel, reading, from, until);
  const said = bars.map(({ fromMinute, barred }) => `${fromMinute} ${barred}`).join();
  const { cells } = channel;
  // Cells don't change between the judgements of one entry.
  return state.readCells.cells(`${state.pos} ${cells.index} ${from} ${until} ${said}`, () => {
    let bar = 0;
    return readInputCells(cells, from, until, (minute) => {
      while (bar + 1 < bars.length && bars[bar + 1]!.fromMinute <= minute) bar++;
      return bars[bar]!.barred;
    });
  });
}

/** From a minute on, why nothing is proof. */
interface Bar {
  readonly fromMinute: number;
  readonly barred: BarReason | undefined;
}

function barsOf(
  { history }: EngineState,
  channel: Channel,
  reading: Reading,
  from: number,
  until: number,
): readonly Bar[] {
  const bars: Bar[] = [];
  for (let minute = from; minute < until; ) {
    const { facts, untilMs } = channelFactsSpan(history, channel, minute * MINUTE_MS);
    const { profile } = facts;
    const isReadable =
      profile !== undefined && readProfile(reading, profile, minute * MINUTE_MS) !== undefined;
    bars.push({ fromMinute: minute, barred: isReadable ? facts.barred : 'profile' });
    minute = Math.ceil(untilMs / MINUTE_MS);
  }
  return bars;
}
