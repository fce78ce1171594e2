/** Brief & Scala: from 8 h a day on (GBZ 2.1-2019 A.7); never above 1. */
export const reductionFactorDay = (hoursPerDay: number): number =>
  Math.min(1, ((8 / hoursPerDay) * (24 - hoursPerDay)) / 16);

/** Brief & Scala: from 40 h a week on (GBZ 2.1-2019 A.7); never above 1. */
export const reductionFactorWeek = (hoursPerWeek: number): number =>
  Math.min(1, ((40 / hoursPerWeek) * (168 - hoursPerWeek)) / 128);

/**
 * The smaller of both, never their product; undefined: neither more than 8 h a day nor 40 h a week, or so
 * long a day that nothing is left of the limit.
 */
export function reductionFactor(
  hoursPerDay: number,
  hoursPerWeek: number | undefined,
): number | undefined {
  const factors: number[] = [];
  if (hoursPerDay > 8) factors.push(reductionFactorDay(hoursPerDay));
  if (hoursPerWeek !== undefined && hoursPerWeek > 40) {
    factors.push(reductionFactorWeek(hoursPerWeek));
  }
  const least = Math.min(...factors);
  return factors.length > 0 && least > 0 ? least : undefined;
}
