import type { ShiftResult } from '../model/exposure.ts';
import type { LimitKind } from '../model/limits.ts';
import type { AlertWaits } from './settings.ts';

/** Kinds judged over minutes: the window's end is known at once, the shift's end doesn't matter. */
const SHORT_TERM: readonly LimitKind[] = ['MAC', 'PC_STEL', 'PEAK', 'L_PEAK'];

/**
 * Hub time, UTC ms, from which an exceedance may leave for the platform: TWA, LEX, WBGT after the
 * shift and the marking window, short-term kinds after their window and a shorter wait; never
 * sooner than the minimum after it was learnt, so that late data leave the company time too (design
 * §6).
 */
export function dueAtMs(
  result: Pick<ShiftResult, 'limit' | 'subject' | 'window'>,
  learntAtMs: number,
  waits: AlertWaits,
): number {
  const waited = SHORT_TERM.includes(result.limit.kind)
    ? result.window.endMs + waits.shortTermWaitMs
    : result.subject.shift.endMs + waits.markingWindowMs;
  return Math.max(waited, learntAtMs + waits.markingMinimumMs);
}
