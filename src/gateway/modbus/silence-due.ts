import { type LateReplies, passesFor } from './late-replies.ts';
import type { ReadRequest } from './pdu.ts';

/**
 * After a time-out a late reply is waited for as long again, at most so long; and at least as long as a
 * busy machine may hold its bytes back.
 */
export const LATE_WINDOW_MS_MAX = 1_000;
const LATE_WINDOW_MS_MIN = 50;
/**
 * A copy of the last reply may hang in an adapter so long (16 ms in many USB ones): a question that it
 * would pass for is asked after as much silence.
 */
const COPY_MS_MAX = 20;

const lateWindowMs = (timeoutMs: number): number =>
  Math.min(LATE_WINDOW_MS_MAX, Math.max(LATE_WINDOW_MS_MIN, timeoutMs));

/** How long a line must be silent before the next question may be put on it. */
export interface SilenceDue {
  /** A new connection: nobody knows what was asked on the line before. */
  onFresh(): void;
  /** A time-out or a wrong reply: another one may be under way. */
  onFault(timeoutMs: number): void;
  onAnswered(request: ReadRequest, atMs: number): void;
  /** The line was silent for as long as was due. */
  onQuiet(): void;
  /** 0: it is known to be quiet. `isDirty`: bytes came that nobody waited for. */
  dueMs(): number;
  before(request: ReadRequest, timeoutMs: number, isDirty: boolean, nowMs: number): number;
}

export function createSilenceDue(late: LateReplies): SilenceDue {
  let dueMs = 0;
  let isFresh = true;
  let doubtedUnit: number | null = null;
  let last: { readonly request: ReadRequest; readonly atMs: number } | null = null;
  const raise = (ms: number): void => {
    dueMs = Math.max(dueMs, ms);
  };
  return {
    onFresh() {
      isFresh = true;
    },
    onFault: (timeoutMs) => raise(lateWindowMs(timeoutMs)),
    onAnswered(request, atMs) {
      last = { request, atMs };
      // This may have been the late reply to the same question, and the one to this is to follow.
      if (late.owes(request.unitId)) doubtedUnit = request.unitId;
    },
    onQuiet() {
      dueMs = 0;
      isFresh = false;
      if (doubtedUnit !== null) late.forget(doubtedUnit);
      doubtedUnit = null;
    },
    dueMs: () => dueMs,
    before(request, timeoutMs, isDirty, nowMs) {
      if (isFresh || isDirty || doubtedUnit !== null) raise(lateWindowMs(timeoutMs));
      if (doubtedUnit !== request.unitId && late.couldPassFor(request)) {
        raise(LATE_WINDOW_MS_MAX);
        doubtedUnit = request.unitId;
      }
      if (last !== null && passesFor(last.request, request)) {
        raise(last.atMs + COPY_MS_MAX - nowMs);
      }
      return dueMs;
    },
  };
}
