import { MINUTE_MS } from '../../model/time.ts';
import type { Channel, EngineState } from '../engine-state.ts';
import { profileAt } from '../minute-table.ts';
import { channelName } from '../registry-history.ts';
import type { InputFeed, RuleInputs } from '../rule-inputs.ts';
import { monitoredQuantity } from './closed-minute.ts';
import { flatLine } from './flat-line.ts';
import type { DetectorSettings } from './settings.ts';
import { reasonsIn } from './suspect-spans.ts';

/**
 * Findings that forbid a push of an exceedance until somebody has looked (design §6, technical gate:
 * identity, certificate, clock): they say that the data may not be the sensor's, the sensor's not the
 * air's, or the time not the right one. A flat line is looked for in the cells that accuse, so that it
 * makes no difference how late they came.
 */
export function monitorObstacles(
  state: EngineState,
  channel: Channel,
  inputs: RuleInputs,
): readonly string[] {
  const { startMs, endMs } = inputs.subject.shift;
  const reasons: string[] = [];
  if (isProof(inputs.first)) {
    const spans = state.monitor.gatewaySpans.get(channel.gateway.index) ?? [];
    reasons.push(...reasonsIn(spans, startMs, endMs));
  }
  for (const feed of provingFeeds(inputs)) {
    const { device, metric } = feed.channel;
    for (const { index, gateway } of state.channelsByName.get(channelName(device, metric)) ?? []) {
      reasons.push(...reasonsIn(state.monitor.spans.get(index) ?? [], startMs, endMs));
      reasons.push(
        ...reasonsIn(state.monitor.gatewaySpans.get(gateway.index) ?? [], startMs, endMs),
      );
    }
    if (feed.cells.some(({ barred }) => barred === 'certificate')) reasons.push('certificate');
    if (hasFlatLine(feed, state.settings.detectors)) reasons.push('flat-line');
  }
  return [...new Set(reasons)].sort();
}

type ProvingFeed = Pick<InputFeed, 'channel' | 'profiles' | 'cells'>;

/** A primary that its backup stands for proves nothing: what is wrong with it is no obstacle. */
const isProof = (first: RuleInputs['first']): boolean =>
  first === undefined || first.role === 'proof';

/** The channels whose readings are proof in the rule. */
const provingFeeds = (inputs: RuleInputs): readonly ProvingFeed[] => [
  ...(isProof(inputs.first)
    ? [{ channel: inputs.subject.channel, profiles: inputs.profiles, cells: inputs.cells }]
    : []),
  ...(inputs.further ?? []).filter(({ role }) => role === 'proof'),
];

function hasFlatLine({ cells, profiles }: ProvingFeed, settings: DetectorSettings): boolean {
  const memory = new Float64Array(flatLine.slots);
  let last = { minute: 0, value: Number.NaN };
  return cells.some(({ minuteMs, values }) => {
    const profile = profileAt(profiles, minuteMs);
    const quantity = profile && monitoredQuantity(profile.unit);
    if (quantity === undefined || values.length === 0) return false;
    const minute = minuteMs / MINUTE_MS;
    const value = values[0]!;
    const found = flatLine.see(
      {
        minute,
        quantity,
        mean: value,
        // Values are written once when all of the minute are equal.
        max: values.length === 1 ? value : Number.NaN,
        before: last.minute === minute - 1 ? last.value : Number.NaN,
        outOfRange: 0,
        stepNeeded: 0,
        range: profile!.range,
        lod: profile!.lod,
      },
      memory,
      0,
      settings,
    );
    last = { minute, value };
    return found !== undefined;
  });
}
