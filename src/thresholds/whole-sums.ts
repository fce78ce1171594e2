import { PackedCell } from './packed-cell.ts';
import { plausibleRise, type Quantity, quantityOf } from './quantity.ts';
import type { InputCell, InputProfile, RuleInputs } from './rule-inputs.ts';
import { lastAtLeast, sumWhole, whole } from './whole-minute.ts';

/** Sums of the whole minutes among packed cells, by place, as far as a rule has asked for them. */
export interface WholeSums {
  readonly quantity: Quantity;
  readonly profile: InputProfile;
  readonly rise: number;
  /** `UNREAD`, `WHOLE` or `OTHER`. */
  readonly kind: Uint8Array;
  /** `SUM_NUMBERS` for each. */
  readonly numbers: Float64Array;
  readonly hot: Uint8Array;
  /** Whether the first second, and which last one, shows a plausible rise; −1: none. */
  readonly isFirstHigh: Uint8Array;
  readonly lastHigh: Int8Array;
}

/** Sums in the order of the seconds, and the greatest, in the limit's unit. */
export const LOWER = 0;
export const ESTIMATE = 1;
export const MAX = 2;
export const SUM_NUMBERS = 3;

const UNREAD = 0;
const WHOLE = 1;
const OTHER = 2;

/** The rules of a channel read the same cells, mostly alike: each minute is added up once for all. */
const known = new WeakMap<readonly InputCell[], WholeSums>();

/** Undefined: the rule's cells aren't packed, or read by more than one profile. */
export function wholeSumsOf({ cells, profiles, subject }: RuleInputs): WholeSums | undefined {
  const [profile] = profiles;
  if (profile === undefined || profiles.length > 1 || !(cells[0] instanceof PackedCell)) {
    return undefined;
  }
  const quantity = quantityOf(subject.limitKind);
  let sums = known.get(cells);
  if (sums === undefined || sums.quantity !== quantity || !isAlike(sums.profile, profile)) {
    sums = createSums(cells.length, quantity, profile);
    known.set(cells, sums);
  }
  return sums;
}

const isAlike = (a: InputProfile, b: InputProfile): boolean =>
  a.fromMs === b.fromMs &&
  a.unitFactor === b.unitFactor &&
  a.lod === b.lod &&
  a.range[0] === b.range[0] &&
  a.range[1] === b.range[1];

function createSums(length: number, quantity: Quantity, profile: InputProfile): WholeSums {
  const bytes = 8 * SUM_NUMBERS * length;
  const buffer = new ArrayBuffer(bytes + 4 * length);
  return {
    quantity,
    profile,
    rise: plausibleRise(quantity, profile),
    numbers: new Float64Array(buffer, 0, SUM_NUMBERS * length),
    kind: new Uint8Array(buffer, bytes, length),
    hot: new Uint8Array(buffer, bytes + length, length),
    isFirstHigh: new Uint8Array(buffer, bytes + 2 * length, length),
    lastHigh: new Int8Array(buffer, bytes + 3 * length, length),
  };
}

/** Whether the cell, the `nth` of them, is 60 seconds of proof: then its sums are there. */
export function hasWholeSum(sums: WholeSums, cell: InputCell, nth: number): boolean {
  if (sums.kind[nth] === UNREAD) sums.kind[nth] = addUp(sums, cell, nth) ? WHOLE : OTHER;
  return sums.kind[nth] === WHOLE;
}

function addUp(sums: WholeSums, cell: InputCell, nth: number): boolean {
  const { profile, quantity, rise } = sums;
  if (!(cell instanceof PackedCell) || cell.barred !== undefined || !cell.isNormal) return false;
  if (cell.minuteMs < profile.fromMs) return false;
  if (!sumWhole(cell.from, cell.at, quantity, profile)) return false;
  const start = nth * SUM_NUMBERS;
  sums.numbers[start + LOWER] = whole.lower;
  sums.numbers[start + ESTIMATE] = whole.estimate;
  sums.numbers[start + MAX] = whole.max * profile.unitFactor;
  sums.hot[nth] = whole.hot;
  sums.isFirstHigh[nth] = whole.first >= rise ? 1 : 0;
  sums.lastHigh[nth] = lastAtLeast(cell.from, cell.at, rise);
  return true;
}
