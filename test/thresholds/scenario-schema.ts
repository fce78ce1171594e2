import { z } from 'zod';
import { ClockState } from '../../src/model/batch.ts';
import { GATEWAY_SIGNAL_KINDS } from '../../src/model/exposure.ts';
import { Crew, LimitConfirmation, Mark, MetricProfile, Post } from '../../src/model/facts.ts';
import { Flag } from '../../src/model/flags.ts';
import { MetricName } from '../../src/model/ids.ts';
import { IsoDate, LimitKind } from '../../src/model/limits.ts';

const Clock = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?|24:00)$/, 'expected HH:MM or HH:MM:SS');
const When = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2} ([01]\d|2[0-3]):[0-5]\d$/, 'expected YYYY-MM-DD HH:MM');
const Name = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'expected a-z, 0-9 and -, starting with a letter');

/** What a sensor stands for at its post. */
const Role = z.enum([
  'primary',
  'backup',
  'head',
  'ankle',
  'globe',
  'air',
  'no',
  'impulse-count',
  'presence',
  'production',
  'none',
]);

/** One number, or absolute and relative parts; null: nobody knows. */
const Uncertainty = z.union([
  z.number().min(0).nullable(),
  z.strictObject({ abs: z.number().min(0), rel: z.number().min(0) }),
]);

export const Sensor = z.strictObject({
  ...MetricProfile.omit({ metric: true, uncertainty: true }).partial({ factor: true }).shape,
  uncertainty: Uncertainty.default(0),
  role: Role.default('primary'),
  /** False: it sends, but the registry doesn't know it. */
  registered: z.boolean().default(true),
  post: Name.default('main'),
  /** What the instrument measures when it is not the post's factor itself, e.g. NO2 of nitrogen oxides. */
  measures: MetricProfile.shape.factor.optional(),
  /** The metric's name in its device; absent: that of the sensor. */
  metric: MetricName.optional(),
  /** Day on which the certificate ends; null: there is none. */
  certifiedUntil: IsoDate.nullable().default('2030-01-01'),
});
export type Sensor = z.infer<typeof Sensor>;

/** Readings from a wall time to another, each the mean over `every` seconds. */
export const Segment = z.strictObject({
  date: IsoDate.optional(),
  from: Clock,
  /** At or before `from`: on the next day. */
  to: Clock,
  /** Null: the instrument sent a reading without a value. Leave the time out where nothing came. */
  value: z.number().nullable(),
  /** The last reading, when they climb or fall evenly from `value`. */
  rampTo: z.number().optional(),
  flag: Flag.optional(),
  every: z.int().min(1).max(3600).default(60),
  /** When the hub got it; absent: as it was measured. */
  received: When.optional(),
});
export type Segment = z.infer<typeof Segment>;

const PostFields = Post.omit({ id: true, enterprise: true, name: true, hazards: true }).extend({
  exposedWorkers: z.int().min(1).default(3),
  /** By factor: which channel represents the post, toxicity. */
  hazards: z
    .record(
      z.string(),
      z.strictObject({
        feed: z.enum(['primary', 'backup', 'mean']).optional(),
        toxicity: z.enum(['LIGHT', 'MODERATE', 'HIGH', 'EXTREME']).optional(),
      }),
    )
    .default({}),
  /** The post produces while its `production` sensor is above this. */
  producesAbove: z.number().optional(),
});

const CrewFields = Crew.omit({ id: true, name: true, presence: true }).extend({
  post: Name.default('main'),
  workers: z.int().min(1).default(3),
  daysPerWeek: z.int().min(1).max(7).default(5),
  shifts: Crew.shape.shifts.default([
    { name: 'day', days: [1, 2, 3, 4, 5], start: '08:00', end: '16:00', breaks: [] },
  ]),
});

/** What the registry learnt at a time to hold from another on. */
const Change = z.strictObject({
  learnt: When,
  from: When,
  sensor: Name.optional(),
  crew: Name.optional(),
  post: Name.optional(),
  /** Members that change; the others stay. */
  set: z.record(z.string(), z.unknown()),
});

/** A time in which a sensor's readings are no proof; absent `learnt`: known before the day. */
const SensorMark = Mark.pick({ kind: true }).extend({
  sensor: Name,
  from: When,
  to: When,
  learnt: When.optional(),
});

/** Which result is meant; what one alone fits need not be said. */
const Which = {
  rule: LimitKind,
  factor: z.string().optional(),
  crew: Name.optional(),
  post: Name.optional(),
  shift: z.string().optional(),
  date: IsoDate.optional(),
};

export const ExpectedResult = z.strictObject({
  ...Which,
  /** `none`: not judged by then. */
  verdict: z.enum(['exceeded', 'suspected', 'borderline', 'within', 'indeterminate', 'none']),
  lowerBound: z.number().optional(),
  estimate: z.number().nullable().optional(),
  uncertainty: z.number().nullable().optional(),
  limit: z.number().optional(),
  ratio: z.number().nullable().optional(),
  difference: z.number().nullable().optional(),
  coverage: z.number().optional(),
  contactMinutes: z.number().optional(),
  /** All of them, in any order. */
  caps: z.array(z.string()).optional(),
  notes: z.array(z.string()).optional(),
  episodes: z.int().optional(),
  excludedSeconds: z.record(z.string(), z.number()).optional(),
  /** Some of the result's further numbers. */
  details: z.record(z.string(), z.number()).optional(),
  /** Wall time at which the exceedance was beyond doubt. */
  certainAt: Clock.nullable().optional(),
  revision: z.int().optional(),
});
export type ExpectedResult = z.infer<typeof ExpectedResult>;

const SignalKinds = z.enum([
  'OVER_LIMIT',
  'OVER_LIMIT_WITHDRAWN',
  'EARLY_WARNING',
  ...GATEWAY_SIGNAL_KINDS,
]);

export const ExpectedSignal = z.strictObject({
  kind: SignalKinds,
  rule: LimitKind.optional(),
  factor: z.string().optional(),
  /** False: told before the shift was over. */
  final: z.boolean().optional(),
  /** Why it can't be judged, what is missing. */
  reason: z.string().optional(),
  /** Findings that forbid a push. */
  obstacles: z.array(z.string()).optional(),
  /** Wall time that the signal speaks of. */
  time: Clock.optional(),
});
export type ExpectedSignal = z.infer<typeof ExpectedSignal>;

/** What has been told by a time, all of it so far. */
const Expectation = z.strictObject({
  /** Time at the hub, or `end`: a day after the last reading. */
  at: z.union([When, z.literal('end')]),
  results: z.array(ExpectedResult).default([]),
  signals: z.array(ExpectedSignal).default([]),
  noSignals: z.array(SignalKinds).default([]),
});

/** One scenario file. */
export const Scenario = z.strictObject({
  title: z.strictObject({ zh: z.string().min(1), en: z.string().min(1) }),
  /** Of the standard that is applied. */
  clause: z.string().min(1),
  /** Day of readings that name none. */
  date: IsoDate.default('2025-06-02'),
  timeZone: z.string().default('Asia/Shanghai'),
  post: PostFields.default(PostFields.parse({})),
  furtherPosts: z.record(Name, PostFields).default({}),
  sensors: z.record(Name, Sensor),
  crew: CrewFields,
  furtherCrews: z.record(Name, CrewFields).default({}),
  series: z.record(Name, z.array(Segment).min(1)),
  clock: ClockState.optional(),
  marks: z.array(SensorMark).default([]),
  confirmations: z.array(LimitConfirmation.omit({ by: true })).default([]),
  changes: z.array(Change).default([]),
  expected: z.array(Expectation).min(1),
});
export type Scenario = z.infer<typeof Scenario>;
