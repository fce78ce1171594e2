import type { Standing } from '../model/exposure.ts';
import type { LimitKind } from '../model/limits.ts';
import { MINUTE_MS } from '../model/time.ts';
import { buildInputs } from './build-inputs.ts';
import { capsOf, capsOfLimit } from './caps.ts';
import { readRuleTable } from './combine-feeds.ts';
import { compositeNumbers } from './composite-number.ts';
import type { Channel, Emit, EngineState, RuleState } from './engine-state.ts';
import { judgeCertain } from './judge-shift.ts';
import { byProvenLimits } from './limits/proven-limits.ts';
import { orderedThrough } from './ordered-through.ts';
import { channelName } from './registry-history.ts';
import type { FeedDefinition, RuleDefinition } from './rule-definition.ts';
import type { RuleInputs } from './rule-inputs.ts';
import { definitionOf } from './rule-states.ts';
import { standingOf } from './standing.ts';
import { warnOnce } from './warn-once.ts';

/** Minutes between two looks at a rule of several channels: each look reads its shift anew. */
export const LOOK_EVERY_MINUTES = 5;

/** Peaks by number have no number of the moment: more impulses make their limit another. */
const WITHOUT_STANDING: readonly LimitKind[] = ['L_PEAK', 'PEAK'];

/**
 * Follows a running rule that several channels make together: where it stands, an early warning, and an
 * exceedance that has become certain, on every fifth minute of its own channel, or of another when that is silent.
 */
export function followComposite(
  state: EngineState,
  rule: RuleState,
  newest: number,
  emit: Emit,
): void {
  const { limitKind } = rule.live.plan.subject;
  const lastOfShift = rule.endMs / MINUTE_MS - 1;
  const minute = Math.min(newest, lastOfShift);
  const isUnplanned = limitKind === 'LEX_W' && rule.live.plan.cycle === null;
  if (isUnplanned || minute < rule.restsUntil || minute * MINUTE_MS < rule.startMs) return;
  const firstLook = Math.max(rule.restsUntil, nextLook(rule.startMs / MINUTE_MS));
  rule.restsUntil = nextLook(minute + 1);
  const definition = definitionOf(rule);
  const inputs = buildInputs(state, rule.channel, definition, (minute + 1) * MINUTE_MS, []);
  if (inputs.notEvaluable.length > 0) return;
  if (newest <= lastOfShift && !WITHOUT_STANDING.includes(limitKind)) {
    const standings = standingsFrom(definition, inputs, firstLook, minute);
    for (const standing of standings) warnOnce(rule, standing, emit);
    const last = standings.at(-1);
    if (last !== undefined) {
      rule.standing = last.state;
      emit({ kind: 'standing', standing: last });
    }
  }
  const ordered = Math.min(minute, ...orderedMinutes(state, rule.channel, definition));
  if (rule.isAccused || ordered * MINUTE_MS < rule.startMs || !mayAccuse(inputs)) return;
  judgeCertain(state, rule, ordered, emit);
}

/** First minute from `minute` on that ends on the grid of looks. */
const nextLook = (minute: number): number =>
  Math.ceil((minute + 1) / LOOK_EVERY_MINUTES) * LOOK_EVERY_MINUTES - 1;

/** Where the rule stood on the grid since the last look, and where it stands after `minute`. */
function standingsFrom(
  definition: RuleDefinition,
  inputs: RuleInputs,
  firstLook: number,
  minute: number,
): readonly Standing[] {
  const { table } = readRuleTable(inputs);
  const looks: number[] = [];
  for (let at = firstLook; at < minute; at += LOOK_EVERY_MINUTES) looks.push(at);
  return [...looks, minute].flatMap((at) => {
    const asOfMs = (at + 1) * MINUTE_MS;
    const numbers = compositeNumbers(definition, inputs, table, asOfMs);
    if (numbers === undefined) return [];
    return [standingOf(definition.subject, numbers.limit, numbers, asOfMs)];
  });
}

/** Whether the rule may accuse at all; of a mixture and of impulses beyond the table it may not. */
function mayAccuse(inputs: RuleInputs): boolean {
  const { limits } = byProvenLimits(inputs) ?? inputs;
  const canAccuse = limits.some(({ limit }) => limit !== null && capsOfLimit(limit).length === 0);
  return canAccuse && capsOf(inputs).length === 0;
}

/**
 * Last minutes for which order can't matter any more, of each channel that is proof. One whose time lags far
 * behind is not waited for: what it brings can only add.
 */
function orderedMinutes(
  state: EngineState,
  own: Channel,
  { feeds }: RuleDefinition,
): readonly number[] {
  const { incompleteAfterMs } = state.settings;
  const channels = [own, ...feeds.flatMap((feed) => channelOf(state, feed) ?? [])];
  const newestMs = Math.max(...channels.map(({ watermarkMs }) => watermarkMs));
  return channels
    .filter(({ watermarkMs }) => watermarkMs >= newestMs - incompleteAfterMs)
    .map((channel) => orderedThrough(state, channel));
}

function channelOf(
  { channelsByName }: EngineState,
  { channel, gateway, role }: FeedDefinition,
): Channel | undefined {
  if (role === 'fallback') return undefined;
  const named = channelsByName.get(channelName(channel.device, channel.metric));
  return named?.find((one) => one.gateway.id === gateway) ?? named?.[0];
}
