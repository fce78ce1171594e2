import { digestOf } from '../model/digest.ts';
import type { ShiftResult } from '../model/exposure.ts';
import type { AppliedLimit, LimitKind } from '../model/limits.ts';
import { MINUTE_MS } from '../model/time.ts';
import { capsOf, capsOfLimit } from './caps.ts';
import { type CombinedTable, readRuleTable } from './combine-feeds.ts';
import { measuringProfiles } from './feed-seconds.ts';
import { impulse, isAWeightedPeak } from './impulse.ts';
import { type CellsHash, cellsHash, inputHashOf } from './input-hash.ts';
import { reachObstacle } from './instrument-reach.ts';
import { firstIndex } from './integral.ts';
import { lex } from './lex.ts';
import { lexWeek } from './lex-week.ts';
import { byProvenLimits } from './limits/proven-limits.ts';
import { mac } from './mac.ts';
import { coveredShareOf } from './minute-counts.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { mixture } from './mixture.ts';
import { otherBasis } from './other-basis.ts';
import { peak } from './peak.ts';
import { resultKeyOf } from './result-key.ts';
import type { RuleInputs } from './rule-inputs.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { stel } from './stel.ts';
import { twa } from './twa.ts';
import { inputsUncertainty, uncertaintyAt, type WindowUncertainty } from './uncertainty.ts';
import { wbgt } from './wbgt.ts';

/** A result without its number in the row of revisions. */
export type RuleResult = Omit<ShiftResult, 'revision'>;

type Rule = (question: RuleQuestion) => RuleOutcome | undefined;

/** Which rule answers for which kind of limit. */
const RULES: Readonly<Record<LimitKind, Rule>> = {
  MAC: mac,
  PC_STEL: stel,
  PC_TWA: twa,
  PEAK: peak,
  LEX_8H: lex,
  LEX_W: lexWeek,
  L_PEAK: impulse,
  WBGT: wbgt,
  MIXTURE: mixture,
};

/**
 * Judges one rule in one shift (design §5). This one function is the truth: the engine, the evidence and
 * whoever checks it call it with the same inputs and get the same result, hash included. `hashOf` is
 * for the engine, which knows the hashes of its cells from their packed bytes.
 */
export function evaluateRule(inputs: RuleInputs, hashOf: CellsHash = cellsHash): RuleResult {
  const combined = readRuleTable(inputs);
  const uncertainty = inputsUncertainty(inputs);
  const caps = capsOf(inputs);
  const notEvaluable = obstaclesTo(inputs, combined.table);
  const ask = (of: RuleInputs, { table }: CombinedTable): RuleOutcome | undefined =>
    RULES[inputs.subject.limitKind]({
      inputs: of,
      table,
      uncertainty,
      isCapped: (limit) => caps.length > 0 || capsOfLimit(limit).length > 0,
    });
  const judge = (of: RuleInputs) => otherBasis(of, ask(of, combined), ask);
  const proven = notEvaluable.length === 0 ? byProvenLimits(inputs) : undefined;
  const accusing = proven && judge(proven);
  const isAccused = accusing?.verdict === 'exceeded';
  const asked = isAccused ? accusing : notEvaluable.length === 0 ? judge(inputs) : undefined;
  const outcome = asked && heldBack(inputs, asked);
  const content =
    outcome === undefined
      ? indeterminate(inputs, combined, notEvaluable)
      : concluded(inputs, combined, outcome, caps, uncertainty);
  const hashed = { ...content, inputHash: inputHashOf(inputs, hashOf) };
  return { ...hashed, resultHash: digestOf(hashed) };
}

/** Where the channels leave out a part of the factor, or can't reach the limit, staying below it shows nothing. */
function heldBack(inputs: RuleInputs, outcome: RuleOutcome): RuleOutcome {
  const { partial } = inputs;
  const isAbove = outcome.verdict === 'exceeded' || outcome.verdict === 'suspected';
  const reach = isAbove ? undefined : reachObstacle(inputs, outcome.limit.value);
  if (partial === undefined && reach === undefined) return outcome;
  return {
    ...outcome,
    verdict: isAbove ? outcome.verdict : 'indeterminate',
    notes: [...(outcome.notes ?? []), ...(partial === undefined ? [] : [partial])],
    caps: [...(outcome.caps ?? []), ...(reach === undefined ? [] : [reach])],
  };
}

type Content = Omit<RuleResult, 'inputHash' | 'resultHash'>;

/** What makes the rule not evaluable: never a pass, never an accusation. */
function obstaclesTo(inputs: RuleInputs, table: MinuteTable): readonly string[] {
  const { basis, declaredMinutes, subject, wbgtRows } = inputs;
  const reasons = [...inputs.notEvaluable];
  if (measuringProfiles(inputs).length === 0) reasons.push('no-profile');
  if (table.contactMinutes === 0) reasons.push('no-contact');
  if (basis === 'DECLARED_MINUTES' && declaredMinutes === null) {
    reasons.push('declared-minutes-missing');
  }
  switch (subject.limitKind) {
    case 'LEX_W':
      if (inputs.cycle === undefined) reasons.push('no-roster');
      break;
    case 'L_PEAK':
      if (!isAWeightedPeak(subject.channel.metric)) reasons.push('peak-not-a-weighted');
      if (!(inputs.further ?? []).some(({ role }) => role === 'count')) {
        reasons.push('no-impulse-count');
      }
      break;
    case 'WBGT':
      if (basis === 'DECLARED_MINUTES') reasons.push('declared-minutes-not-evaluable');
      if (wbgtRows.length === 0) reasons.push('no-labour-intensity');
      break;
    default:
      break;
  }
  return reasons;
}

function concluded(
  inputs: RuleInputs,
  combined: CombinedTable,
  outcome: RuleOutcome,
  caps: readonly string[],
  uncertainty: WindowUncertainty | null,
): Content {
  const { window, limit, verdict, episodes, isCertainBy } = outcome;
  const { table } = combined;
  const certain = verdict === 'exceeded' ? firstIndex(table.length, isCertainBy) : null;
  const allCaps = [...caps, ...capsOfLimit(limit), ...(outcome.caps ?? [])];
  if (outcome.isCappedByConflicts) allCaps.push('conflicts');
  return {
    ...common(inputs, combined),
    limit,
    verdict,
    caps: allCaps.sort(),
    window: {
      ...window,
      lowerBound: printed(window.lowerBound),
      estimate: window.estimate === null ? null : printed(window.estimate),
    },
    uncertainty:
      uncertainty === null ? null : printed(uncertaintyAt(uncertainty, window.lowerBound)),
    ...(isNothingSeen(window)
      ? { ratio: null, difference: null }
      : distance(limit, window.lowerBound, outcome.details['lowerBoundLimit'])),
    certainAtMs: certain === null ? null : table.startMs + (certain + 1) * MINUTE_MS,
    firstExceedAtMs: episodes[0]?.startMs ?? null,
    lastExceedAtMs: episodes.at(-1)?.endMs ?? null,
    episodes: episodes.map((e) => ({ ...e, lowerBoundMax: printed(e.lowerBoundMax) })),
    details: Object.fromEntries(
      Object.entries(outcome.details).map(([name, value]) => [name, printed(value)]),
    ),
    ...(outcome.notes?.length ? { notes: outcome.notes.toSorted() } : {}),
  };
}

const isNothingSeen = ({ lowerBound, estimate }: RuleOutcome['window']): boolean =>
  lowerBound === 0 && estimate === null;

/** Ratio of concentrations, dose ratio and Δ dB of noise, Δ °C of heat (design §5). */
export function distance(
  limit: AppliedLimit,
  value: number,
  limitValue = limit.value,
): { readonly ratio: number | null; readonly difference: number | null } {
  const difference = printed(value - limitValue);
  if (limit.unit === 'degC') return { ratio: null, difference };
  if (limit.unit === 'dB(A)') {
    return { ratio: printed(10 ** ((value - limitValue) / 10)), difference };
  }
  return { ratio: printed(value / limitValue), difference: null };
}

function indeterminate(
  inputs: RuleInputs,
  combined: CombinedTable,
  notEvaluable: readonly string[],
): Content {
  const { startMs, endMs } = inputs.subject.shift;
  const limit = limitAt(inputs, startMs) ?? inputs.limits.find((segment) => segment.limit)?.limit;
  if (!limit) throw new Error(`A rule without a limit was asked for: ${inputs.subject.factor}`);
  return {
    ...common(inputs, combined),
    limit,
    verdict: 'indeterminate',
    caps: notEvaluable.length > 0 ? [...notEvaluable].sort() : ['no-window'],
    window: { startMs, endMs, lowerBound: 0, estimate: null },
    uncertainty: null,
    ratio: null,
    difference: null,
    certainAtMs: null,
    firstExceedAtMs: null,
    lastExceedAtMs: null,
    episodes: [],
    details: {},
  };
}

function common(inputs: RuleInputs, { table, feeds }: CombinedTable) {
  let observedSeconds = 0;
  for (let i = 0; i < table.length; i++) {
    if (table.contact[i] === CONTACT) observedSeconds += table.covered[i]!;
  }
  return {
    resultKey: resultKeyOf(inputs.subject),
    subject: inputs.subject,
    basis: inputs.basis,
    coverage: table.contactMinutes === 0 ? 0 : printed(coveredShareOf(table)),
    contactMinutes: table.contactMinutes,
    observedSeconds,
    excludedSeconds: table.excluded,
    ...(feeds === undefined ? {} : { feeds }),
  };
}

/** Twelve digits: enough for any instrument, and no hash hangs on the last bit of a logarithm. */
const printed = (value: number): number => Number(value.toPrecision(12));
