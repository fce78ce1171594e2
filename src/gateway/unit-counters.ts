import type { Result } from '../model/result.ts';
import type { ReadFailure, ReadReply } from './modbus/modbus-master.ts';

/** What came of the requests to one unit of one bus. */
export interface UnitCounts {
  readonly requests: number;
  readonly timeouts: number;
  readonly violations: number;
  readonly lost: number;
  /** By code. */
  readonly exceptions: Readonly<Record<string, number>>;
}

export interface UnitCounters {
  count(reply: Result<ReadReply, ReadFailure>): void;
  counts(): UnitCounts;
}

export function createUnitCounters(): UnitCounters {
  const failures: Record<ReadFailure, number> = { timeout: 0, violation: 0, lost: 0, down: 0 };
  const exceptions: Record<string, number> = {};
  let requests = 0;
  return {
    count(reply) {
      if (reply.ok || reply.reason !== 'down') requests += 1;
      if (!reply.ok) failures[reply.reason] += 1;
      else if (reply.value.kind === 'exception') {
        exceptions[reply.value.code] = (exceptions[reply.value.code] ?? 0) + 1;
      }
    },
    counts: () => ({
      requests,
      timeouts: failures.timeout,
      violations: failures.violation,
      lost: failures.lost,
      exceptions: { ...exceptions },
    }),
  };
}
