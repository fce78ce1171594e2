import type { CellArchive } from './cell-archive.ts';
import { EXPONENT_MAX, SCALES } from './decimal-scale.ts';
import {
  freeLoose,
  type LooseMinutes,
  looseExponent,
  loosePage,
  looseSlot,
  putLoose,
  readLoose,
  takeLoose,
} from './loose-minutes.ts';
import {
  CELL_SECONDS,
  CHANGED,
  emptyCell,
  type MinuteCell,
  type PutOutcome,
  UNCHANGED,
} from './minute-cell.ts';
import { holdsValue, NONE, type SecondState } from './second-state.ts';

/** Channels of a page: new channels cost one page at a time, never a copy of all that are known. */
export const PAGE_CHANNELS = 512;

/**
 * The open minutes of 512 channels in flat arrays, one slot for each channel. Nearly every minute has one
 * state throughout and values of few decimals that lie near each other: a byte a second keeps it to the last
 * bit. A minute that this doesn't fit is kept loose, as long as it is open.
 */
export interface CellPage {
  /** Number of the minute in the slot; −1: none. */
  readonly openMinute: Int32Array;
  /** Exponent 0–4 of the values, or `LOOSE`. */
  readonly form: Uint8Array;
  /** Of every second that there is a datum for; `NONE`: there is none. */
  readonly state: Uint8Array;
  /** What the offset 0 would stand for; `LOOSE`: the number of the record. */
  readonly base: Int32Array;
  /** 60 a slot: 0 no datum, else what the value's whole multiple of 10^−exponent has above the base. */
  readonly offsets: Uint8Array;
  readonly loose: LooseMinutes;
  /** Where the minutes go that are no longer open. */
  readonly archive: CellArchive;
}

const LOOSE = EXPONENT_MAX + 1;
const OFFSET_MAX = 255;

export const createCellPage = (archive: CellArchive, loose: LooseMinutes): CellPage => ({
  openMinute: new Int32Array(PAGE_CHANNELS).fill(-1),
  form: new Uint8Array(PAGE_CHANNELS),
  state: new Uint8Array(PAGE_CHANNELS),
  base: new Int32Array(PAGE_CHANNELS),
  offsets: new Uint8Array(PAGE_CHANNELS * CELL_SECONDS),
  loose,
  archive,
});

/**
 * Puts one datum into the seconds `from` to `to` (inclusive, 0–59) of the slot's minute: see `putLoose`. −0 is
 * kept as 0: they are one reading.
 */
export function putSeconds(
  page: CellPage,
  slot: number,
  from: number,
  to: number,
  state: SecondState,
  value: number,
): PutOutcome {
  if (state === NONE) return UNCHANGED;
  if (page.form[slot] !== LOOSE) {
    const offset = offsetFor(page, slot, state, holdsValue(state) ? value : 0);
    if (offset > 0) {
      const { offsets } = page;
      const end = slot * CELL_SECONDS + to;
      let outcome: PutOutcome = UNCHANGED;
      let at = slot * CELL_SECONDS + from;
      for (; at <= end; at++) {
        const before = offsets[at]!;
        if (before === offset) continue;
        if (before !== 0) break;
        offsets[at] = offset;
        outcome = CHANGED;
      }
      if (at > end) return outcome;
    }
    // Two states, a conflict, or a value that doesn't fit.
    loosen(page, slot);
  }
  const record = page.base[slot]!;
  return putLoose(loosePage(page.loose, record), looseSlot(record), from, to, state, value + 0);
}

/** The byte that stands for a datum, after what it takes to make it fit; 0: it doesn't. */
function offsetFor(page: CellPage, slot: number, state: SecondState, value: number): number {
  const held = page.state[slot]!;
  if (held === state) {
    const scale = SCALES[page.form[slot]!]!;
    const n = (value * scale + (value < 0 ? -0.5 : 0.5)) | 0;
    const offset = n - page.base[slot]!;
    if (offset > 0 && offset <= OFFSET_MAX && n / scale === value) return offset;
  } else if (held !== NONE) return 0;
  return refit(page, slot, state, value);
}

/**
 * Holds the slot's values, and `value` to come, by the first exponent by which all of them are whole and near
 * enough; gives the byte for `value`, 0: there is none.
 */
function refit(page: CellPage, slot: number, state: SecondState, value: number): number {
  const { offsets } = page;
  const start = slot * CELL_SECONDS;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let at = start; at < start + CELL_SECONDS; at++) {
    if (offsets[at] === 0) continue;
    const n = page.base[slot]! + offsets[at]!;
    if (n < low) low = n;
    if (n > high) high = n;
  }
  const held = page.form[slot]!;
  for (let exponent = held; exponent <= EXPONENT_MAX; exponent++) {
    const scale = SCALES[exponent]!;
    const n = Math.round(value * scale);
    if (n / scale !== value) continue;
    const times = scale / SCALES[held]!;
    const least = Math.min(n, low * times);
    const spread = Math.max(n, high * times) - least;
    if (spread >= OFFSET_MAX) return 0;
    // As much room below as above: most that comes is near.
    const base = least - 1 - Math.floor((OFFSET_MAX - 1 - spread) / 2);
    if (base < -(2 ** 31) || base + OFFSET_MAX >= 2 ** 31) return 0;
    for (let at = start; at < start + CELL_SECONDS; at++) {
      if (offsets[at] !== 0) offsets[at] = (page.base[slot]! + offsets[at]!) * times - base;
    }
    page.form[slot] = exponent;
    page.state[slot] = state;
    page.base[slot] = base;
    return n - base;
  }
  return 0;
}

const scratch = emptyCell(0);

/** Moves the slot's minute to a record that holds anything. */
function loosen(page: CellPage, slot: number): void {
  readTight(page, slot, scratch);
  clearTight(page, slot);
  const record = takeLoose(page.loose);
  page.form[slot] = LOOSE;
  page.base[slot] = record;
  const into = loosePage(page.loose, record);
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = scratch.states[second]!;
    if (state === NONE) continue;
    putLoose(into, looseSlot(record), second, second, state, scratch.values[second]!);
  }
}

function clearTight({ state, offsets }: CellPage, slot: number): void {
  state[slot] = NONE;
  offsets.fill(0, slot * CELL_SECONDS, (slot + 1) * CELL_SECONDS);
}

/** Empties the slot. The next minute starts with the exponent of the last: a channel's are mostly alike. */
export function clearSlot(page: CellPage, slot: number): void {
  page.openMinute[slot] = -1;
  if (page.form[slot] !== LOOSE) {
    clearTight(page, slot);
    return;
  }
  const record = page.base[slot]!;
  page.form[slot] = looseExponent(loosePage(page.loose, record), looseSlot(record)) ?? 0;
  freeLoose(page.loose, record);
}

/** Copies the slot's minute; seconds that hold no number get 0. */
export function readSlot(page: CellPage, slot: number, into: MinuteCell): void {
  if (page.form[slot] !== LOOSE) {
    readTight(page, slot, into);
    return;
  }
  const record = page.base[slot]!;
  readLoose(loosePage(page.loose, record), looseSlot(record), into);
}

function readTight(page: CellPage, slot: number, { states, values }: MinuteCell): void {
  const { offsets } = page;
  const state = page.state[slot]!;
  const base = page.base[slot]!;
  const scale = SCALES[page.form[slot]!]!;
  const start = slot * CELL_SECONDS;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const offset = offsets[start + second]!;
    states[second] = offset === 0 ? NONE : state;
    values[second] = offset === 0 ? 0 : (base + offset) / scale;
  }
}

/**
 * Reads a slot that isn't loose: its states, and of the seconds that there is a datum for the whole multiple of
 * 10^−exponent, in their order; gives the exponent, undefined: it is loose.
 */
export function readWhole(
  page: CellPage,
  slot: number,
  states: Uint8Array,
  whole: Int32Array,
): number | undefined {
  const exponent = page.form[slot]!;
  if (exponent === LOOSE) return undefined;
  const { offsets } = page;
  const state = page.state[slot]!;
  const base = page.base[slot]!;
  const start = slot * CELL_SECONDS;
  let count = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const offset = offsets[start + second]!;
    states[second] = offset === 0 ? NONE : state;
    if (offset !== 0) whole[count++] = base + offset;
  }
  return exponent;
}

/** Puts a minute into an empty slot. */
export function fillSlot(page: CellPage, slot: number, minute: number, cell: MinuteCell): void {
  page.openMinute[slot] = minute;
  for (let second = 0; second < CELL_SECONDS; second++) {
    putSeconds(page, slot, second, second, cell.states[second]!, cell.values[second]!);
  }
}
