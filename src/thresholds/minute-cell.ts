export const CELL_SECONDS = 60;

/**
 * One minute of a channel by second: `(minute × 60 s, (minute + 1) × 60 s]`. Values are kept, not
 * sums, so that sums are made in the order of the seconds and can't depend on the order of arrival.
 */
export interface MinuteCell {
  minute: number;
  readonly states: Uint8Array;
  /** 0 where the state holds no number. */
  readonly values: Float64Array;
}

export const emptyCell = (minute: number): MinuteCell => ({
  minute,
  states: new Uint8Array(CELL_SECONDS),
  values: new Float64Array(CELL_SECONDS),
});

/** What putting a datum did; a conflict is told apart because it raises a signal. */
export const UNCHANGED = 0;
export const CHANGED = 1;
export const CONFLICTED = 2;
export type PutOutcome = typeof UNCHANGED | typeof CHANGED | typeof CONFLICTED;
