import { z } from 'zod';
import { ExposureBasis } from '../model/facts.ts';
import { CrewId, FactorId, PointId, PostId, RegionCode, Sha256Hex, Uscc } from '../model/ids.ts';
import { LimitForce, LimitKind, Unit } from '../model/limits.ts';

/** Every clue says it: telemetry is a clue, never a violation (case-model, amendment 2). */
export const CLUE_LABEL = '线索，不作为处罚证据';

export const ClueNo = z
  .string()
  .regex(/^CL\d{14}[0-9A-HJKMNP-TV-Z]{8}$/, 'expected CL, region, day, 8 of base32');

/** UTC ms. */
const Instant = z.int().min(0);
const Verdict = z.enum(['exceeded', 'suspected', 'borderline', 'within', 'indeterminate']);

/** What was measured; values are in the limit's unit. */
const Observed = z.strictObject({
  /** Estimate for the whole window; null: coverage under 75 % of contact time. */
  value: z.number().nullable(),
  /** The most favourable completion of what is missing. */
  lowerBound: z.number(),
  /** Concentrations C/L, noise dose ratio; null: heat. Of the lower bound. */
  ratio: z.number().nullable(),
  /** Noise Δ dB, heat Δ °C; null: concentrations. Of the lower bound. */
  difference: z.number().nullable(),
  start: Instant,
  end: Instant,
  /** Observed share of contact time, 0–1. */
  coverage: z.number(),
  /** Expanded uncertainty (k = 2), given to the company; null: unknown. */
  uncertainty: z.number().nullable(),
  verdict: Verdict,
});

const Shift = z.strictObject({
  resultKey: z.string(),
  resultHash: z.string(),
  crew: CrewId,
  name: z.string(),
  start: Instant,
  end: Instant,
  verdict: Verdict,
  value: z.number().nullable(),
  lowerBound: z.number(),
  packageId: Sha256Hex.nullable(),
});

/** A record that speaks for the company. */
const ContraryEvidence = z.strictObject({
  kind: z.enum(['RESULT_REVISED', 'DATA_NOT_PROOF']),
  resultKey: z.string(),
  shiftStart: Instant,
  verdict: Verdict,
  lowerBound: z.number(),
  reasons: z.array(z.string()),
  packageId: Sha256Hex.nullable(),
});

const Source = z.enum(['NONE', 'AGREES', 'DISAGREES']);

const Evidence = z.strictObject({
  packageId: Sha256Hex,
  sha256: Sha256Hex,
  sm3: Sha256Hex,
  bytes: z.int(),
  url: z.string().nullable(),
  /** Whether the gateway's seal over the window's last batch is in the package. */
  sealed: z.boolean(),
});

/**
 * What a clue says. Every member is always there: what is not known says so (`NONE`, `UNKNOWN`,
 * null, an empty list).
 */
export const ClueBody = z.strictObject({
  schemaVersion: z.literal(1),
  clueNo: ClueNo,
  /** 0: nothing in it is fit to push. */
  revision: z.int().min(0),
  kind: z.literal('OVER_LIMIT'),
  label: z.literal(CLUE_LABEL),
  /** NOT_STANDING: no exceedance in it stands; after a push: none that was told does any more. */
  status: z.enum(['STANDING', 'NOT_STANDING']),
  force: LimitForce,
  agency: z.string(),
  enterprise: z.strictObject({ uscc: Uscc, name: z.string(), region: RegionCode }),
  post: z.strictObject({ id: PostId, name: z.string() }),
  point: z.strictObject({ id: PointId, location: z.string() }),
  crew: CrewId,
  exposureBasis: ExposureBasis,
  /** Judged without deduction for protective equipment (case-model, amendment 10). */
  deductsProtectiveEquipment: z.literal(false),
  factor: FactorId,
  limit: z.strictObject({
    kind: LimitKind,
    value: z.number(),
    unit: Unit,
    standard: z.string(),
    clause: z.string(),
  }),
  observed: Observed,
  firstExceedAt: Instant.nullable(),
  lastExceedAt: Instant.nullable(),
  /** Latest 50, those less than 30 min apart joined. */
  episodes: z.array(z.strictObject({ start: Instant, end: Instant, lowerBoundMax: z.number() })),
  /** Shifts of the clue, latest 30. */
  shifts: z.array(Shift),
  exposedWorkers: z.int(),
  corroboration: z.strictObject({ telemetry: Source, patrol: Source, lab: Source }),
  contraryEvidence: z.array(ContraryEvidence),
  production: z.literal('UNKNOWN'),
  siting: z.literal('UNKNOWN'),
  lastFieldCheck: z.null(),
  lastParallelComparison: z.null(),
  lastStatutoryTest: z.null(),
  evidenceLevel: z.literal('LEAD'),
  /** The package from which `observed` can be recomputed. */
  evidence: Evidence.nullable(),
  /** Provisions that may apply; only an officer says which does. */
  candidateProvisions: z.array(
    z.strictObject({ law: z.string(), article: z.string(), text: z.string() }),
  ),
  lane: z.literal('RECTIFY_FIRST'),
  priority: z.enum(['HIGH', 'NORMAL']),
});
export type ClueBody = z.infer<typeof ClueBody>;

/** Body of `POST {platform}/clues` (design §4.2). */
export const CluePush = ClueBody.extend({ revision: z.int().min(1), evidence: Evidence });
export type CluePush = z.infer<typeof CluePush>;

/** 200 or 201 of `POST {platform}/clues`. */
export const PlatformReceipt = z.looseObject({
  platformNo: z.string().min(1),
  behaviorCode: z.string().min(1).nullish(),
});
export type PlatformReceipt = z.infer<typeof PlatformReceipt>;

/** 200 of `GET {platform}/clues/{clueNo}`: the last revision that the platform holds; 404: none. */
export const PlatformClue = PlatformReceipt.extend({
  clueNo: ClueNo,
  revision: z.int().min(1),
});
export type PlatformClue = z.infer<typeof PlatformClue>;
