import { MINUTE_MS } from '../model/time.ts';
import type { MasterCounters } from './modbus/modbus-master.ts';

/**
 * Whether somebody else asks on a bus that has one master. `certain`: frames were heard that we did not
 * cause; a reply to the other may pass for one to us, so nothing that is read can be proof. `suspected`:
 * so many checksums are wrong that two may be talking at once, or the wiring is bad.
 */
export type ForeignMaster = 'none' | 'suspected' | 'certain';

/** So many signs within a minute; a single one may be what was left of a broken connection. */
const REQUESTS_MIN = 2;
const REPLIES_MIN = 3;
const SIGNS_MS = MINUTE_MS;
/** It is taken to be there until nothing has been heard of it for so long. */
const QUIET_MS = 10 * MINUTE_MS;
/** A wrong checksum in a hundred replies is no accident. */
const CRC_SHARE_MAX = 0.01;
const CRC_REQUESTS_MIN = 200;

type Counts = Pick<MasterCounters, 'requests' | 'crcErrors' | 'foreignRequests' | 'strayReplies'>;

export interface ForeignWatch {
  /** The master's counters as they are now; `nowMs` is real time. */
  look(counts: Readonly<Counts>, nowMs: number): ForeignMaster;
}

/** Counts what came lately of a counter that only grows. */
function createSigns(needed: number) {
  let known = 0;
  let times: number[] = [];
  return {
    /** True when enough of them came within the last minute. */
    look(count: number, nowMs: number): boolean {
      const fresh = Math.min(needed, count - known);
      known = count;
      const young = times.filter((timeMs) => nowMs - timeMs <= SIGNS_MS);
      times = [...young, ...Array<number>(fresh).fill(nowMs)].slice(-needed);
      return fresh > 0 && times.length >= needed;
    },
  };
}

export function createForeignWatch(): ForeignWatch {
  const requests = createSigns(REQUESTS_MIN);
  const replies = createSigns(REPLIES_MIN);
  let heardMs = Number.NEGATIVE_INFINITY;
  let isNoisy = false;
  let base = { requests: 0, crcErrors: 0 };

  return {
    look(counts, nowMs) {
      const isAsked = requests.look(counts.foreignRequests, nowMs);
      const isAnswered = replies.look(counts.strayReplies, nowMs);
      if (isAsked || isAnswered) heardMs = nowMs;
      const asked = counts.requests - base.requests;
      if (asked >= CRC_REQUESTS_MIN) {
        isNoisy = (counts.crcErrors - base.crcErrors) / asked > CRC_SHARE_MAX;
        base = { requests: counts.requests, crcErrors: counts.crcErrors };
      }
      if (nowMs - heardMs <= QUIET_MS) return 'certain';
      return isNoisy ? 'suspected' : 'none';
    },
  };
}
