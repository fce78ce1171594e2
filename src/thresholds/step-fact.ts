import type { FactEntry } from '../model/entry.ts';
import type { EntityOf, Fact } from '../model/facts.ts';
import type { DeviceId } from '../model/ids.ts';
import { MINUTE_MS } from '../model/time.ts';
import type { Channel, Emit, EngineState, GatewayState, RuleState } from './engine-state.ts';
import { feedRule, rulesFedBy, rulesFedByName, unfeedRule } from './fed-rules.ts';
import { wakeOwner } from './feed-owners.ts';
import { addFact, channelName, type RegistryHistory, versionsOf } from './registry-history.ts';
import { findOwner, giveRule, rulesOf } from './rule-states.ts';
import { dropProgress, redefineRule } from './rule-table.ts';
import { emitOnce } from './signals.ts';

/**
 * Learns a fact. Shifts in memory that it may touch are looked up again, and those judged already are
 * judged again when the quiet time has passed (design §5: a fact learnt late gives a revision).
 */
export function stepFact(
  state: EngineState,
  { fact: told, pos, receivedAtMs }: FactEntry,
  emit: Emit,
): void {
  const fact = notBackdated(state, told, receivedAtMs);
  const before = affectedChannels(state, fact);
  addFact(state.history, pos, fact);
  for (const name of ownersNamed(state, fact)) wakeOwner(state, name, emit);
  const judged = new Map<GatewayState, Set<number>>();
  const refreshAll = (rules: readonly RuleState[]): void => {
    for (const rule of rules) {
      // A mark speaks of the past; of anything else, nothing before its first day changes.
      if (fact.entity !== 'mark' && rule.endMs <= fact.validFromMs) continue;
      if (rule.isClosed) noteJudged(judged, rule);
      refresh(state, rule, receivedAtMs);
    }
  };
  const affected = new Set([...before, ...affectedChannels(state, fact)]);
  for (const channel of affected) {
    channel.needsRescan = true;
    refreshAll([...rulesOf(state, channel), ...rulesFedBy(state, channel)]);
  }
  // Also of one that nothing came of: how uncertain it is counts all the same.
  for (const name of fact.entity === 'device' ? namesOfDevice(state.history, fact.id) : []) {
    if (!state.channelsByName.get(name)) refreshAll(rulesFedByName(state, name));
  }
  tellLate(judged, fact, pos, receivedAtMs, emit);
  noteBeyondHorizon(affected, fact, emit);
}

function noteJudged(judged: Map<GatewayState, Set<number>>, { channel, id }: RuleState): void {
  const rules = judged.get(channel.gateway) ?? new Set();
  judged.set(channel.gateway, rules.add(id));
}

/** Who changes the plan, a sensor or a mark of time that was judged already is not to be overlooked, whatever comes of it. */
function tellLate(
  judged: ReadonlyMap<GatewayState, ReadonlySet<number>>,
  { entity, id, validFromMs, value, source }: Fact,
  pos: number,
  receivedAtMs: number,
  emit: Emit,
): void {
  const fromMs =
    (entity === 'mark' ? (value as EntityOf<'mark'> | null)?.fromMs : null) ?? validFromMs;
  if (fromMs >= receivedAtMs) return;
  for (const [gateway, rules] of judged) {
    const detail = { entity, id, pos, by: source.by, results: rules.size };
    emitOnce(gateway, 'FACT_LATE', fromMs, detail, emit);
  }
}

/** What a fact says of time that is out of memory changes nothing any more, and never silently so. */
function noteBeyondHorizon(affected: ReadonlySet<Channel>, fact: Fact, emit: Emit): void {
  const { entity, id } = fact;
  const mark = entity === 'mark' ? (fact.value as EntityOf<'mark'> | null) : null;
  const fromMs = mark?.fromMs ?? fact.validFromMs;
  const told = new Set<GatewayState>();
  for (const { gateway, droppedBefore, firstMinute } of affected) {
    const droppedMs = droppedBefore * MINUTE_MS;
    if (fromMs >= droppedMs || firstMinute >= droppedBefore || told.has(gateway)) continue;
    told.add(gateway);
    const untilMs = Math.min(mark?.toMs ?? droppedMs, droppedMs);
    const detail = { reason: 'fact-beyond-horizon', entity, id, fromMs, untilMs };
    emitOnce(gateway, 'DATA_GAP', fromMs, detail, emit);
  }
}

/**
 * Once data have come, a change of the law or of what is confirmed of it holds from its receipt at the
 * earliest: it never rewrites what was judged.
 */
function notBackdated(state: EngineState, fact: Fact, receivedAtMs: number): Fact {
  const isLaw = fact.entity === 'limits' || fact.entity === 'limitConfirmation';
  if (!isLaw || state.channels.length === 0) return fact;
  return { ...fact, validFromMs: Math.max(fact.validFromMs, receivedAtMs) };
}

function refresh(state: EngineState, rule: RuleState, receivedAtMs: number): void {
  const found = findOwner(state, rule);
  rule.isOrphan = found === undefined;
  if (found !== undefined) {
    unfeedRule(state, rule);
    if (found.channel !== rule.channel) giveRule(state, rule, found.channel);
    redefineRule(state.rules, rule.id, found.definition);
    feedRule(state, rule);
  }
  dropProgress(state.rules, rule.id);
  rule.isPromising = false;
  rule.tryFrom = 0;
  if (rule.isClosed) rule.dirtyAtMs = receivedAtMs;
  else rule.lastDatumAtMs = Math.max(rule.lastDatumAtMs, receivedAtMs);
}

/** Channels whose shifts a fact can touch, by the facts known when asked. */
function affectedChannels(state: EngineState, fact: Fact): readonly Channel[] {
  if (state.channels.length === 0) return [];
  const { history } = state;
  switch (fact.entity) {
    case 'enterprise':
    case 'limits':
    case 'limitConfirmation':
      return state.channels;
    case 'device':
      return channelsOfDevice(state, fact.id);
    case 'mark':
      return versionsOf(history, 'mark', fact.id).flatMap(({ value }) =>
        value === null ? [] : channelsOfDevice(state, value.device),
      );
    case 'post':
      return channelsOfPost(state, fact.id);
    case 'crew':
      return postsOfCrew(history, fact.id).flatMap((post) => channelsOfPost(state, post));
    case 'point':
    case 'gateway':
      return [];
  }
}

const channelsOfDevice = (state: EngineState, device: string): readonly Channel[] =>
  state.channelsByName.ofDevice(device);

function channelsOfPost(state: EngineState, postId: string): readonly Channel[] {
  return [...primariesOf(state.history, postId)].flatMap(
    (name) => state.channelsByName.get(name) ?? [],
  );
}

const primariesOf = (history: RegistryHistory, postId: string): ReadonlySet<string> =>
  new Set(
    versionsOf(history, 'post', postId)
      .flatMap(({ value }) => value?.hazards ?? [])
      .map(({ primary }) => channelName(primary.device, primary.metric)),
  );

const namesOfDevice = (history: RegistryHistory, id: string): ReadonlySet<string> =>
  new Set(
    versionsOf(history, 'device', id)
      .flatMap(({ value }) => value?.metrics ?? [])
      .map(({ metric }) => channelName(id as DeviceId, metric)),
  );

/** Channels that rules belong to by a fact just learnt. */
function ownersNamed({ channels, history }: EngineState, { entity, id }: Fact): readonly string[] {
  if (channels.length === 0) return [];
  switch (entity) {
    case 'post':
      return [...primariesOf(history, id)];
    case 'crew':
      return postsOfCrew(history, id).flatMap((post) => [...primariesOf(history, post)]);
    case 'device':
      return [...namesOfDevice(history, id)].filter((name) => history.postsOfChannel.has(name));
    default:
      return [];
  }
}

const postsOfCrew = (history: RegistryHistory, crewId: string): readonly string[] =>
  versionsOf(history, 'crew', crewId).flatMap(({ value }) =>
    value === null ? [] : postsOf(value as EntityOf<'crew'>),
  );

const postsOf = ({ post, shifts }: EntityOf<'crew'>): readonly string[] => [
  post,
  ...shifts.flatMap(({ segments }) => (segments ?? []).map((segment) => segment.post)),
];
