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
  'MIXTURE',
]);
export type LimitKind = z.infer<typeof LimitKind>;

/** Masses of air, and how many mg/m³ one of them is. */
export const MASS_UNITS = { 'mg/m3': 1, 'ug/m3': 1e-3, 'ng/m3': 1e-6 } as const;
export type MassUnit = keyof typeof MASS_UNITS;
export const isMassUnit = (unit: string): unit is MassUnit => Object.hasOwn(MASS_UNITS, unit);

/**
 * `count/min`: impulses a minute, the mean over the span. `1`: a ratio, of the mixture index.
 * `undeclared`: nobody knows; shown, never judged.
 */
export const Unit = z.enum([
  ...(['mg/m3', 'ug/m3', 'ng/m3', 'ppm', 'dB(A)', 'degC', 'count/min', '1', 'undeclared'] as const),
]);
export type Unit = z.infer<typeof Unit>;

/** MANDATORY: tables of GBZ 2.1, limits of GBZ 2.2. RECOMMENDED alone gives at most `suspected`. */
export const LimitForce = z.enum(['MANDATORY', 'RECOMMENDED']);

export const IsoDate = z.iso.date('expected YYYY-MM-DD');

/** Units of the table; those beyond `Unit` no online instrument gives, so they are only printed. */
export const LimitUnit = z.enum([...Unit.options, 'f/mL', 'pgTEQ/m3']);
export type LimitUnit = z.infer<typeof LimitUnit>;

/** CAS registry number; its last digit checks the others. */
export const CasNumber = z
  .string()
  .regex(/^\d{2,7}-\d{2}-\d$/, 'expected a CAS number, e.g. 630-08-0')
  .refine((cas) => {
    const digits = [...cas.replaceAll('-', '')].map(Number);
    const check = digits.pop();
    const sum = digits.reverse().reduce((total, digit, i) => total + digit * (i + 1), 0);
    return sum % 10 === check;
  }, 'the check digit does not fit');

/** One row of a limit set, with the law it comes from. */
export const LimitRow = z.strictObject({
  /** Names the row; a row that replaces another by date keeps its id. */
  id: FactorId,
  /** What a hazard of a post names: rows of one factor differ by altitude, date or condition. */
  factor: FactorId,
  nameZh: z.string().min(1),
  nameEn: z.string().min(1),
  cas: z.array(CasNumber),
  kind: z.enum(['chemical', 'dust', 'physical']),
  /** Dust: the size fraction that the limit is for. */
  fraction: z.enum(['total', 'respirable', 'fibre']).nullable(),
  limits: z
    .array(z.strictObject({ kind: LimitKind, value: z.number().positive(), unit: LimitUnit }))
    .min(1),
  /** Basis of an "as X" (按 X 计) limit; null: the substance itself. */
  expressedAs: z.string().min(1).nullable(),
  /** g/mol, for ppm ↔ mg/m³ at 20 °C and 101.325 kPa (24.055 L/mol). */
  molarMass: z.number().positive().nullable(),
  /** g/mol of X per molecule: without it, ppm of an "as X" row can't be converted. */
  expressedAsMolarMass: z.number().positive().optional(),
  /** The altitude of the workplace at which the row applies, m. */
  altitudeM: z
    .strictObject({
      from: z.number().nullable().optional(),
      above: z.number().optional(),
      below: z.number().optional(),
      upToInclusive: z.number().optional(),
    })
    .nullable(),
  /** What else must hold for the row to apply, e.g. `10<=freeSiO2Percent<=50`. */
  condition: z.string().optional(),
  /** WBGT: 劳动强度 and 接触时间率 of the table's cell. */
  labourIntensity: z.enum(['I', 'II', 'III', 'IV']).optional(),
  contactTimeRatePercent: z
    .union([z.literal(25), z.literal(50), z.literal(75), z.literal(100)])
    .optional(),
  /** L_PEAK: impulses in a working day, from and to. */
  impulsesPerDay: z.tuple([z.int(), z.int()]).optional(),
  /** 皮, 敏, G1 …: shown, because air data alone understate the risk. */
  notation: z.string().nullable(),
  criticalEffect: z.string().nullable(),
  edition: z.string().min(1),
  clause: z.string().min(1),
  force: LimitForce,
  /** First day in force, Beijing time. */
  validFrom: IsoDate,
  /** First day no longer in force. */
  validTo: IsoDate.nullable(),
  /** Present: the exact first day isn't confirmed, so the row accuses nobody; says what is known. */
  validFromNote: z.string().min(1).optional(),
  /** A source that quotes the standard was read for the numbers. */
  confirmed: z.boolean(),
  /** Kinds of a confirmed row whose number was not in the source read. */
  unconfirmedKinds: z.array(LimitKind).optional(),
  source: z.string().min(1),
  note: z.string().min(1).optional(),
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
  /** What an administrator read for it, when that is why it is confirmed. */
  readonly confirmation?: string;
}
