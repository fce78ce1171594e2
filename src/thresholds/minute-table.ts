import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import {
  estimatePart,
  isHeatC,
  isShortWindow,
  lowerPart,
  plausibleRise,
  type Quantity,
  quantityOf,
} from './quantity.ts';
import type { InputCell, InputProfile, Interval, RuleInputs } from './rule-inputs.ts';
import {
  createSaturationReader,
  type SaturatedSeconds,
  type SaturationReader,
} from './saturation.ts';
import { isValueLetter } from './second-state.ts';
import {
  ESTIMATE,
  hasWholeSum,
  LOWER,
  MAX,
  SUM_NUMBERS,
  type WholeSums,
  wholeSumsOf,
} from './whole-sums.ts';
import {
  createWideMeanReader,
  readsWideMeans,
  WIDE_LETTERS,
  WIDE_REASON,
  type WideMeanReader,
} from './wide-mean.ts';

export const NO_CONTACT = 0;
export const CONTACT = 1;
/** Contact of an adjacent shift just before this one. */
export const LEAD = 2;

/** The minutes of one rule's shift, by index; every rule is built on these sums. */
export interface MinuteTable {
  readonly startMs: number;
  readonly length: number;
  readonly contact: Uint8Array;
  /** Seconds with a value that is proof. */
  readonly covered: Uint8Array;
  readonly conflicts: Uint8Array;
  /** PRESENCE: seconds in which the record says that nobody was there; none without a record. */
  readonly absent?: Uint8Array;
  /** Sums over the covered seconds, in their order; heat: `lower` over those of 25 °C and more. */
  readonly lower: Float64Array;
  readonly estimate: Float64Array;
  /** Heat: covered seconds of 25 °C and more. */
  readonly hot: Uint8Array;
  /** T seconds (no coverage) and parts of wide means that count in the lower bound. */
  readonly saturated: readonly SaturatedSeconds[];
  readonly excluded: Readonly<Record<string, number>>;
  readonly contactMinutes: number;
  /** Highest proof in contact, in the limit's unit; null: none. */
  readonly max: number | null;
}

/** Reads the cells of a rule's inputs; pure, in the order of the seconds. */
export function readMinuteTable(inputs: RuleInputs): MinuteTable {
  const table = emptyTable(inputs);
  const { contact, startMs, length } = table;
  const saturation = createSaturationReader();
  const wide = createWideMeanReader(inputs, startMs);
  const sums = wholeSumsOf(inputs);
  const { cells } = inputs;
  for (let nth = 0; nth < cells.length; nth++) {
    const cell = cells[nth]!;
    const index = (cell.minuteMs - startMs) / MINUTE_MS;
    if (index < 0 || index >= length) continue;
    if (sums !== undefined && hasWholeSum(sums, cell, nth)) {
      addWhole(table, index, sums, nth, saturation);
    } else readCell(inputs, cell, index, table, saturation, wide);
  }
  const late = [...saturation.done(), ...wide.done()];
  return { ...table, saturated: late.filter(({ index }) => contact[index] !== 0) };
}

/** The minutes of a rule's shift before any cell is read. */
export function emptyTable(inputs: RuleInputs): WritableTable {
  const { shift } = inputs.subject;
  const startMs = Math.min(inputs.lead[0]?.[0] ?? shift.startMs, shift.startMs);
  const length = Math.max(0, Math.floor((shift.endMs - startMs) / MINUTE_MS));
  // One buffer for all: each of its own would cost as much as reading the cells.
  const buffer = new ArrayBuffer(length * (2 * Float64Array.BYTES_PER_ELEMENT + 4));
  const numbersAt = (nth: number) => new Float64Array(buffer, nth * 8 * length, length);
  const bytesAt = (nth: number) => new Uint8Array(buffer, (16 + nth) * length, length);
  const contact = bytesAt(0);
  markContact(contact, startMs, inputs.lead, LEAD);
  markContact(contact, startMs, inputs.contact, CONTACT);
  let contactMinutes = 0;
  for (let i = 0; i < length; i++) if (contact[i] === CONTACT) contactMinutes++;
  return {
    startMs,
    length,
    contact,
    covered: bytesAt(1),
    conflicts: bytesAt(2),
    lower: numbersAt(0),
    estimate: numbersAt(1),
    hot: bytesAt(3),
    excluded: {},
    contactMinutes,
    max: null,
  };
}

function markContact(
  contact: Uint8Array,
  startMs: number,
  intervals: readonly Interval[],
  kind: number,
): void {
  for (const [fromMs, untilMs] of intervals) {
    contact.fill(kind, (fromMs - startMs) / MINUTE_MS, (untilMs - startMs) / MINUTE_MS);
  }
}

/** A table that is being read. */
export type WritableTable = {
  -readonly [K in keyof Omit<MinuteTable, 'saturated' | 'excluded'>]: MinuteTable[K];
} & {
  excluded: Record<string, number>;
};

function readCell(
  inputs: RuleInputs,
  { minuteMs, states, values, barred }: InputCell,
  index: number,
  table: WritableTable,
  saturation: SaturationReader,
  wide: WideMeanReader,
): void {
  const profile = profileAt(inputs.profiles, minuteMs);
  const inContact = table.contact[index] === CONTACT;
  const exclude = (reason: string): void => {
    if (inContact) table.excluded[reason] = (table.excluded[reason] ?? 0) + 1;
  };
  const quantity = quantityOf(inputs.subject.limitKind);
  const isShort = isShortWindow(inputs.subject.limitKind);
  let read = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = states[second]!;
    const hasValue = isValueLetter(state);
    const value = hasValue ? valueAt(values, read++) : 0;
    if (state === '-') continue;
    const atS = index * CELL_SECONDS + second;
    if (barred !== undefined || profile === undefined) exclude(barred ?? 'profile');
    else if (WIDE_LETTERS.includes(state) && !readsWideMeans(inputs)) exclude(WIDE_REASON);
    else if (state === 'X') {
      table.conflicts[index]!++;
      exclude('conflict');
    } else if (state === 'K' || state === 'Y' || (state === 'k' && isShort)) exclude('clock');
    else if (state === 'T' || state === 't') {
      exclude('flag-T');
      saturation.saturated(atS, index, lowerPart(profile.range[1], quantity, profile));
    } else if (!hasValue) exclude(`flag-${state.toUpperCase()}`);
    // N outside the range is D, a fault (design §5).
    else if (value < profile.range[0] || value > profile.range[1]) exclude('out-of-range');
    else if (WIDE_LETTERS.includes(state)) {
      table.covered[index]!++;
      table.estimate[index]! += estimatePart(value, quantity, profile);
      wide.part(atS, index, state, lowerPart(value, quantity, profile));
    } else {
      addSecond(table, index, value, quantity, profile);
      saturation.seen(atS, index, value >= plausibleRise(quantity, profile));
    }
  }
}

/** Adds a minute of 60 seconds of proof as `addSecond` and the saturation would. */
function addWhole(
  table: WritableTable,
  index: number,
  sums: WholeSums,
  nth: number,
  saturation: SaturationReader,
): void {
  const firstS = index * CELL_SECONDS;
  const at = nth * SUM_NUMBERS;
  const lastHigh = sums.lastHigh[nth]!;
  saturation.seen(firstS, index, lastHigh >= 0 && sums.isFirstHigh[nth] === 1);
  if (lastHigh > 0) saturation.seen(firstS + lastHigh, index, true);
  table.covered[index] = CELL_SECONDS;
  table.lower[index] = sums.numbers[at + LOWER]!;
  table.estimate[index] = sums.numbers[at + ESTIMATE]!;
  table.hot[index] = sums.hot[nth]!;
  if (table.contact[index] !== CONTACT) return;
  const max = sums.numbers[at + MAX]!;
  if (table.max === null || max > table.max) table.max = max;
}

function addSecond(
  table: WritableTable,
  index: number,
  value: number,
  quantity: Quantity,
  profile: InputProfile,
): void {
  table.covered[index]!++;
  if (table.contact[index] === CONTACT) {
    const read = value * profile.unitFactor;
    table.max = table.max === null ? read : Math.max(table.max, read);
  }
  table.estimate[index]! += estimatePart(value, quantity, profile);
  if (quantity === 'heat') {
    if (!isHeatC(value * profile.unitFactor)) return;
    table.hot[index]!++;
  }
  table.lower[index]! += lowerPart(value, quantity, profile);
}

/** Values are written once when all are equal. */
const valueAt = (values: readonly number[], index: number): number =>
  (values.length === 1 ? values[0] : values[index]) ?? Number.NaN;

/** The last profile that started at or before a time. */
export function profileAt(
  profiles: readonly InputProfile[],
  atMs: number,
): InputProfile | undefined {
  return profiles.findLast(({ fromMs }) => fromMs <= atMs);
}
