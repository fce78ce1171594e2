import { ROSTER_DAYS_MAX } from '../model/facts.ts';
import { DAY_MS } from '../model/time.ts';
import { readLines } from './checkpoint-bytes.ts';
import { readRuleTable } from './combine-feeds.ts';
import type { EngineState, RuleState } from './engine-state.ts';
import type { RuleResult } from './evaluate-rule.ts';
import { sumShift } from './integral.ts';
import type { RuleInputs, ShiftSum } from './rule-inputs.ts';
import { definitionOf, rulesOf } from './rule-states.ts';
import { linePieces, type Piece } from './snapshot.ts';

/** Sums of judged shifts, by result key, as long as a roster's cycle may ask for them. */
export type ShiftSums = Map<string, ShiftSum>;

/** What a shift adds to the weekly form of its cycle. */
export function shiftSumOf(inputs: RuleInputs, { inputHash }: RuleResult): ShiftSum {
  const { table } = readRuleTable(inputs);
  const { startMs, endMs } = inputs.subject.shift;
  return { startMs, endMs, ...sumShift({ inputs, table }, table.length), inputHash };
}

/** Keeps the sum of a shift just judged; later shifts of its cycle are judged again if it changed. */
export function keepShiftSum(
  state: EngineState,
  rule: RuleState,
  inputs: RuleInputs,
  judged: RuleResult,
  nowMs: number,
): void {
  const { resultKey } = judged;
  const { cycle } = rule.live.plan;
  const before = state.shiftSums.get(resultKey);
  if (cycle === null || rule.isOrphan) {
    if (!state.shiftSums.delete(resultKey)) return;
  } else {
    if (before?.inputHash === judged.inputHash) return;
    state.shiftSums.set(resultKey, shiftSumOf(inputs, judged));
  }
  for (const later of rulesOf(state, rule.channel)) {
    if (!later.isClosed || later.startMs <= rule.startMs || later.isOrphan) continue;
    if (later.live.plan.cycle === null) continue;
    const reads = definitionOf(later).cycle?.earlier ?? [];
    if (reads.some((earlier) => earlier.resultKey === resultKey)) later.dirtyAtMs = nowMs;
  }
}

/** Forgets sums that no shift still in memory can ask for. */
export function dropShiftSums(state: EngineState): void {
  const beforeMs = state.tickMs - state.settings.horizonMs - (ROSTER_DAYS_MAX + 2) * DAY_MS;
  for (const [key, { endMs }] of state.shiftSums) {
    if (endMs < beforeMs) state.shiftSums.delete(key);
  }
}

interface SavedSum {
  readonly key: string;
  readonly sum: ShiftSum;
}

interface SavedRules {
  readonly channel: string;
  /** Numbers of rules. */
  readonly rules: readonly number[];
}

/** The sums, and which rules read further channels: so a restore needs to look nothing up. */
export function* shiftSumPieces({ shiftSums, fedRules }: EngineState): Generator<Piece> {
  yield* linePieces('shift-sums', savedSums(shiftSums));
  yield* linePieces('fed-rules', savedRules(fedRules));
}

function* savedSums(sums: ShiftSums): Generator<SavedSum> {
  for (const [key, sum] of sums) yield { key, sum };
}

function* savedRules(fedRules: EngineState['fedRules']): Generator<SavedRules> {
  for (const [channel, rules] of fedRules) yield { channel, rules: [...rules] };
}

export function readShiftSums({ shiftSums }: EngineState, bytes: Buffer): void {
  for (const { key, sum } of readLines<SavedSum>(bytes)) shiftSums.set(key, sum);
}

export function readFedRules({ fedRules }: EngineState, bytes: Buffer): void {
  for (const { channel, rules } of readLines<SavedRules>(bytes)) {
    fedRules.set(channel, new Set(rules));
  }
}
