import { digestOf } from '../model/digest.ts';
import type { ShiftResult, Signal } from '../model/exposure.ts';
import { MINUTE_MS } from '../model/time.ts';
import { buildInputs } from './build-inputs.ts';
import { monitorObstacles } from './detectors/obstacles.ts';
import type { Emit, EngineState, RuleState } from './engine-state.ts';
import { evaluateRule } from './evaluate-rule.ts';
import { findingsAgainst } from './gateway-findings.ts';
import { plainCell } from './packed-cell.ts';
import type { RuleInputs } from './rule-inputs.ts';
import { definitionOf } from './rule-states.ts';
import { dropProgress } from './rule-table.ts';
import { keepShiftSum } from './shift-sums.ts';

/**
 * Judges a shift from all its cells. A changed result gives a revision, and with it the over-limit
 * signal, or the word that takes an earlier one back. `nowMs`: journaled time.
 */
export function judgeShift(state: EngineState, rule: RuleState, nowMs: number, emit: Emit): void {
  const inputs = shiftInputs(state, rule, Number.POSITIVE_INFINITY);
  const judged = evaluateRule(inputs, state.readCells.hashOf);
  const obstacles = judged.verdict === 'exceeded' ? obstaclesOf(state, rule, inputs) : [];
  rule.isClosed = true;
  rule.dirtyAtMs = null;
  rule.evaluatedAtMs = nowMs;
  dropProgress(state.rules, rule.id);
  rule.channel.gateway.waiting?.delete(rule.id);
  keepShiftSum(state, rule, inputs, judged, nowMs);
  const isKnown = judged.resultHash === rule.resultHash;
  // The same result with other obstacles is told again: it may have been pushed without them.
  if (isKnown && obstacles.join(' ') === rule.obstacles) return;
  if (!isKnown) rule.revision++;
  rule.resultHash = judged.resultHash;
  rule.verdict = judged.verdict;
  rule.obstacles = obstacles.join(' ');
  const result: ShiftResult = { ...judged, revision: rule.revision };
  if (!isKnown) emit({ kind: 'result', result });
  const atMs = rule.endMs;
  if (judged.verdict === 'exceeded') {
    rule.isAccused = true;
    emit({ kind: 'signal', signal: overLimit(result, inputs, obstacles, atMs, true) });
  } else if (rule.isAccused) {
    rule.isAccused = false;
    const signalKey = digestOf({ kind: 'OVER_LIMIT_WITHDRAWN', result });
    emit({ kind: 'signal', signal: { kind: 'OVER_LIMIT_WITHDRAWN', signalKey, atMs, result } });
  }
}

/**
 * Asks whether the exceedance is certain already from minutes up to `lastMinute`. If so, gives the
 * over-limit signal with the result over the minutes up to `certainAtMs` alone, so that it doesn't
 * hang on when it was asked. Says whether it was.
 */
export function judgeCertain(
  state: EngineState,
  rule: RuleState,
  lastMinute: number,
  emit: Emit,
): boolean {
  const { hashOf } = state.readCells;
  const asked = evaluateRule(shiftInputs(state, rule, (lastMinute + 1) * MINUTE_MS), hashOf);
  if (asked.certainAtMs === null) return false;
  const inputs = shiftInputs(state, rule, asked.certainAtMs);
  const judged = evaluateRule(inputs, state.readCells.hashOf);
  if (judged.verdict !== 'exceeded') return false;
  rule.isAccused = true;
  const result: ShiftResult = { ...judged, revision: 0 };
  const obstacles = obstaclesOf(state, rule, inputs);
  rule.obstacles = obstacles.join(' ');
  const signal = overLimit(result, inputs, obstacles, asked.certainAtMs, false);
  emit({ kind: 'signal', signal });
  return true;
}

function shiftInputs(state: EngineState, rule: RuleState, untilMs: number): RuleInputs {
  const { channel, isOrphan } = rule;
  const definition = definitionOf(rule);
  if (!isOrphan) return buildInputs(state, channel, definition, untilMs, []);
  const withoutContact = { ...definition, contact: [], lead: [] };
  return buildInputs(state, channel, withoutContact, 0, ['not-scheduled']);
}

function overLimit(
  result: ShiftResult,
  judgedFrom: RuleInputs,
  obstacles: readonly string[],
  atMs: number,
  final: boolean,
): Signal {
  const signalKey = digestOf({ kind: 'OVER_LIMIT', final, result, obstacles });
  const inputs = plainInputs(judgedFrom);
  return { kind: 'OVER_LIMIT', signalKey, atMs, final, result, inputs, obstacles };
}

/** What forbids a push: findings on the gateway's chain and clock, and of the monitor of the monitor. */
const obstaclesOf = (
  state: EngineState,
  rule: RuleState,
  inputs: RuleInputs,
): readonly string[] => [
  ...findingsAgainst(state, rule),
  ...monitorObstacles(state, rule.channel, inputs),
];

/** The inputs with their cells as JSON has them: they outlive the minutes in memory. */
const plainInputs = (inputs: RuleInputs): RuleInputs => ({
  ...inputs,
  cells: inputs.cells.map(plainCell),
  ...(inputs.further === undefined
    ? {}
    : { further: inputs.further.map((feed) => ({ ...feed, cells: feed.cells.map(plainCell) })) }),
});
