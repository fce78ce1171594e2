import type { BatchEntry } from '../../model/entry.ts';
import type { FactorId } from '../../model/ids.ts';
import { MINUTE_MS } from '../../model/time.ts';
import { clockDrift } from './clock-drift.ts';
import type { SuspectSpan } from './suspect-spans.ts';

/** What the monitor keeps of a gateway, beside the records of its channels. */
export interface GatewayWatch {
  readonly clockMemory: Float64Array;
  /** Last known offset of its clock, ms, and how wrong that may be; NaN: none since it was asked last. */
  offsetMs: number;
  errMs: number;
  readonly neighbours: Map<FactorId, NeighbourMinute>;
  readonly spans: SuspectSpan[];
}

/** Channels of a factor that closed the same minute, by their mean. */
export interface NeighbourMinute {
  minute: number;
  readonly byMean: Map<number, number>;
}

export const createGatewayWatch = (): GatewayWatch => ({
  clockMemory: new Float64Array(clockDrift.slots),
  offsetMs: Number.NaN,
  errMs: 0,
  neighbours: new Map(),
  spans: [],
});

/** A live batch of a free-running clock came at most this late, or it says nothing of the clock. */
const DELAY_MS_MAX = 2 * MINUTE_MS;
/** How evenly the quickest batches of an hour pass the network. */
const DELAY_ERR_MS = 250;

/**
 * Notes what a batch shows of its gateway's clock: what the gateway measured itself, or, when it has no
 * time source, the quickest passage to the hub. A virtual clock is meant to be another.
 */
export function noteClock(watch: GatewayWatch, entry: BatchEntry): void {
  const { clock, createdAt } = entry.batch;
  if (clock === undefined || clock.source === 'virtual') return;
  if (clock.source !== 'free') {
    watch.offsetMs = clock.offsetMs;
    watch.errMs = clock.errMs;
    return;
  }
  const aheadMs = createdAt - entry.receivedAtMs;
  if (entry.topic !== 'live' || Math.abs(aheadMs) > DELAY_MS_MAX) return;
  watch.errMs = DELAY_ERR_MS;
  watch.offsetMs = Number.isNaN(watch.offsetMs) ? aheadMs : Math.max(watch.offsetMs, aheadMs);
}
