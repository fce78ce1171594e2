import type { LimitKind } from '../model/limits.ts';
import { SECOND_MS } from '../model/time.ts';
import type { InputProfile } from './rule-inputs.ts';

/** How a second's reading adds up: concentrations as they are, levels as energy, heat above 25 °C. */
export type Quantity = 'concentration' | 'energy' | 'heat';

export const quantityOf = (kind: LimitKind): Quantity =>
  kind === 'WBGT' ? 'heat' : kind === 'LEX_8H' || kind === 'LEX_W' ? 'energy' : 'concentration';

/** GBZ 2.2-2007 clause 10: cooler presence is not exposure to heat. */
export const HEAT_C_MIN = 25;

/** Whether a WBGT is heat exposure. 0.7 × 24.4 + 0.3 × 26.4 is 25 on paper, and a hair less in binary. */
export const isHeatC = (wbgtC: number): boolean => wbgtC >= HEAT_C_MIN * (1 - 1e-9);

/** Levels up to this have their energies at hand, by whole multiples of 1, 0.1 and 0.01 dB. */
const LEVEL_MAX = 204;
const ENERGIES: (Float64Array | undefined)[] = [];
const EXPONENT_MAX = 2;

/** Energies of 0, 1, 2 … times 10^−exponent dB: a power costs ten additions. Undefined: not kept. */
export function energiesOfWhole(exponent: number): Float64Array | undefined {
  if (exponent > EXPONENT_MAX) return undefined;
  const scale = 10 ** exponent;
  ENERGIES[exponent] ??= Float64Array.from({ length: LEVEL_MAX * scale }, (_, n) =>
    powerOf(n / scale),
  );
  return ENERGIES[exponent];
}

/** 10^(L/10). */
export function energyOf(levelDb: number): number {
  const tenths = Math.round(levelDb * 10);
  const known = tenths / 10 === levelDb ? energiesOfWhole(1)?.[tenths] : undefined;
  return known ?? powerOf(levelDb);
}

const powerOf = (levelDb: number): number => 10 ** (levelDb / 10);

export const levelOf = (energy: number): number => (energy > 0 ? 10 * Math.log10(energy) : 0);

/** Second's contribution at the least it could be: below LOD and negative count 0 (design §5). */
export function lowerPart(value: number, quantity: Quantity, profile: InputProfile): number {
  if (quantity === 'heat') return value * profile.unitFactor;
  if (quantity === 'energy') return value < profile.lod ? 0 : energyOf(value);
  return value < profile.lod || value < 0 ? 0 : value * profile.unitFactor;
}

/** Second's contribution as estimated: LOD/2 below LOD, negative as measured (design §5). */
export function estimatePart(value: number, quantity: Quantity, profile: InputProfile): number {
  if (quantity === 'heat') return value * profile.unitFactor;
  if (quantity === 'energy') {
    return value < profile.lod ? energyOf(profile.lod) / 2 : energyOf(value);
  }
  const read = value >= 0 && value < profile.lod ? profile.lod / 2 : value;
  return read * profile.unitFactor;
}

/** Where a value shows that a later T is a rise, not a fault: half the range, levels 20 dB below it. */
export const plausibleRise = (quantity: Quantity, profile: InputProfile): number =>
  quantity === 'energy' ? profile.range[1] - 20 : profile.range[1] / 2;

/** Windows of up to 15 min: a clock error above 2 s already forbids a clue (design §5, bounds of time). */
export const isShortWindow = (kind: LimitKind): boolean => SHORT_WINDOWS.includes(kind);
const SHORT_WINDOWS: readonly LimitKind[] = ['MAC', 'PC_STEL', 'PEAK', 'L_PEAK'];

export const SHIFT_BASE_S = (8 * 3_600_000) / SECOND_MS;
