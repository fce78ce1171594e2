import { digestOf } from '../model/digest.ts';
import type { Standing } from '../model/exposure.ts';
import type { Emit, RuleState } from './engine-state.ts';

/** Gives the early warning the first time that a rule is near its limit, with the minute that showed it. */
export function warnOnce(rule: RuleState, standing: Standing, emit: Emit): void {
  if (rule.hasWarned || standing.state === 'below' || standing.state === 'no-data') return;
  rule.hasWarned = true;
  const { resultKey, asOfMs } = standing;
  const signalKey = digestOf({ kind: 'EARLY_WARNING', resultKey, asOfMs });
  const signal = { kind: 'EARLY_WARNING', signalKey, atMs: asOfMs, standing } as const;
  emit({ kind: 'signal', signal });
}
