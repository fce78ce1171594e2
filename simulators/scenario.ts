import { z } from 'zod';
import { DeviceId, MetricName } from '../src/model/ids.ts';
import { columnsOf, RECORDING_NAMES } from './recordings/reader.ts';

const MinuteOfDay = z.int().min(0).max(1440);

/** A recording, and openly by how much it is scaled and offset. */
const RecordedSeriesSpec = z
  .strictObject({
    kind: z.literal('recording'),
    recording: z.enum(RECORDING_NAMES),
    column: z.string(),
    anchor: z.enum(['time-of-day', 'start']),
    /** Wall time of the row to begin with: `YYYY-MM-DD HH:MM:SS`; absent: the first. */
    from: z
      .string()
      .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'expected YYYY-MM-DD HH:MM:SS')
      .optional(),
    scale: z.number().default(1),
    offset: z.number().default(0),
  })
  .refine((spec) => columnsOf(spec.recording).includes(spec.column), {
    error: 'the recording has no such column',
    path: ['column'],
  });

const DustSeriesSpec = z.strictObject({
  kind: z.literal('dust'),
  seed: z.int(),
  backgroundMgPerM3: z.number().min(0),
  peakMgPerM3: z.number().min(0),
  cycleMinutes: z.number().positive(),
  idle: z.array(z.tuple([MinuteOfDay, MinuteOfDay])).default([]),
});

const ConstantSeriesSpec = z.strictObject({
  kind: z.literal('constant'),
  value: z.number().nullable(),
});

export const SeriesSpec = z.discriminatedUnion('kind', [
  RecordedSeriesSpec,
  DustSeriesSpec,
  ConstantSeriesSpec,
]);
export type SeriesSpec = z.infer<typeof SeriesSpec>;

/** One quantity of a unit, as its maker wrote it into the register map. */
const RegisterSpec = z
  .strictObject({
    metric: MetricName,
    table: z.enum(['input', 'holding']),
    address: z.int().min(0).max(65_535),
    type: z.enum(['int16', 'uint16', 'float32']),
    /** float32 only: ABCD is big-endian, CDAB has its words swapped. */
    order: z.enum(['ABCD', 'CDAB']).default('ABCD'),
    /** Value of one raw step: 0.1 makes 852 of 85.2. */
    scale: z.number().positive().default(1),
    /** Raw value that says "no measurement"; float32 says NaN. */
    missing: z.int().min(-32_768).max(65_535).optional(),
    series: SeriesSpec,
  })
  .refine((spec) => spec.type === 'float32' || spec.missing !== undefined, {
    error: 'an integer register needs a raw value that means missing',
    path: ['missing'],
  });
export type RegisterSpec = z.infer<typeof RegisterSpec>;

/** A unit that misbehaves for a while, in virtual minutes after the scenario's start. */
const FaultSpec = z.strictObject({
  kind: z.enum(['silent', 'device-failure']),
  fromMinute: z.number().min(0),
  toMinute: z.number().positive(),
});

const UnitSpec = z.strictObject({
  unit: z.int().min(1).max(247),
  device: DeviceId,
  registers: z.array(RegisterSpec).min(1),
  faults: z.array(FaultSpec).default([]),
});
export type UnitSpec = z.infer<typeof UnitSpec>;

/** Modbus TCP buses with their units, and what each register plays. */
export const Scenario = z.strictObject({
  buses: z
    .array(
      z.strictObject({
        bus: z.string().min(1),
        /** 0: any free port. */
        port: z.int().min(0).max(65_535).default(0),
        units: z.array(UnitSpec).min(1),
      }),
    )
    .min(1),
});
export type Scenario = z.infer<typeof Scenario>;
