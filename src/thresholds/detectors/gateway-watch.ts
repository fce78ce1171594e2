import type { BatchEntry } from '../../model/entry.ts';
import { MINUTE_MS } from '../../model/time.ts';
import { clockDrift } from './clock-drift.ts';
import { type PagedNumbers, pageOf, recordOf } from './monitor-memory.ts';

/**
 * Numbers of each gateway's clock: the memory of `clockDrift`, then its last offset, ms, how wrong that may be,
 * and 1 when there is one since it was asked last.
 */
export const CLOCK_OFFSET = clockDrift.slots;
export const CLOCK_ERR = CLOCK_OFFSET + 1;
export const CLOCK_KNOWN = CLOCK_OFFSET + 2;
export const CLOCK_SLOTS = CLOCK_OFFSET + 3;

/** A live batch of a free-running clock came at most this late, or it says nothing of the clock. */
const DELAY_MS_MAX = 2 * MINUTE_MS;
/** How evenly the quickest batches of an hour pass the network. */
const DELAY_ERR_MS = 250;

/**
 * Notes what a batch shows of its gateway's clock: what the gateway measured itself, or, when it has no
 * time source, the quickest passage to the hub. A virtual clock is meant to be another.
 */
export function noteClock(clocks: PagedNumbers, gateway: number, entry: BatchEntry): void {
  const { clock, createdAt } = entry.batch;
  if (clock === undefined || clock.source === 'virtual') return;
  const numbers = pageOf(clocks, gateway);
  const at = recordOf(clocks, gateway);
  if (clock.source !== 'free') {
    numbers[at + CLOCK_OFFSET] = clock.offsetMs;
    numbers[at + CLOCK_ERR] = clock.errMs;
    numbers[at + CLOCK_KNOWN] = 1;
    return;
  }
  const aheadMs = createdAt - entry.receivedAtMs;
  if (entry.topic !== 'live' || Math.abs(aheadMs) > DELAY_MS_MAX) return;
  const isKnown = numbers[at + CLOCK_KNOWN] === 1;
  numbers[at + CLOCK_ERR] = DELAY_ERR_MS;
  numbers[at + CLOCK_OFFSET] = isKnown ? Math.max(numbers[at + CLOCK_OFFSET]!, aheadMs) : aheadMs;
  numbers[at + CLOCK_KNOWN] = 1;
}
