import type { Standing } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { MINUTE_MS } from '../model/time.ts';
import { distance } from './evaluate-rule.ts';
import { type RunningRule, runningLimit, runningNumber } from './running-number.ts';
import { exceeds } from './verdict.ts';

/**
 * Where an early warning starts (design §5, pitfalls Q28): half of a concentration's limit, "noise work"
 * at 80 dB(A), 1 °C below the limit of heat. Never a share of a decibel or a degree.
 */
const NOISE_WARNING_DBA = 80;
const HEAT_WARNING_C = 1;

export function warningLevel(limit: AppliedLimit): number {
  if (limit.unit === 'dB(A)') return NOISE_WARNING_DBA;
  if (limit.unit === 'degC') return limit.value - HEAT_WARNING_C;
  return limit.value / 2;
}

/** The running rule after the last minute taken; undefined: no limit is in force. */
export function standingOf(rule: RunningRule): Standing | undefined {
  const { definition, progress } = rule;
  const limit = runningLimit(rule);
  if (limit === undefined) return undefined;
  const current = runningNumber(rule);
  const common = {
    resultKey: definition.resultKey,
    subject: definition.subject,
    limit,
    asOfMs: (progress.startMinute + progress.through + 1) * MINUTE_MS,
    current,
  };
  if (current === null) return { ...common, ratio: null, difference: null, state: 'no-data' };
  const state = exceeds(current, limit.value)
    ? 'over'
    : current >= warningLevel(limit)
      ? 'near'
      : 'below';
  return { ...common, ...distance(limit, current), state };
}
