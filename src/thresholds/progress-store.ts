/**
 * Records of running rules, in flat arrays by width of their window: 0 of a rule that sums its whole shift, 1,
 * or up to 15 minutes. A record: the sums of the shift, then for each of the window's minutes its lower sum,
 * its covered and its T seconds.
 */
export interface ProgressStore {
  readonly pools: readonly ProgressPool[];
}

export interface ProgressPool {
  /** Minutes that a record has room for. */
  readonly width: number;
  /** Doubles that a record takes. */
  readonly stride: number;
  readonly pages: ProgressPage[];
  readonly free: number[];
  used: number;
}

/** The same bytes three times. */
export interface ProgressPage {
  readonly numbers: Float64Array;
  readonly counts: Int32Array;
  readonly bytes: Uint8Array;
}

const PAGE_RECORDS = 128;
const WIDTHS = [0, 1, 15] as const;
/** Doubles of the sums: the lower one, then four counts. */
export const RECORD_HEAD = 3;

export const createProgressStore = (): ProgressStore => ({
  pools: WIDTHS.map((width) => ({
    width,
    stride: RECORD_HEAD + width + Math.ceil((2 * width) / 8),
    pages: [],
    free: [],
    used: 0,
  })),
});

const poolOf = ({ pools }: ProgressStore, id: number): ProgressPool => pools[id % WIDTHS.length]!;

/** An empty record for a window of the width; its number. */
export function takeRecord(store: ProgressStore, width: number): number {
  const kind = WIDTHS.findIndex((room) => room >= width);
  const pool = store.pools[kind]!;
  const nth = pool.free.pop() ?? pool.used++;
  if (Math.floor(nth / PAGE_RECORDS) === pool.pages.length) addPage(pool);
  const { numbers } = pool.pages[Math.floor(nth / PAGE_RECORDS)]!;
  const start = (nth % PAGE_RECORDS) * pool.stride;
  numbers.fill(0, start, start + pool.stride);
  return nth * WIDTHS.length + kind;
}

/** Room for further records. */
export function addPage({ stride, pages }: ProgressPool): ProgressPage {
  const numbers = new Float64Array(PAGE_RECORDS * stride);
  const page = {
    numbers,
    counts: new Int32Array(numbers.buffer),
    bytes: new Uint8Array(numbers.buffer),
  };
  pages.push(page);
  return page;
}

export function freeRecord(store: ProgressStore, id: number): void {
  poolOf(store, id).free.push(Math.floor(id / WIDTHS.length));
}

/** A copy of a record; its number. */
export function copyRecord(store: ProgressStore, id: number): number {
  const pool = poolOf(store, id);
  const copy = takeRecord(store, pool.width);
  const from = seekRecord(store, id);
  const to = seekRecord(store, copy);
  to.page.numbers.set(from.page.numbers.subarray(from.start, from.start + pool.stride), to.start);
  return copy;
}

/** Where a record lies: its page, and the index of its first double. */
export interface RecordPlace {
  readonly page: ProgressPage;
  readonly start: number;
}

export function seekRecord(store: ProgressStore, id: number): RecordPlace {
  const pool = poolOf(store, id);
  const nth = Math.floor(id / WIDTHS.length);
  return {
    page: pool.pages[Math.floor(nth / PAGE_RECORDS)]!,
    start: (nth % PAGE_RECORDS) * pool.stride,
  };
}
