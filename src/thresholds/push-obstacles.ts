import { MINUTE_MS } from '../model/time.ts';
import { channelsOf } from './device-row.ts';
import type { Channel, Emit, EngineState, GatewayState, RuleState } from './engine-state.ts';
import type { GatewayFinding } from './gateway-findings.ts';
import { judgeCertain, judgeShift } from './judge-shift.ts';
import { channelName } from './registry-history.ts';
import { RuleRow } from './rule-row.ts';
import { rulesOf } from './rule-states.ts';
import type { TimeSpan } from './time-spans.ts';

/**
 * Something that stands against pushing was learnt of a gateway's time: accused shifts that it touches and
 * that were told without it are told again with it, so that the clue can be parked.
 */
export function tellAgain(
  state: EngineState,
  gateway: GatewayState,
  finding: GatewayFinding,
  { fromMs, untilMs }: TimeSpan,
  nowMs: number,
  emit: Emit,
): void {
  for (const rule of rulesReading(state, gateway)) {
    if (!rule.isAccused || rule.tableStartMs >= untilMs || rule.endMs <= fromMs) continue;
    if (rule.obstacles.split(' ').includes(finding)) continue;
    if (rule.isClosed) judgeShift(state, rule, nowMs, emit);
    else judgeCertain(state, rule, lastMinuteOf(rule), emit);
  }
}

const lastMinuteOf = ({ channel, endMs }: RuleState): number =>
  Math.min(channel.closedThrough, endMs / MINUTE_MS - 1);

function rulesReading(state: EngineState, gateway: GatewayState): readonly RuleState[] {
  const rules = new Set<number>();
  for (const { device, metric } of channelsOf(gateway)) {
    const name = channelName(device, metric);
    const named: readonly Channel[] = state.channelsByName.get(name) ?? [];
    for (const channel of named) {
      for (const { id } of rulesOf(state, channel)) rules.add(id);
    }
    for (const id of state.fedRules.get(name) ?? []) rules.add(id);
  }
  return [...rules].map((id) => new RuleRow(state, id));
}
