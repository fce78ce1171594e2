import { z } from 'zod';
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
import { Unit } from './limits.ts';

/**
 * The registry's entities. Each is a fact with an event time from which it holds (`validFromMs`); the
 * same schemas check `registry.yaml`, the journal's fact entries and what the engine is given.
 */
export const Enterprise = z.strictObject({
  uscc: Uscc,
  name: z.string().min(1),
  region: RegionCode,
  /** IANA zone in which the enterprise's shifts are written. */
  timeZone: z.string().min(1).default('Asia/Shanghai'),
});
export type Enterprise = z.infer<typeof Enterprise>;

export const ChannelRef = z.strictObject({ device: DeviceId, metric: MetricName });
export type ChannelRef = z.infer<typeof ChannelRef>;

export const Post = z.strictObject({
  id: PostId,
  enterprise: Uscc,
  name: z.string().min(1),
  exposedWorkers: z.int().min(1),
  altitudeM: z.number().default(0),
  /** 劳动强度, for WBGT (GBZ 2.2-2007 table 8). */
  labourIntensity: z.enum(['I', 'II', 'III', 'IV']).optional(),
  /** Local outdoor ventilation design temperature ≥ 30 °C: WBGT limits + 1 °C. */
  hotRegion: z.boolean().default(false),
  /** Which factor is judged at this post, and the channel that represents it. */
  hazards: z
    .array(z.strictObject({ factor: FactorId, primary: ChannelRef, backup: ChannelRef.optional() }))
    .min(1),
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
  name: z.string().min(1),
  /** ISO weekdays on which the shift starts, 1 = Monday. */
  days: z.array(z.int().min(1).max(7)).min(1),
  start: WallTime,
  /** At or before `start`: the shift ends on the next day. */
  end: WallTime,
  /** Periods without contact inside the shift (SCHEDULE), in wall time. */
  breaks: z.array(z.strictObject({ from: WallTime, to: WallTime })).default([]),
});
export type ShiftPlan = z.infer<typeof ShiftPlan>;

export const Crew = z.strictObject({
  id: CrewId,
  post: PostId,
  name: z.string().min(1),
  workers: z.int().min(1),
  basis: ExposureBasis,
  /** DECLARED_MINUTES: minutes of contact in a shift. */
  declaredMinutes: z.int().min(1).max(1440).optional(),
  daysPerWeek: z.int().min(1).max(7),
  shifts: z.array(ShiftPlan).min(1),
});
export type Crew = z.infer<typeof Crew>;

export const Point = z.strictObject({
  id: PointId,
  post: PostId,
  location: z.string().min(1),
});
export type Point = z.infer<typeof Point>;

/** Expanded uncertainty (k = 2) of a window result: `abs + rel × value`. */
export const Uncertainty = z.strictObject({
  abs: z.number().min(0),
  rel: z.number().min(0).default(0),
});
export type Uncertainty = z.infer<typeof Uncertainty>;

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
});
export type MetricProfile = z.infer<typeof MetricProfile>;

const Instant = z.int().min(0);

export const Certificate = z.strictObject({
  number: z.string().min(1),
  issuer: z.string().min(1),
  mode: z.enum(['VERIFIED', 'CALIBRATED']),
  fromMs: Instant,
  untilMs: Instant,
});
export type Certificate = z.infer<typeof Certificate>;

export const Device = z.strictObject({
  id: DeviceId,
  point: PointId,
  gateway: GatewayId,
  model: z.string().min(1),
  serial: z.string().min(1),
  metrics: z.array(MetricProfile).min(1),
  /** Null: none on file; readings are shown, never proof. */
  certificate: Certificate.nullable().default(null),
});
export type Device = z.infer<typeof Device>;

export const Gateway = z.strictObject({
  id: GatewayId,
  /** Who runs the box: a company, or a park for several companies. */
  operator: z.string().min(1),
  region: RegionCode,
  /** Raw Ed25519 public key, 32 bytes in base64; null: batches can't be sealed. */
  publicKey: z.string().length(44).nullable(),
});
export type Gateway = z.infer<typeof Gateway>;

/** 标记: a period in which a device's readings are not proof, with the reason. */
export const Mark = z.strictObject({
  id: z.string().min(1),
  device: DeviceId,
  fromMs: Instant,
  toMs: Instant,
  kind: z.enum(['CALIBRATION', 'MAINTENANCE', 'STOPPED', 'FAULT']),
  by: z.string().min(1),
  note: z.string().default(''),
});
export type Mark = z.infer<typeof Mark>;

/** Which limit set judges from when. */
export const LimitActivation = z.strictObject({ id: z.literal('limits'), set: z.string().min(1) });
export type LimitActivation = z.infer<typeof LimitActivation>;

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
} as const;
export type EntityKind = keyof typeof ENTITIES;
export type EntityOf<K extends EntityKind> = z.infer<(typeof ENTITIES)[K]>;

const put = <K extends EntityKind>(entity: K) =>
  z.strictObject({
    v: z.literal(1),
    entity: z.literal(entity),
    id: z.string().min(1),
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
]);
export type Fact = z.infer<typeof Fact>;
