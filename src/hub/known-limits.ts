import type { FactorUnits } from '../devices/registry-context.ts';
import { type LimitRow, Unit } from '../model/limits.ts';
import { loadLimitSet } from '../thresholds/limits/limit-set.ts';
import { unitFactor } from '../thresholds/limits/unit-factor.ts';

/** The limit sets that the threshold engine can judge by, as the registry file may name them. */
export function knownLimits(): ReadonlyMap<string, FactorUnits> {
  const { id, rows } = loadLimitSet();
  const factors = Map.groupBy(rows, (row) => row.factor as string);
  return new Map([
    [id, new Map([...factors].map(([factor, ofFactor]) => [factor, unitsOf(ofFactor)]))],
  ]);
}

/** Units that every row of a factor can convert: which row judges hangs on date and altitude. */
const unitsOf = (rows: readonly LimitRow[]): readonly Unit[] =>
  Unit.options.filter((from) =>
    rows.every((row) => row.limits.some(({ unit }) => unitFactor(row, from, unit) !== null)),
  );
