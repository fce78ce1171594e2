import { z } from 'zod';
import { Hj212Device, Hj212Station } from './hj212.ts';
import {
  CrewId,
  DeviceId,
  FactorId,
  GatewayId,
  MetricName,
  PointId,
  PostId,
  RegionCode,
  Uscc,
} from './ids.ts';
import { IsoDate, LimitKind, Unit } from './limits.ts';
import { SparkplugDevice, SparkplugEdgeNode } from './sparkplug.ts';

const TEXT_CHARS_MAX = 200;

/**
 * What people write: any letters, signs and punctuation. Control characters, line separators and
 * halves of surrogate pairs are refused: no database keeps them, and a page or a log shows them as
 * something else.
 */
const FreeText = z
  .string()
  .max(TEXT_CHARS_MAX)
  .refine((text) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text), {
    error: 'expected text without control characters and unpaired surrogates',
  });
const Text = FreeText.min(1);

/**
 * The registry's entities. Each is a fact with an event time from which it holds (`validFromMs`); the
 * same schemas check `registry.yaml`, the journal's fact entries and what the engine is given.
 */
export const Enterprise = z.strictObject({
  uscc: Uscc,
  name: Text,
  region: RegionCode,
  /** IANA zone in which the enterprise's shifts are written. */
  timeZone: Text.default('Asia/Shanghai'),
});
export type Enterprise = z.infer<typeof Enterprise>;

export const ChannelRef = z.strictObject({ device: DeviceId, metric: MetricName });
export type ChannelRef = z.infer<typeof ChannelRef>;

/**
 * What a further channel of a hazard gives, beside `primary`. WBGT at three heights: `head`, `ankle`
 * (primary: abdomen). WBGT from its parts: `globe`, `air` (primary: natural wet bulb). Nitrogen oxides:
 * `no` (primary: NO2). Impulse noise: `impulse-count` (primary: the A-weighted peak).
 */
export const ChannelRole = z.enum(['head', 'ankle', 'globe', 'air', 'no', 'impulse-count']);
export type ChannelRole = z.infer<typeof ChannelRole>;

export const Hazard = z.strictObject({
  factor: FactorId,
  primary: ChannelRef,
  backup: ChannelRef.optional(),
  /** Which of them represents the post: `mean` is that of both, an energy mean for levels. */
  feed: z.enum(['primary', 'backup', 'mean']).default('primary'),
  parts: z.array(z.strictObject({ role: ChannelRole, channel: ChannelRef })).default([]),
  /** 危害程度 of GBZ/T 229.2 (table of weights WD); unknown: no grade is given. */
  toxicity: z.enum(['LIGHT', 'MODERATE', 'HIGH', 'EXTREME']).optional(),
});
export type Hazard = z.infer<typeof Hazard>;

/** Free SiO2 of the settled dust, as a laboratory found it: what chooses the class of silica dust. */
export const FreeSilica = z.strictObject({
  percent: z.number().min(0).max(100),
  report: z.string().min(1),
  reportedOn: IsoDate,
});
export type FreeSilica = z.infer<typeof FreeSilica>;

/** Which channel shows that the post produces, and above which value it does. */
export const ProductionSignal = z.strictObject({ channel: ChannelRef, above: z.number() });
export type ProductionSignal = z.infer<typeof ProductionSignal>;

export const Post = z.strictObject({
  id: PostId,
  enterprise: Uscc,
  name: Text,
  exposedWorkers: z.int().min(1),
  altitudeM: z.number().default(0),
  /** 劳动强度, for WBGT (GBZ 2.2-2007 table 8). */
  labourIntensity: z.enum(['I', 'II', 'III', 'IV']).optional(),
  /** Local outdoor ventilation design temperature ≥ 30 °C: WBGT limits + 1 °C. */
  hotRegion: z.boolean().default(false),
  /** In the sun: WBGT takes the air temperature in. */
  outdoor: z.boolean().default(false),
  freeSilica: FreeSilica.optional(),
  /** Which factor is judged at this post, and the channel that represents it. */
  hazards: z.array(Hazard).min(1),
  /** Factors of the post that act together: judged by the sum of C/L (GBZ 2.1-2019). */
  mixtures: z
    .array(z.strictObject({ name: FactorId, factors: z.array(FactorId).min(2) }))
    .default([]),
  /** Null: nobody says when the post produces. */
  production: ProductionSignal.nullable().default(null),
});
export type Post = z.infer<typeof Post>;

/** How the readings of a fixed sensor stand for a worker's exposure (design §5). */
export const ExposureBasis = z.enum([
  'PERSONAL',
  'PRESENCE',
  'SCHEDULE',
  'DECLARED_MINUTES',
  'ASSUMED_FULL_SHIFT',
]);
export type ExposureBasis = z.infer<typeof ExposureBasis>;

const WallTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM');

export const ShiftPlan = z.strictObject({
  name: Text,
  /** ISO weekdays on which the shift starts, 1 = Monday. */
  days: z.array(z.int().min(1).max(7)).min(1),
  start: WallTime,
  /** At or before `start`: the shift ends on the next day. */
  end: WallTime,
  /** Periods without contact inside the shift (SCHEDULE), in wall time. */
  breaks: z.array(z.strictObject({ from: WallTime, to: WallTime })).default([]),
  /** Which post the crew is at from when to when; none: its own post throughout. */
  segments: z.array(z.strictObject({ post: PostId, from: WallTime, to: WallTime })).optional(),
});
export type ShiftPlan = z.infer<typeof ShiftPlan>;

/** Longest roster whose weekly forms are averaged over its cycle (design §5). */
export const ROSTER_DAYS_MAX = 28;

/** 轮班: which shift the crew works on each day of a cycle that begins on `from`, again and again. */
export const Roster = z.strictObject({
  from: IsoDate,
  /** Names of shifts, one for each day; null: a day off. */
  days: z.array(z.string().min(1).nullable()).min(1).max(ROSTER_DAYS_MAX),
});
export type Roster = z.infer<typeof Roster>;

export const Crew = z.strictObject({
  id: CrewId,
  post: PostId,
  name: Text,
  workers: z.int().min(1),
  basis: ExposureBasis,
  /** DECLARED_MINUTES: minutes of contact in a shift. */
  declaredMinutes: z.int().min(1).max(1440).optional(),
  daysPerWeek: z.int().min(1).max(7),
  shifts: z.array(ShiftPlan).min(1),
  /** Replaces the weekdays of the shifts. */
  roster: Roster.optional(),
  /** Days on which no shift starts, whatever the plan. */
  holidays: z.array(IsoDate).default([]),
  /** PRESENCE: reads 1 while the crew is at its place, else 0. */
  presence: ChannelRef.optional(),
});
export type Crew = z.infer<typeof Crew>;

export const Point = z.strictObject({
  id: PointId,
  post: PostId,
  location: Text,
});
export type Point = z.infer<typeof Point>;

/** Expanded uncertainty (k = 2) of a window result: `abs + rel × value`. */
export const Uncertainty = z.strictObject({
  abs: z.number().min(0),
  rel: z.number().min(0).default(0),
});
export type Uncertainty = z.infer<typeof Uncertainty>;

/** Air that a concentration in mg/m³ is written for. */
export const AirState = z.strictObject({
  temperatureC: z.number().min(-60).max(150),
  pressureKPa: z.number().min(50).max(110).default(101.325),
});
export type AirState = z.infer<typeof AirState>;

/** What makes a dust monitor's reading a mass of dust: parallel filter sampling with its report. */
export const DustCalibration = z.strictObject({
  fraction: z.enum(['total', 'respirable']),
  /** Readings times this are the mass found by filter sampling. */
  massFactor: z.number().positive(),
  report: z.string().min(1),
  reportedOn: IsoDate,
});
export type DustCalibration = z.infer<typeof DustCalibration>;

/** What a metric of a device measures. Names carry weighting and fraction (`laeq`, `dust-respirable`). */
export const MetricProfile = z.strictObject({
  metric: MetricName,
  factor: FactorId,
  unit: Unit,
  range: z.tuple([z.number(), z.number()]),
  uncertainty: Uncertainty.nullable().default(null),
  t90S: z.number().min(0).default(0),
  lod: z.number().min(0).default(0),
  /** False: answers to other substances too (PID, cross-sensitive cell), or is computed; only warns. */
  specific: z.boolean().default(true),
  /**
   * Air of the instrument's mg/m³: `standard` is that of the limit set (GBZ 159: 20 °C, 101.325 kPa);
   * `undeclared` is never judged.
   */
  air: z.union([z.enum(['standard', 'undeclared']), AirState]).default('standard'),
  dust: DustCalibration.optional(),
});
export type MetricProfile = z.infer<typeof MetricProfile>;

const Instant = z.int().min(0);

export const Certificate = z.strictObject({
  number: Text,
  issuer: Text,
  mode: z.enum(['VERIFIED', 'CALIBRATED']),
  fromMs: Instant,
  untilMs: Instant,
});
export type Certificate = z.infer<typeof Certificate>;

export const Device = z.strictObject({
  id: DeviceId,
  point: PointId,
  gateway: GatewayId,
  model: Text,
  serial: Text,
  metrics: z.array(MetricProfile).min(1),
  /** Null: none on file; readings are shown, never proof. */
  certificate: Certificate.nullable().default(null),
  /** How its values are found in HJ 212 frames of its gateway. */
  hj212: Hj212Device.optional(),
  /** How its values are found in Sparkplug messages of its gateway. */
  sparkplug: SparkplugDevice.optional(),
});
export type Device = z.infer<typeof Device>;

export const Gateway = z.strictObject({
  id: GatewayId,
  /** Who runs the box: a company, or a park for several companies. */
  operator: Text,
  region: RegionCode,
  /** Raw Ed25519 public key, 32 bytes in base64; null: batches can't be sealed. */
  publicKey: FreeText.length(44).nullable(),
  /** A data logger (数采仪) that speaks HJ 212 over TCP. */
  hj212: Hj212Station.optional(),
  /** An edge node that speaks Sparkplug B. */
  sparkplug: SparkplugEdgeNode.optional(),
});
export type Gateway = z.infer<typeof Gateway>;

/** 标记: a period in which a device's readings are not proof, with the reason. */
export const Mark = z.strictObject({
  id: Text,
  device: DeviceId,
  fromMs: Instant,
  toMs: Instant,
  kind: z.enum(['CALIBRATION', 'MAINTENANCE', 'STOPPED', 'FAULT']),
  by: Text,
  note: FreeText.default(''),
});
export type Mark = z.infer<typeof Mark>;

/** Which limit set judges from when. */
export const LimitActivation = z.strictObject({ id: z.literal('limits'), set: Text });
export type LimitActivation = z.infer<typeof LimitActivation>;

/**
 * An administrator read a row of the limit table in the standard itself: from the fact's `validFromMs` on,
 * the row's numbers may found an accusation. What was judged before stays as it was.
 */
export const LimitConfirmation = z.strictObject({
  id: z.string().min(1),
  /** Id and first day in force of the row: a row that replaces another by date keeps its id. */
  row: FactorId,
  rowValidFrom: IsoDate,
  /** Which of the row's numbers; absent: all. */
  kinds: z.array(LimitKind).min(1).optional(),
  /** What was read: title, edition, page. */
  reference: z.string().min(1),
  by: z.string().min(1),
});
export type LimitConfirmation = z.infer<typeof LimitConfirmation>;

/** Every entity kind and its schema; ids are unique within a kind. */
export const ENTITIES = {
  enterprise: Enterprise,
  post: Post,
  crew: Crew,
  point: Point,
  device: Device,
  gateway: Gateway,
  mark: Mark,
  limits: LimitActivation,
  limitConfirmation: LimitConfirmation,
} as const;
export type EntityKind = keyof typeof ENTITIES;
export type EntityOf<K extends EntityKind> = z.infer<(typeof ENTITIES)[K]>;

const put = <K extends EntityKind>(entity: K) =>
  z.strictObject({
    v: z.literal(1),
    entity: z.literal(entity),
    id: Text,
    /** Event time from which the fact holds. */
    validFromMs: Instant,
    /** Null: the entity ends at `validFromMs`. */
    value: ENTITIES[entity].nullable(),
    source: z.strictObject({ by: z.string(), sha256: z.string() }),
  });

/** A change of the registry as it stands in the journal. */
export const Fact = z.discriminatedUnion('entity', [
  put('enterprise'),
  put('post'),
  put('crew'),
  put('point'),
  put('device'),
  put('gateway'),
  put('mark'),
  put('limits'),
  put('limitConfirmation'),
]);
export type Fact = z.infer<typeof Fact>;
