/** Rules of a page: new ones cost one page at a time, never a copy of all that are known. */
export const PAGE_RULES = 1_024;

export const HASH_BYTES = 32;

/** State of 1,024 rules in flat arrays, one slot for each. */
export interface RulePage {
  /** Index of the channel that the rule belongs to; −1: the slot is free. */
  readonly channel: Int32Array;
  /** Numbers of its plan and place. */
  readonly plan: Int32Array;
  readonly place: Int32Array;
  /** The channel's next rule, and the next of those with a like key; −1: none. */
  readonly next: Int32Array;
  readonly nextAlike: Int32Array;
  /** Bits `ORPHAN` to `PROMISING`. */
  readonly flags: Uint8Array;
  /** By place in the lists of `rule-row.ts`. */
  readonly verdict: Uint8Array;
  readonly standing: Uint8Array;
  readonly lastDatumAtMs: Float64Array;
  readonly tryFrom: Int32Array;
  readonly restsUntil: Int32Array;
  /** Records of `ProgressStore`; −1: none. */
  readonly progress: Int32Array;
  readonly ordered: Int32Array;
  /** Null: none of the page was judged yet. */
  judged: JudgedPage | null;
}

/** What only judged rules have. */
export interface JudgedPage {
  readonly revision: Int32Array;
  readonly evaluatedAtMs: Float64Array;
  /** NaN: not dirty. */
  readonly dirtyAtMs: Float64Array;
  readonly resultHash: Uint8Array;
  /** By slot; of few. */
  readonly obstacles: Map<number, string>;
}

export const ORPHAN = 1;
export const ACCUSED = 2;
export const WARNED = 4;
export const CLOSED = 8;
export const PROMISING = 16;

export const createRulePage = (): RulePage => ({
  channel: new Int32Array(PAGE_RULES).fill(-1),
  plan: new Int32Array(PAGE_RULES),
  place: new Int32Array(PAGE_RULES),
  next: new Int32Array(PAGE_RULES),
  nextAlike: new Int32Array(PAGE_RULES),
  flags: new Uint8Array(PAGE_RULES),
  verdict: new Uint8Array(PAGE_RULES),
  standing: new Uint8Array(PAGE_RULES),
  lastDatumAtMs: new Float64Array(PAGE_RULES),
  tryFrom: new Int32Array(PAGE_RULES),
  restsUntil: new Int32Array(PAGE_RULES),
  progress: new Int32Array(PAGE_RULES).fill(-1),
  ordered: new Int32Array(PAGE_RULES).fill(-1),
  judged: null,
});

export const createJudgedPage = (): JudgedPage => ({
  revision: new Int32Array(PAGE_RULES),
  evaluatedAtMs: new Float64Array(PAGE_RULES),
  dirtyAtMs: new Float64Array(PAGE_RULES).fill(Number.NaN),
  resultHash: new Uint8Array(PAGE_RULES * HASH_BYTES),
  obstacles: new Map(),
});

/** Empties a slot for the next rule. */
export function clearRule(page: RulePage, slot: number): void {
  page.channel[slot] = -1;
  page.flags[slot] = 0;
  page.verdict[slot] = 0;
  page.standing[slot] = 0;
  page.tryFrom[slot] = 0;
  page.restsUntil[slot] = 0;
  const { judged } = page;
  if (judged === null) return;
  judged.revision[slot] = 0;
  judged.evaluatedAtMs[slot] = 0;
  judged.dirtyAtMs[slot] = Number.NaN;
  judged.resultHash.fill(0, slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
  judged.obstacles.delete(slot);
}
