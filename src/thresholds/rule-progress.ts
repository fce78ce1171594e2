import { MINUTE_MS } from '../model/time.ts';
import { readCellInto } from './cell-store.ts';
import { type ChannelFacts, channelFacts } from './channel-facts.ts';
import { confirmationMinutes } from './confirmation.ts';
import type { EngineState, RuleState } from './engine-state.ts';
import { CELL_SECONDS, emptyCell, type MinuteCell } from './minute-cell.ts';
import { isHeatC, lowerPart, type Quantity, quantityOf } from './quantity.ts';
import { inputProfileOf, type RuleDefinition, tableStartMs } from './rule-definition.ts';
import type { InputProfile, Interval } from './rule-inputs.ts';
import { isReadable, secondLetter } from './second-state.ts';
import { STEL_MINUTES } from './stel.ts';

/** Sums of a rule so far, by place in `sums`. */
export const LOWER = 0;
/** What T seconds add at most. */
export const SATURATED = 1;
export const COVERED = 2;
/** Seconds that add to `LOWER` (heat: of 25 °C and more). */
export const COUNTED = 3;
export const SATURATED_SECONDS = 4;
const SUMS = 5;

/** Sums of one minute in `recent`, of each of the window's minutes. */
const RECENT = 3;

/**
 * Where a running shift stands: sums over its minutes in their order, and for a sliding window those of
 * its last minutes. They say when it is worth asking `evaluateRule`, and what is shown meanwhile; nothing is
 * decided by them. Always a function of the cells: when one changes, all is read again.
 */
export interface RuleProgress {
  readonly startMinute: number;
  readonly length: number;
  /** Minutes of contact of the shift, and of the shift before that the rule reads. */
  readonly contactMinutes: number;
  /** Index of the last minute taken; −1: none. */
  through: number;
  readonly sums: number[];
  /** Minutes of the window that slides; 0: the shift is summed as a whole. */
  readonly width: number;
  readonly recent: number[];
  /** What the minutes are read by; not kept in checkpoints. */
  reading: Reading | null;
}

/** What the registry says of the minutes being taken, and what follows from it for the rule. */
interface Reading {
  readonly facts: ChannelFacts;
  readonly profile: InputProfile | undefined;
  /** The rule by limits that may accuse, worked out when first needed. */
  accusing: { readonly definition: RuleDefinition; readonly isCapped: boolean } | null;
}

export function createProgress(definition: RuleDefinition, t90S: number): RuleProgress {
  const startMs = tableStartMs(definition);
  const width = widthOf(definition, t90S);
  return {
    startMinute: startMs / MINUTE_MS,
    length: Math.floor((definition.subject.shift.endMs - startMs) / MINUTE_MS),
    contactMinutes: minutesOf(definition.lead) + minutesOf(definition.contact),
    through: -1,
    sums: zeros(SUMS),
    width,
    recent: zeros(width * RECENT),
    reading: null,
  };
}

/** Plain arrays: a typed one of five numbers takes five times their room. */
const zeros = (length: number): number[] => new Array<number>(length).fill(0);

function widthOf({ subject }: RuleDefinition, t90S: number): number {
  if (subject.limitKind === 'MAC') return confirmationMinutes([{ t90S }]);
  return subject.limitKind === 'PC_STEL' ? STEL_MINUTES : 0;
}

const minutesOf = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, [fromMs, untilMs]) => sum + (untilMs - fromMs) / MINUTE_MS, 0);

/** The same progress, to go on by itself. */
export const copyProgress = (progress: RuleProgress): RuleProgress => ({
  ...progress,
  sums: progress.sums.slice(),
  recent: progress.recent.slice(),
});

/** How a minute is read; its profile is undefined when it can't be. */
export function progressReading(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  progress: RuleProgress,
  minuteMs: number,
): Reading {
  const facts = channelFacts(state.history, rule.channel, minuteMs);
  if (progress.reading?.facts !== facts) {
    const profile = facts.profile && inputProfileOf(definition, facts.profile, minuteMs);
    progress.reading = { facts, profile, accusing: null };
  }
  return progress.reading;
}

const scratch = emptyCell(0);

/** Takes the next minute. */
export function takeMinute(
  state: EngineState,
  rule: RuleState,
  definition: RuleDefinition,
  progress: RuleProgress,
): void {
  progress.through++;
  const at = progress.width === 0 ? 0 : (progress.through % progress.width) * RECENT;
  if (progress.width > 0) progress.recent.fill(0, at, at + RECENT);
  const minute = progress.startMinute + progress.through;
  const minuteMs = minute * MINUTE_MS;
  if (!isInContact(definition, minuteMs)) return;
  const { facts, profile } = progressReading(state, rule, definition, progress, minuteMs);
  if (profile === undefined || facts.barred !== undefined) return;
  if (!readCellInto(rule.channel.cells, minute, scratch)) return;
  addCell(scratch, profile, quantityOf(definition.subject.limitKind));
  for (let i = 0; i < SUMS; i++) progress.sums[i]! += minuteSums[i]!;
  if (progress.width > 0) for (let i = 0; i < RECENT; i++) progress.recent[at + i] = minuteSums[i]!;
}

const isInContact = ({ contact, lead }: RuleDefinition, minuteMs: number): boolean =>
  isIn(contact, minuteMs) || isIn(lead, minuteMs);

function isIn(intervals: readonly Interval[], minuteMs: number): boolean {
  for (let i = 0; i < intervals.length; i++) {
    const interval = intervals[i]!;
    if (interval[0] <= minuteMs && minuteMs < interval[1]) return true;
  }
  return false;
}

/** Of the minute read last. */
const minuteSums = new Float64Array(SUMS);

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
  minuteSums[LOWER] = lower;
  minuteSums[SATURATED] = saturated === 0 ? 0 : saturated * lowerPart(top, quantity, profile);
  minuteSums[COVERED] = covered;
  minuteSums[COUNTED] = counted;
  minuteSums[SATURATED_SECONDS] = saturated;
}

const isSaturated = (state: number): boolean => {
  const letter = secondLetter(state);
  return letter === 'T' || letter === 't';
};

/** Sum over the window that ends with the last minute taken. */
export function windowSum({ recent, width, through }: RuleProgress, which: number): number {
  let sum = 0;
  for (let i = Math.max(0, through + 1 - width); i <= through; i++) {
    sum += recent[(i % width) * RECENT + which]!;
  }
  return sum;
}
