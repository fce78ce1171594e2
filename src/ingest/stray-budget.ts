import { HOUR_MS } from '../model/time.ts';

/** Addresses that are told apart within an hour; those beyond share one budget. */
const ADDRESSES_MAX = 10_000;
const SHARED = '';

/** How many dead letters an hour an address may cause that nobody registered vouches for. */
export interface StrayBudget {
  /** True: this one may be kept. */
  spend(address: string): boolean;
}

export function createStrayBudget(perHourMax: number, nowMs: () => number): StrayBudget {
  const spent = new Map<string, number>();
  let hour = Math.floor(nowMs() / HOUR_MS);
  return {
    spend(address) {
      const now = Math.floor(nowMs() / HOUR_MS);
      if (now !== hour) {
        spent.clear();
        hour = now;
      }
      const isTold = spent.has(address) || spent.size < ADDRESSES_MAX;
      const key = isTold ? address : SHARED;
      const before = spent.get(key) ?? 0;
      if (before >= perHourMax) return false;
      spent.set(key, before + 1);
      return true;
    },
  };
}
