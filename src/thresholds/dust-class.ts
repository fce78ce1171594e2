import type { FreeSilica } from '../model/facts.ts';
import { FactorId } from '../model/ids.ts';

/** Rows of dust whose free SiO2 must be below this are not silica dust (GBZ 2.1-2019 table 2). */
const SILICA_PERCENT_MIN = 10;

/** A hazard that leaves the class to the laboratory. */
export const SILICA_DUST = FactorId.parse('silica-dust');

type Fraction = 'total' | 'respirable';

/** Class of silica dust: 10 ≤ x ≤ 50, 50 < x ≤ 80, x > 80 %; null: not silica dust. */
export function silicaClass(percent: number): '10-50' | '50-80' | 'above-80' | null {
  if (percent < SILICA_PERCENT_MIN) return null;
  return percent <= 50 ? '10-50' : percent <= 80 ? '50-80' : 'above-80';
}

export interface DustRow {
  /** Whose rows judge. */
  readonly factor: FactorId;
  /** Keeps the verdict at `suspected`; undefined: nothing. */
  readonly cap?: string;
  /** Makes it not evaluable; undefined: nothing. */
  readonly obstacle?: string;
}

/**
 * Whose limit a dust is judged by. The laboratory's share of free SiO2 chooses the class; without a
 * report "silica dust" is not evaluable, and a dust that must have less than 10 % is at most `suspected`.
 */
export function dustRow(
  factor: FactorId,
  silica: FreeSilica | undefined,
  fraction: Fraction | undefined,
  condition: string | undefined,
): DustRow {
  const isSilica = factor.startsWith(SILICA_DUST);
  if (!isSilica && !(condition?.includes('freeSiO2Percent') ?? false)) return { factor };
  if (silica === undefined) {
    return factor === SILICA_DUST
      ? { factor, obstacle: 'no-silica-report' }
      : { factor, cap: 'silica-share-unreported' };
  }
  if (fraction === undefined) return { factor, obstacle: 'dust-fraction-undeclared' };
  const found = silicaClass(silica.percent);
  if (found !== null) return { factor: FactorId.parse(`silica-dust-${found}-${fraction}`) };
  if (!isSilica) return { factor };
  return fraction === 'total'
    ? { factor: FactorId.parse('other-dust-total') }
    : { factor, obstacle: 'no-limit-known' };
}
