import {
  type ProgressPage,
  type ProgressStore,
  RECORD_HEAD,
  seekRecord,
} from './progress-store.ts';
import type { LivePlan } from './rule-plan.ts';

/** What one minute adds. */
export interface MinuteSums {
  readonly lower: number;
  readonly covered: number;
  /** Seconds that add to `lower` (heat: of 25 °C and more). */
  readonly counted: number;
  /** T seconds. */
  readonly saturated: number;
}

/** Of the counts: last minute taken + 1 and the window's width; then the sums of seconds. */
const THROUGH = 2;
const COVERED = 3;
const COUNTED = 4;
const SATURATED = 5;
const WIDTH_SHIFT = 16;
const THROUGH_BITS = 0xffff;

/**
 * Where a running shift stands: sums over its minutes in their order, and for a sliding window those of
 * its last minutes. They say when it is worth asking `evaluateRule`, and what is shown meanwhile; nothing is
 * decided by them. Always a function of the cells: when one changes, all is read again. A class for the same
 * reason as `RuleRow`.
 */
export class ProgressRow {
  readonly live: LivePlan;
  readonly page: ProgressPage;
  readonly start: number;

  constructor(store: ProgressStore, record: number, live: LivePlan) {
    const { page, start } = seekRecord(store, record);
    this.page = page;
    this.start = start;
    this.live = live;
  }

  #count(which: number): number {
    return this.page.counts[2 * this.start + which]!;
  }
  #setCount(which: number, count: number): void {
    this.page.counts[2 * this.start + which] = count;
  }

  get startMinute(): number {
    return this.live.startMinute;
  }
  get length(): number {
    return this.live.length;
  }
  get contactMinutes(): number {
    return this.live.contactMinutes;
  }
  /** Index of the last minute taken; −1: none. */
  get through(): number {
    return (this.#count(THROUGH) & THROUGH_BITS) - 1;
  }
  set through(index: number) {
    this.#setCount(THROUGH, (this.width << WIDTH_SHIFT) | (index + 1));
  }
  /** The last minute taken. */
  get minute(): number {
    return this.startMinute + this.through;
  }
  /** Minutes of the window that slides; 0: the shift is summed as a whole. */
  get width(): number {
    return this.#count(THROUGH) >>> WIDTH_SHIFT;
  }
  set width(minutes: number) {
    this.#setCount(THROUGH, (minutes << WIDTH_SHIFT) | (this.#count(THROUGH) & THROUGH_BITS));
  }
  get lower(): number {
    return this.page.numbers[this.start]!;
  }
  get covered(): number {
    return this.#count(COVERED);
  }
  get counted(): number {
    return this.#count(COUNTED);
  }
  get saturated(): number {
    return this.#count(SATURATED);
  }

  /** Goes on by a minute in which nothing was seen yet. */
  advance(): void {
    this.through += 1;
    if (this.width > 0) this.#keep(0, 0, 0);
  }

  add({ lower, covered, counted, saturated }: MinuteSums): void {
    this.page.numbers[this.start]! += lower;
    this.#setCount(COVERED, this.covered + covered);
    this.#setCount(COUNTED, this.counted + counted);
    this.#setCount(SATURATED, this.saturated + saturated);
    if (this.width > 0) this.#keep(lower, covered, saturated);
  }

  /** Puts the last minute in its place of the window. */
  #keep(lower: number, covered: number, saturated: number): void {
    const { width } = this;
    const place = this.through % width;
    const bytes = this.#bytesAt(width);
    this.page.numbers[this.start + RECORD_HEAD + place] = lower;
    this.page.bytes[bytes + place] = covered;
    this.page.bytes[bytes + width + place] = saturated;
  }
  #bytesAt(width: number): number {
    return 8 * (this.start + RECORD_HEAD + width);
  }

  /** Sums over the window that ends with the last minute taken, in the order of its minutes. */
  windowSums(): MinuteSums {
    const { width, through } = this;
    const bytes = this.#bytesAt(width);
    let lower = 0;
    let covered = 0;
    let saturated = 0;
    for (let i = Math.max(0, through + 1 - width); i <= through; i++) {
      const place = i % width;
      lower += this.page.numbers[this.start + RECORD_HEAD + place]!;
      covered += this.page.bytes[bytes + place]!;
      saturated += this.page.bytes[bytes + width + place]!;
    }
    return { lower, covered, counted: covered, saturated };
  }
}
