import type { Result } from '../model/result.ts';
import { exceptionText } from './exceptions.ts';
import type { ReadFailure, ReadReply } from './modbus/modbus-master.ts';
import { placeOf, type RegisterSpan } from './point-types.ts';

/** What came of the requests to one unit of one bus. */
export interface UnitCounts {
  readonly requests: number;
  readonly timeouts: number;
  readonly violations: number;
  readonly lost: number;
  /** By code. */
  readonly exceptions: Readonly<Record<string, number>>;
  /** What went wrong last, in words, and how long ago in real time; null: nothing so far. */
  readonly lastFault: { readonly text: string; readonly agoMs: number } | null;
}

export interface UnitCounters {
  count(span: RegisterSpan, reply: Result<ReadReply, ReadFailure>): void;
  /** Something else is wrong with the unit. */
  fault(text: string): void;
  counts(): UnitCounts;
}

export function createUnitCounters(): UnitCounters {
  const failures: Record<ReadFailure, number> = { timeout: 0, violation: 0, lost: 0, down: 0 };
  const exceptions: Record<string, number> = {};
  let requests = 0;
  let last: { readonly text: string; readonly atMs: number } | null = null;
  const fault = (text: string): void => {
    last = { text, atMs: performance.now() };
  };
  return {
    fault,
    count(span, reply) {
      if (reply.ok || reply.reason !== 'down') requests += 1;
      if (!reply.ok) {
        failures[reply.reason] += 1;
        fault(`${placeOf(span)}: ${reply.detail}`);
      } else if (reply.value.kind === 'exception') {
        const { code } = reply.value;
        exceptions[code] = (exceptions[code] ?? 0) + 1;
        fault(`${placeOf(span)}: ${exceptionText(code)}`);
      }
    },
    counts: () => ({
      requests,
      timeouts: failures.timeout,
      violations: failures.violation,
      lost: failures.lost,
      exceptions: { ...exceptions },
      lastFault:
        last === null
          ? null
          : { text: last.text, agoMs: Math.round(performance.now() - last.atMs) },
    }),
  };
}
