import { MINUTE_MS } from '../model/time.ts';
import { accusingLimits } from './accusing-limits.ts';
import { readCellInto } from './cell-store.ts';
import { type ChannelFacts, channelFacts } from './channel-facts.ts';
import { closing } from './closing-minute.ts';
import { confirmationMinutes } from './confirmation.ts';
import type { RuleState } from './engine-state.ts';
import { CELL_SECONDS, emptyCell, type MinuteCell } from './minute-cell.ts';
import { ProgressRow } from './progress-row.ts';
import { copyRecord, freeRecord, takeRecord } from './progress-store.ts';
import { isHeatC, lowerPart, type Quantity, quantityOf } from './quantity.ts';
import { inputProfileOf } from './rule-definition.ts';
import type { InputProfile, Interval } from './rule-inputs.ts';
import type { MinuteReading, RulePlan } from './rule-plan.ts';
import { definitionOf } from './rule-states.ts';
import { isReadable, secondLetter } from './second-state.ts';
import { STEL_MINUTES } from './stel.ts';

const READINGS_MAX = 64;

/** How far a rule has come; null: its minutes are read when it is next followed. */
export const progressOf = (rule: RuleState): ProgressRow | null =>
  rowOf(rule, rule.page.progress[rule.slot]!);

/** The same up to where order is sure, while that lies behind; null: it doesn't. */
export const orderedOf = (rule: RuleState): ProgressRow | null =>
  rowOf(rule, rule.page.ordered[rule.slot]!);

const rowOf = (rule: RuleState, record: number): ProgressRow | null =>
  record < 0 ? null : new ProgressRow(rule.state.rules.progress, record, rule.live);

/** Begins at the rule's first minute. */
export function startProgress(rule: RuleState, t90S: number): ProgressRow {
  const { page, slot, live, state } = rule;
  const width = widthOf(live.plan, t90S);
  page.progress[slot] = takeRecord(state.rules.progress, width);
  const row = progressOf(rule)!;
  row.width = width;
  row.through = -1;
  return row;
}

function widthOf({ subject }: RulePlan, t90S: number): number {
  if (subject.limitKind === 'MAC') return confirmationMinutes([{ t90S }]);
  return subject.limitKind === 'PC_STEL' ? STEL_MINUTES : 0;
}

/** A second progress that stays behind, from where the first is now. */
export function forkOrdered({ page, slot, state }: RuleState): void {
  page.ordered[slot] = copyRecord(state.rules.progress, page.progress[slot]!);
}

/** What stayed behind goes on as the one. */
export function takeOrdered(rule: RuleState): ProgressRow {
  const { page, slot, state } = rule;
  freeRecord(state.rules.progress, page.progress[slot]!);
  page.progress[slot] = page.ordered[slot]!;
  page.ordered[slot] = -1;
  return progressOf(rule)!;
}

/** How a minute is read by the facts; remembered, as whole provinces read alike. */
export function readingOf(rule: RuleState, minuteMs: number): MinuteReading {
  const { live, channel, state } = rule;
  const facts = channelFacts(state.history, channel, minuteMs);
  let reading = live.readings.get(facts);
  if (reading === undefined) {
    if (live.readings.size >= READINGS_MAX) live.readings.clear();
    reading = readFacts(rule, facts, minuteMs);
    live.readings.set(facts, reading);
  }
  return reading;
}

function readFacts(rule: RuleState, facts: ChannelFacts, minuteMs: number): MinuteReading {
  const definition = definitionOf(rule);
  const profile = facts.profile && inputProfileOf(definition, facts.profile, minuteMs);
  const accusing = profile === undefined ? null : accusingLimits(definition, profile);
  return { profile, isBarred: facts.barred !== undefined, accusing };
}

const scratch = emptyCell(0);

/** Takes the next minute. */
export function takeMinute(rule: RuleState, progress: ProgressRow): void {
  const { plan } = progress.live;
  progress.advance();
  const { minute } = progress;
  const minuteMs = minute * MINUTE_MS;
  if (!isInContact(plan, minuteMs)) return;
  const { profile, isBarred } = readingOf(rule, minuteMs);
  if (profile === undefined || isBarred) return;
  const { channel } = rule;
  const isClosing = closing.channel === channel && closing.cell.minute === minute;
  if (!isClosing && !readCellInto(channel.cells, minute, scratch)) return;
  addCell(isClosing ? closing.cell : scratch, profile, quantityOf(plan.subject.limitKind));
  progress.add(minuteSums);
}

const isInContact = ({ contact, lead }: RulePlan, minuteMs: number): boolean =>
  isIn(contact, minuteMs) || isIn(lead, minuteMs);

function isIn(intervals: readonly Interval[], minuteMs: number): boolean {
  for (let i = 0; i < intervals.length; i++) {
    const interval = intervals[i]!;
    if (interval[0] <= minuteMs && minuteMs < interval[1]) return true;
  }
  return false;
}

/** Of the minute read last; a fraction from the start, so that it is never made anew. */
const minuteSums = { lower: 0.5, covered: 0, counted: 0, saturated: 0 };

function addCell(cell: MinuteCell, profile: InputProfile, quantity: Quantity): void {
  const [bottom, top] = profile.range;
  const isHeat = quantity === 'heat';
  let lower = 0;
  let covered = 0;
  let counted = 0;
  let saturated = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = cell.states[second]!;
    // Wide means count as if they were the same throughout: nothing is decided by that.
    if (isReadable[state]) {
      const value = cell.values[second]!;
      if (value < bottom || value > top) continue;
      covered++;
      if (isHeat && !isHeatC(value * profile.unitFactor)) continue;
      counted++;
      lower += lowerPart(value, quantity, profile);
    } else if (isSaturated(state)) saturated++;
  }
  minuteSums.lower = lower;
  minuteSums.covered = covered;
  minuteSums.counted = counted;
  minuteSums.saturated = saturated;
}

const isSaturated = (state: number): boolean => {
  const letter = secondLetter(state);
  return letter === 'T' || letter === 't';
};
