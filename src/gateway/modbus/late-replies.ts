import type { ReadRequest } from './pdu.ts';
import { replyBytesOf } from './rtu.ts';

interface Owed {
  readonly request: ReadRequest;
  readonly sentMs: number;
}

/** Requests of a unit that are remembered as unanswered. */
const OWED_MAX = 8;

/** Requests without an answer, whose answers may still come. */
export interface LateReplies {
  /** Given up at the end of its time. */
  giveUp(request: ReadRequest, sentMs: number): void;
  /** A reply of this unit came while nobody waited: to what it may be; null: nobody is owed it. */
  claim(unitId: number): Owed | null;
  /** Whether a late reply of this unit would pass for the reply to this request. */
  couldPassFor(request: ReadRequest): boolean;
  owes(unitId: number): boolean;
  /** The line was silent long enough: they are not coming. */
  forget(unitId: number): void;
  clear(): void;
}

/** Whether a reply to one request would pass for the reply to another one. */
export const passesFor = (replied: ReadRequest, asked: ReadRequest): boolean =>
  replied.unitId === asked.unitId &&
  replied.table === asked.table &&
  replyBytesOf(replied) === replyBytesOf(asked) &&
  (replied.address !== asked.address || replied.words !== asked.words);

/** RTU replies carry neither an address nor a transaction: what may still come must be kept in mind. */
export function createLateReplies(): LateReplies {
  const owedBy = new Map<number, Owed[]>();
  return {
    giveUp(request, sentMs) {
      const owed = owedBy.get(request.unitId) ?? [];
      owed.push({ request, sentMs });
      if (owed.length > OWED_MAX) owed.shift();
      owedBy.set(request.unitId, owed);
    },
    claim(unitId) {
      const owed = owedBy.get(unitId);
      const oldest = owed?.shift();
      if (owed?.length === 0) owedBy.delete(unitId);
      return oldest ?? null;
    },
    couldPassFor: (asked) =>
      (owedBy.get(asked.unitId) ?? []).some(({ request }) => passesFor(request, asked)),
    owes: (unitId) => owedBy.has(unitId),
    forget: (unitId) => owedBy.delete(unitId),
    clear: () => owedBy.clear(),
  };
}
