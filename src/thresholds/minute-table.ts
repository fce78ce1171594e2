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
import { createSaturationReader, type SaturatedSeconds } from './saturation.ts';
import { isValueLetter } from './second-state.ts';
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
  const { shift } = inputs.subject;
  const startMs = Math.min(inputs.lead[0]?.[0] ?? shift.startMs, shift.startMs);
  const length = Math.max(0, Math.floor((shift.endMs - startMs) / MINUTE_MS));
  const contact = new Uint8Array(length);
  markContact(contact, startMs, inputs.lead, LEAD);
  markContact(contact, startMs, inputs.contact, CONTACT);
  const table = {
    startMs,
    length,
    contact,
    covered: new Uint8Array(length),
    conflicts: new Uint8Array(length),
    lower: new Float64Array(length),
    estimate: new Float64Array(length),
    hot: new Uint8Array(length),
    excluded: {} as Record<string, number>,
    contactMinutes: contact.reduce((n, kind) => n + (kind === CONTACT ? 1 : 0), 0),
    max: null as number | null,
  };
  const saturation = createSaturationReader();
  const wide = createWideMeanReader(inputs, startMs);
  for (const cell of inputs.cells) readCell(inputs, cell, table, saturation, wide);
  const late = [...saturation.done(), ...wide.done()];
  return { ...table, saturated: late.filter(({ index }) => contact[index] !== 0) };
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

type WritableTable = {
  -readonly [K in keyof Omit<MinuteTable, 'saturated' | 'excluded'>]: MinuteTable[K];
} & {
  excluded: Record<string, number>;
};

function readCell(
  inputs: RuleInputs,
  cell: InputCell,
  table: WritableTable,
  saturation: ReturnType<typeof createSaturationReader>,
  wide: WideMeanReader,
): void {
  const index = (cell.minuteMs - table.startMs) / MINUTE_MS;
  const profile = profileAt(inputs.profiles, cell.minuteMs);
  if (index < 0 || index >= table.length) return;
  const inContact = table.contact[index] === CONTACT;
  const exclude = (reason: string): void => {
    if (inContact) table.excluded[reason] = (table.excluded[reason] ?? 0) + 1;
  };
  const quantity = quantityOf(inputs.subject.limitKind);
  const isShort = isShortWindow(inputs.subject.limitKind);
  if (cell.states === ALL_NORMAL && cell.barred === undefined && profile !== undefined) {
    if (areInRange(cell.values, profile.range)) {
      addWhole(table, index, cell.values, quantity, profile, saturation);
      return;
    }
  }
  let read = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = cell.states[second]!;
    const hasValue = isValueLetter(state);
    const value = hasValue ? valueAt(cell, read++) : 0;
    if (state === '-') continue;
    const atS = index * CELL_SECONDS + second;
    if (cell.barred !== undefined || profile === undefined) exclude(cell.barred ?? 'profile');
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

/** Most minutes are: each second a value. */
const ALL_NORMAL = 'N'.repeat(CELL_SECONDS);

function areInRange(values: readonly number[], [bottom, top]: InputProfile['range']): boolean {
  for (let i = 0; i < values.length; i++) {
    if (values[i]! < bottom || values[i]! > top) return false;
  }
  return true;
}

/** From here on the estimate of a second is its lower part, to the last bit. */
const plainFromOf = (quantity: Quantity, { lod }: InputProfile): number =>
  quantity === 'heat' ? Number.NEGATIVE_INFINITY : quantity === 'energy' ? lod : Math.max(0, lod);

/** Adds 60 seconds of proof as `addSecond` and the saturation would, in the same order. */
function addWhole(
  table: WritableTable,
  index: number,
  values: readonly number[],
  quantity: Quantity,
  profile: InputProfile,
  saturation: ReturnType<typeof createSaturationReader>,
): void {
  const rise = plausibleRise(quantity, profile);
  const plainFrom = plainFromOf(quantity, profile);
  const isOne = values.length === 1;
  let lower = 0;
  let estimate = 0;
  let hot = 0;
  let max = Number.NEGATIVE_INFINITY;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const value = isOne ? values[0]! : values[second]!;
    if (second === 0 || value >= rise) {
      saturation.seen(index * CELL_SECONDS + second, index, value >= rise);
    }
    const read = value * profile.unitFactor;
    if (read > max) max = read;
    const part = lowerPart(value, quantity, profile);
    estimate += value >= plainFrom ? part : estimatePart(value, quantity, profile);
    if (quantity === 'heat') {
      if (!isHeatC(read)) continue;
      hot++;
    }
    lower += part;
  }
  table.covered[index] = CELL_SECONDS;
  table.lower[index] = lower;
  table.estimate[index] = estimate;
  table.hot[index] = hot;
  if (table.contact[index] !== CONTACT) return;
  table.max = table.max === null ? max : Math.max(table.max, max);
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
const valueAt = (cell: InputCell, index: number): number =>
  (cell.values.length === 1 ? cell.values[0] : cell.values[index]) ?? Number.NaN;

/** The last profile that started at or before a time. */
export function profileAt(
  profiles: readonly InputProfile[],
  atMs: number,
): InputProfile | undefined {
  return profiles.findLast(({ fromMs }) => fromMs <= atMs);
}
