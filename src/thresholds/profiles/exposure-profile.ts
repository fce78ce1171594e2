import { z } from 'zod';
import { CasNumber, LimitUnit } from '../../model/limits.ts';
import niosh from './niosh-rel.json' with { type: 'json' };
import osha from './osha-pel.json' with { type: 'json' };

const ProfileKind = z.enum(['TWA', 'STEL', 'CEILING', 'PEAK']);
export type ProfileKind = z.infer<typeof ProfileKind>;

/** How a kind of limit of the profile averages: none of them is one of GBZ 2.1's kinds. */
const ProfileWindow = z.strictObject({
  /** `shift-mean`: the sum over the shift by `minutes`; `highest-mean`: of `minutes` in a row. */
  statistic: z.enum(['shift-mean', 'highest-mean']),
  minutes: z.int().min(1),
  clause: z.string().min(1),
});

const ProfileRow = z.strictObject({
  id: z.string().min(1),
  nameZh: z.string().min(1),
  nameEn: z.string().min(1),
  cas: z.array(CasNumber),
  limits: z
    .array(
      z.strictObject({
        kind: ProfileKind,
        value: z.number().positive(),
        unit: LimitUnit,
        /** PEAK: minutes for which the ceiling may be exceeded up to it. */
        minutes: z.int().min(1).optional(),
      }),
    )
    .min(1),
  molarMass: z.number().positive().nullable(),
  actionLevel: z.number().positive().optional(),
  clause: z.string().min(1),
  confirmed: z.boolean(),
  source: z.string().min(1),
  note: z.string().min(1).optional(),
});
export type ProfileRow = z.infer<typeof ProfileRow>;

/** Percent of a noise dose of 8 h at the criterion; levels below the threshold add nothing. */
const NoiseDose = z.strictObject({
  id: z.string().min(1),
  criterionDbA: z.number(),
  exchangeDb: z.number().positive(),
  thresholdDbA: z.number(),
  limitPercent: z.number().positive(),
  clause: z.string().min(1),
});
export type NoiseDose = z.infer<typeof NoiseDose>;

/** WBGT limit `constant − slope × lg M`, M the metabolic rate in W. */
const HeatCurve = z.strictObject({
  id: z.string().min(1),
  constantC: z.number(),
  slopeC: z.number(),
  clause: z.string().min(1),
});
export type HeatCurve = z.infer<typeof HeatCurve>;

/**
 * Another country's limits, with its own windows and molar volume: information beside the judgement by
 * GBZ 2.1, never converted into it. ACGIH TLVs are licensed and not bundled; who has a licence loads a
 * file of this shape.
 */
const ExposureProfile = z
  .strictObject({
    id: z.string().min(1),
    nameZh: z.string().min(1),
    nameEn: z.string().min(1),
    molarVolumeC: z.number().min(0).max(30),
    windows: z.partialRecord(ProfileKind, ProfileWindow),
    doses: z.array(NoiseDose),
    heat: z.array(HeatCurve),
    rows: z.array(ProfileRow),
  })
  .superRefine(({ rows, windows }, ctx) => {
    const ids = new Set<string>();
    for (const { id, limits, confirmed, source } of rows) {
      const fault = (message: string): void => {
        ctx.addIssue({ code: 'custom', message: `${id}: ${message}` });
      };
      if (ids.has(id)) fault('a row of another id');
      ids.add(id);
      if (confirmed && source.startsWith('memory')) fault('what is recalled is not confirmed');
      for (const { kind, minutes } of limits) {
        if (windows[kind] === undefined) fault(`no window for ${kind}`);
        if ((kind === 'PEAK') !== (minutes !== undefined))
          fault('minutes of a PEAK, and of it only');
      }
    }
  });
export type ExposureProfile = z.infer<typeof ExposureProfile>;

/** Checks a profile; throws with every fault found. */
export const parseProfile = (file: unknown): ExposureProfile => ExposureProfile.parse(file);

let loaded: readonly ExposureProfile[] | undefined;

/** The profiles shipped with this build. */
export function loadProfiles(): readonly ExposureProfile[] {
  loaded ??= [parseProfile(osha), parseProfile(niosh)];
  return loaded;
}
