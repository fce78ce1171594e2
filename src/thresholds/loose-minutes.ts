import { EXPONENT_MAX, SCALES } from './decimal-scale.ts';
import {
  CELL_SECONDS,
  CHANGED,
  CONFLICTED,
  type MinuteCell,
  type PutOutcome,
  UNCHANGED,
} from './minute-cell.ts';
import { CONFLICT, holdsValue, joinStates, NONE, type SecondState } from './second-state.ts';

/**
 * Open minutes that one byte a second can't hold, in records that are taken while they are open: a state for
 * each second, and values to the last bit in 4 bytes, as whole multiples of 10^−exponent or as single
 * precision; a minute that neither fits is kept in doubles beside.
 */
export interface LooseMinutes {
  readonly pages: LoosePage[];
  readonly free: number[];
  used: number;
}

const PAGE_RECORDS = 32;

/** Records in flat arrays, one slot for each. */
export interface LoosePage {
  /** How the values are held: an exponent 0–4, `SINGLE` or `WIDE`. */
  readonly mode: Uint8Array;
  /** 60 a slot. */
  readonly states: Uint8Array;
  readonly whole: Int32Array;
  /** The same bytes as `whole`. */
  readonly single: Float32Array;
  readonly wide: Map<number, Float64Array>;
}

const SINGLE = 5;
export const WIDE = 6;

export const createLooseMinutes = (): LooseMinutes => ({ pages: [], free: [], used: 0 });

/** Room for further records. */
export function addPage({ pages }: LooseMinutes): LoosePage {
  const whole = new Int32Array(PAGE_RECORDS * CELL_SECONDS);
  const page: LoosePage = {
    mode: new Uint8Array(PAGE_RECORDS),
    states: new Uint8Array(PAGE_RECORDS * CELL_SECONDS),
    whole,
    single: new Float32Array(whole.buffer),
    wide: new Map(),
  };
  pages.push(page);
  return page;
}

export const loosePage = ({ pages }: LooseMinutes, record: number): LoosePage =>
  pages[Math.floor(record / PAGE_RECORDS)]!;

export const looseSlot = (record: number): number => record % PAGE_RECORDS;

/** An empty record; its number. */
export function takeLoose(minutes: LooseMinutes): number {
  const record = minutes.free.pop() ?? minutes.used++;
  if (Math.floor(record / PAGE_RECORDS) === minutes.pages.length) addPage(minutes);
  return record;
}

/** Empties a record and gives it back. */
export function freeLoose(minutes: LooseMinutes, record: number): void {
  const page = loosePage(minutes, record);
  const slot = looseSlot(record);
  page.mode[slot] = 0;
  page.states.fill(NONE, slot * CELL_SECONDS, (slot + 1) * CELL_SECONDS);
  page.wide.delete(slot);
  minutes.free.push(record);
}

/** The exponent that the record's values are held by; undefined: they are no whole multiples. */
export function looseExponent(page: LoosePage, slot: number): number | undefined {
  const mode = page.mode[slot]!;
  return mode <= EXPONENT_MAX ? mode : undefined;
}

/**
 * Puts one datum into the seconds `from` to `to` (inclusive, 0–59) of the slot's minute. A second is
 * covered at most once: the same datum again changes nothing, another one makes a conflict.
 */
export function putLoose(
  page: LoosePage,
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
function readValue(page: LoosePage, slot: number, at: number): number {
  const mode = page.mode[slot]!;
  if (mode <= EXPONENT_MAX) return page.whole[at]! / SCALES[mode]!;
  return mode === SINGLE ? page.single[at]! : page.wide.get(slot)![at - slot * CELL_SECONDS]!;
}

function writeValue(page: LoosePage, slot: number, at: number, value: number): void {
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
function changeMode(page: LoosePage, slot: number, value: number): void {
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

/** Copies the slot's minute; seconds that hold no number get 0. */
export function readLoose(page: LoosePage, slot: number, into: MinuteCell): void {
  const base = slot * CELL_SECONDS;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = page.states[base + second]!;
    into.states[second] = state;
    into.values[second] = holdsValue(state) ? readValue(page, slot, base + second) : 0;
  }
}
