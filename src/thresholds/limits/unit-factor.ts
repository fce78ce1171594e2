import {
  isMassUnit,
  type LimitRow,
  type LimitUnit,
  MASS_UNITS,
  type Unit,
} from '../../model/limits.ts';

const GAS_CONSTANT = 8.314462618;
const PRESSURE_KPA = 101.325;

/** Litres per mole of an ideal gas at 101.325 kPa; 24.055 at the 20 °C of GBZ 159. */
export const molarVolumeL = (temperatureC: number): number =>
  (GAS_CONSTANT * (273.15 + temperatureC)) / PRESSURE_KPA;

/**
 * What readings are multiplied by to be in the limit's unit; null: they can't be converted.
 *
 * An "as X" limit takes the molar mass of X (atoms × M(X)), never the compound's: nickel carbonyl
 * read in ppm and converted by its own mass would stand at 2.9 times its limit's basis.
 */
export function unitFactor(row: LimitRow, from: Unit, to: LimitUnit): number | null {
  if (from === to) return 1;
  if (isMassUnit(from) && isMassUnit(to)) return MASS_UNITS[from] / MASS_UNITS[to];
  if (from !== 'ppm' || to !== 'mg/m3') return null;
  const molarMass = row.expressedAs === null ? row.molarMass : row.expressedAsMolarMass;
  return molarMass === null || molarMass === undefined ? null : molarMass / molarVolumeL(20);
}
