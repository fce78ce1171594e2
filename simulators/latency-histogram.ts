/** Bins of 50 µs up to 30 s; what takes longer counts as 30 s. */
const BIN_MS = 0.05;
const BINS = 600_000;

export interface LatencyHistogram {
  add(latencyMs: number): void;
  /** Upper end of the bin that this share of the values lies in or below, ms; null: no values. */
  quantileMs(share: number): number | null;
}

export function createLatencyHistogram(): LatencyHistogram {
  const bins = new Uint32Array(BINS + 1);
  let count = 0;
  return {
    add(latencyMs) {
      bins[Math.min(BINS, Math.floor(latencyMs / BIN_MS))]! += 1;
      count += 1;
    },
    quantileMs(share) {
      if (count === 0) return null;
      let left = Math.max(1, Math.ceil(share * count));
      let bin = -1;
      while (left > 0) {
        bin += 1;
        left -= bins[bin]!;
      }
      return Math.round((bin + 1) * BIN_MS * 1_000) / 1_000;
    },
  };
}
