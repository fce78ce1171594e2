import type { Signal } from '../model/exposure.ts';

type OverLimit = Extract<Signal, { kind: 'OVER_LIMIT' }>;

/**
 * The technical gate (design §6): why the exceedance must not be pushed; empty when nothing stands
 * against it. What the engine found on identity, certificate, chain and clock comes as `obstacles`.
 */
export function evidenceCheck({ result, obstacles }: OverLimit): string[] {
  const { limit } = result;
  const findings: readonly (readonly [boolean, string])[] = [
    [result.verdict !== 'exceeded', `verdict-${result.verdict}`],
    [limit.force !== 'MANDATORY', 'limit-not-mandatory'],
    [!limit.confirmed, 'limit-not-confirmed'],
    [result.uncertainty === null, 'no-uncertainty'],
    // MAC binds the workplace itself; all else needs to know how long somebody was there.
    [result.basis === 'ASSUMED_FULL_SHIFT' && limit.kind !== 'MAC', 'assumed-full-shift'],
  ];
  return [...obstacles, ...findings.filter(([against]) => against).map(([, reason]) => reason)];
}
