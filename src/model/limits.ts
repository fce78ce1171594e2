import { z } from 'zod';
import { FactorId } from './ids.ts';

export const LimitKind = z.enum([
  'PC_TWA',
  'PC_STEL',
  'MAC',
  'PEAK',
  'LEX_8H',
  'LEX_W',
  'L_PEAK',
  'WBGT',
]);
export type LimitKind = z.infer<typeof LimitKind>;

export const Unit = z.enum(['mg/m3', 'ppm', 'dB(A)', 'degC']);
export type Unit = z.infer<typeof Unit>;

/** MANDATORY: tables of GBZ 2.1, limits of GBZ 2.2. RECOMMENDED alone gives at most `suspected`. */
export const LimitForce = z.enum(['MANDATORY', 'RECOMMENDED']);

export const IsoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected YYYY-MM-DD');

/** One factor of a limit set, with the law it comes from. */
export const LimitRow = z.strictObject({
  id: FactorId,
  nameZh: z.string().min(1),
  nameEn: z.string().min(1),
  kind: z.enum(['chemical', 'dust', 'physical']),
  limits: z
    .array(z.strictObject({ kind: LimitKind, value: z.number().positive(), unit: Unit }))
    .min(1),
  /** g/mol, for ppm ↔ mg/m³ at 20 °C and 101.325 kPa (24.055 L/mol). */
  molarMass: z.number().positive().nullable(),
  /** The altitude of the workplace at which the row applies, m. */
  altitudeM: z
    .strictObject({
      from: z.number().nullable().optional(),
      above: z.number().optional(),
      below: z.number().optional(),
      upToInclusive: z.number().optional(),
    })
    .nullable(),
  edition: z.string().min(1),
  clause: z.string().min(1),
  force: LimitForce,
  validFrom: IsoDate,
  validTo: IsoDate.nullable(),
  confirmed: z.boolean(),
  source: z.string().min(1),
});
export type LimitRow = z.infer<typeof LimitRow>;

/** The limit that a result was judged by, as it is printed in results, clues and evidence. */
export interface AppliedLimit {
  readonly factor: FactorId;
  readonly kind: LimitKind;
  readonly value: number;
  readonly unit: Unit;
  readonly standard: string;
  readonly clause: string;
  readonly force: z.infer<typeof LimitForce>;
  readonly confirmed: boolean;
}
