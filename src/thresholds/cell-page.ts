import type { CellArchive } from './cell-archive.ts';
import {
  CELL_SECONDS,
  CHANGED,
  CONFLICTED,
  type MinuteCell,
  type PutOutcome,
  UNCHANGED,
} from './minute-cell.ts';
import { CONFLICT, holdsValue, joinStates, NONE, type SecondState } from './second-state.ts';

/** Channels of a page: new channels cost one page at a time, never a copy of all that are known. */
export const PAGE_CHANNELS = 256;

/**
 * The open minutes of 256 channels in flat arrays, one slot for each channel. Values are kept to the last
 * bit in 4 bytes a second: as whole multiples of 10^−exponent or as single precision, which is what
 * instruments give; a minute that neither fits is kept in doubles beside.
 */
export interface CellPage {
  /** Number of the minute in the slot; −1: none. */
  readonly openMinute: Int32Array;
  /** How the slot's values are held: an exponent 0–4, `SINGLE` or `WIDE`. */
  readonly mode: Uint8Array;
  /** 60 a slot. */
  readonly states: Uint8Array;
  readonly whole: Int32Array;
  /** The same bytes as `whole`. */
  readonly single: Float32Array;
  readonly wide: Map<number, Float64Array>;
  /** Where the minutes go that are no longer open. */
  readonly archive: CellArchive;
}

export const EXPONENT_MAX = 4;
export const SINGLE = 5;
export const WIDE = 6;
/** 10 to the power of each exponent. */
export const SCALES = [1, 10, 100, 1_000, 10_000] as const;

export function createCellPage(archive: CellArchive): CellPage {
  const whole = new Int32Array(PAGE_CHANNELS * CELL_SECONDS);
  return {
    openMinute: new Int32Array(PAGE_CHANNELS).fill(-1),
    mode: new Uint8Array(PAGE_CHANNELS),
    states: new Uint8Array(PAGE_CHANNELS * CELL_SECONDS),
    whole,
    single: new Float32Array(whole.buffer),
    wide: new Map(),
    archive,
  };
}

/**
 * Puts one datum into the seconds `from` to `to` (inclusive, 0–59) of the slot's minute. A second is
 * covered at most once: the same datum again changes nothing, another one makes a conflict.
 */
export function putSeconds(
  page: CellPage,
  slot: number,
  from: number,
  to: number,
  state: SecondState,
  value: number,
): PutOutcome {
  const { states } = page;
  const base = slot * CELL_SECONDS;
  const isHeld = holdsValue(state);
  let outcome: PutOutcome = UNCHANGED;
  for (let at = base + from; at <= base + to; at++) {
    const before = states[at]!;
    if (before === NONE) {
      if (state === NONE) continue;
      if (isHeld) writeValue(page, slot, at, value);
      states[at] = state;
      if (outcome === UNCHANGED) outcome = CHANGED;
      continue;
    }
    const isSame = isHeld && holdsValue(before) && readValue(page, slot, at) === value;
    const after = joinStates(before, state, isSame);
    if (after === before) continue;
    // Of a conflict neither value stays: a trace of which came first would be order.
    if (after === CONFLICT) outcome = CONFLICTED;
    else {
      if (after === state && isHeld) writeValue(page, slot, at, value);
      if (outcome === UNCHANGED) outcome = CHANGED;
    }
    states[at] = after;
  }
  return outcome;
}

/** The value at an index of the page's arrays. */
function readValue(page: CellPage, slot: number, at: number): number {
  const mode = page.mode[slot]!;
  if (mode <= EXPONENT_MAX) return page.whole[at]! / SCALES[mode]!;
  return mode === SINGLE ? page.single[at]! : page.wide.get(slot)![at - slot * CELL_SECONDS]!;
}

function writeValue(page: CellPage, slot: number, at: number, value: number): void {
  const mode = page.mode[slot]!;
  if (mode <= EXPONENT_MAX) {
    const scale = SCALES[mode]!;
    const n = (value * scale + (value < 0 ? -0.5 : 0.5)) | 0;
    if (n / scale === value) {
      page.whole[at] = n;
      return;
    }
  } else if (mode === SINGLE) {
    if (Math.fround(value) === value) {
      page.single[at] = value;
      return;
    }
  } else {
    page.wide.get(slot)![at - slot * CELL_SECONDS] = value;
    return;
  }
  changeMode(page, slot, value);
  writeValue(page, slot, at, value);
}

/** Holds the slot's values, and `value` to come, in the first way that all of them fit. */
function changeMode(page: CellPage, slot: number, value: number): void {
  const values: number[] = [value];
  const seconds: number[] = [-1];
  const base = slot * CELL_SECONDS;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (!holdsValue(page.states[base + second]!)) continue;
    values.push(readValue(page, slot, base + second));
    seconds.push(second);
  }
  const before = page.mode[slot]!;
  let mode = before <= EXPONENT_MAX ? before + 1 : WIDE;
  while (mode < WIDE && !values.every((held) => fits(held, mode))) mode++;
  page.mode[slot] = mode;
  if (mode === WIDE) page.wide.set(slot, new Float64Array(CELL_SECONDS));
  for (let i = 1; i < values.length; i++) writeValue(page, slot, base + seconds[i]!, values[i]!);
}

function fits(value: number, mode: number): boolean {
  if (mode === SINGLE) return Math.fround(value) === value;
  const n = Math.round(value * SCALES[mode]!);
  return Math.abs(n) < 2 ** 31 && n / SCALES[mode]! === value;
}

/** Empties the slot. The next minute starts with the mode of the last: a channel's are mostly alike. */
export function clearSlot(page: CellPage, slot: number): void {
  page.openMinute[slot] = -1;
  page.states.fill(NONE, slot * CELL_SECONDS, (slot + 1) * CELL_SECONDS);
  if (page.mode[slot] !== WIDE) return;
  page.wide.delete(slot);
  page.mode[slot] = 0;
}

/** Copies the slot's minute; seconds that hold no number get 0. */
export function readSlot(page: CellPage, slot: number, into: MinuteCell): void {
  const base = slot * CELL_SECONDS;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = page.states[base + second]!;
    into.states[second] = state;
    into.values[second] = holdsValue(state) ? readValue(page, slot, base + second) : 0;
  }
}

/** Puts a minute into an empty slot. */
export function fillSlot(page: CellPage, slot: number, minute: number, cell: MinuteCell): void {
  const base = slot * CELL_SECONDS;
  page.openMinute[slot] = minute;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = cell.states[second]!;
    if (holdsValue(state)) writeValue(page, slot, base + second, cell.values[second]!);
    page.states[base + second] = state;
  }
}
