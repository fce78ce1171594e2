import { z } from 'zod';
import limitSet from '../thresholds/limits/gbz-2019.json' with { type: 'json' };

const Rows = z.object({
  rows: z.array(z.looseObject({ factor: z.string(), nameZh: z.string(), nameEn: z.string() })),
});

export const FactorView = z.object({
  id: z.string(),
  nameZh: z.string(),
  nameEn: z.string(),
});
export type FactorView = z.infer<typeof FactorView>;

/** `一氧化碳(非高原)` names one row of several; the factor's name is what stands before the condition. */
const withoutCondition = (name: string): string => name.replace(/\s*[(（].*$|, .*$/, '');

function namesOf(factor: string, rows: readonly { nameZh: string; nameEn: string }[]): FactorView {
  const [first] = rows;
  if (first === undefined) return { id: factor, nameZh: factor, nameEn: factor };
  const { nameZh, nameEn } = first;
  return new Set(rows.map((row) => row.nameZh)).size === 1
    ? { id: factor, nameZh, nameEn }
    : { id: factor, nameZh: withoutCondition(nameZh), nameEn: withoutCondition(nameEn) };
}

const ROWS = Map.groupBy(Rows.parse(limitSet).rows, (row) => row.factor);

/** A factor with its names in the limit set; an id that the set doesn't know stands for itself. */
export const factorView = (id: string): FactorView => namesOf(id, ROWS.get(id) ?? []);
