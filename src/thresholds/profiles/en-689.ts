import table from './en-689.json' with { type: 'json' };

/** What EN 689:2018 says of measured days of a similarly exposed group; never a verdict of GBZ 2.1. */
export type En689Answer =
  | { readonly outcome: 'compliance' | 'non-compliance' | 'more-measurements' }
  | {
      readonly outcome: 'compliance' | 'non-compliance';
      readonly geometricMean: number;
      readonly geometricStandardDeviation: number;
      readonly ur: number;
      readonly ut: number;
    };

/**
 * Screening test of 3 to 5 results, from 6 on the test that with 70 % confidence less than 5 % of
 * exposures exceed the limit. Results are positive; above 30 the last factor stands (the strictest
 * would be a little lower). Equal results have no spread: they are held against the limit alone.
 */
export function en689(results: readonly number[], limit: number): En689Answer {
  if (results.some((result) => result > limit)) return { outcome: 'non-compliance' };
  const first = table.screening[0]!.results;
  if (results.length < first) return { outcome: 'more-measurements' };
  const screening = table.screening.find(({ results: n }) => n === results.length);
  if (screening !== undefined) {
    const isFarBelow = results.every((result) => result < screening.shareMax * limit);
    return { outcome: isFarBelow ? 'compliance' : 'more-measurements' };
  }
  const logs = results.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const spread = Math.sqrt(variance);
  const ur = spread === 0 ? Number.POSITIVE_INFINITY : (Math.log(limit) - mean) / spread;
  const ut = (table.ut.find(([n]) => n === logs.length) ?? table.ut.at(-1)!)[1]!;
  return {
    outcome: ur >= ut ? 'compliance' : 'non-compliance',
    geometricMean: Math.exp(mean),
    geometricStandardDeviation: Math.exp(spread),
    ur,
    ut,
  };
}
