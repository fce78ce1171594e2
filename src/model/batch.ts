import { z } from 'zod';
import { Flag } from './flags.ts';
import { DeviceId, GatewayId, MetricName, Sha256Hex, Ulid } from './ids.ts';

/** Bounds of one batch (design §4.1). A larger one is dead-lettered, never cut. */
export const BATCH_BYTES_MAX = 256 * 1024;
export const BATCH_VALUES_MAX = 2_000;

const EpochMs = z.int().min(0);

/** How a gateway knows the time, and how wrong it may be. */
export const ClockState = z.looseObject({
  source: z.enum(['gps', 'ntp', 'ptp', 'free', 'virtual']),
  offsetMs: z.number(),
  errMs: z.number().min(0),
});
export type ClockState = z.infer<typeof ClockState>;

/**
 * Values of one device that end at the same time: the mean over `(at − spanMs, at]`.
 * A missing flag is N; null needs a flag other than N.
 */
export const Frame = z
  .looseObject({
    device: DeviceId,
    at: EpochMs.multipleOf(1_000, 'expected whole seconds'),
    spanMs: z.int().min(1_000).max(3_600_000).multipleOf(1_000, 'expected whole seconds'),
    /** The true midpoint of the reading when it differs from the grid by more than 100 ms. */
    readAt: EpochMs.optional(),
    values: z.record(MetricName, z.number().nullable()),
    flags: z.record(MetricName, Flag).optional(),
  })
  .superRefine((frame, ctx) => {
    for (const [metric, value] of Object.entries(frame.values)) {
      const flags = frame.flags ?? {};
      const flag = Object.hasOwn(flags, metric) ? flags[metric as MetricName] : 'N';
      if (value === null && flag === 'N') {
        ctx.addIssue({
          code: 'custom',
          path: ['values', metric],
          message: 'null needs a flag other than N',
        });
      }
    }
    for (const metric of Object.keys(frame.flags ?? {})) {
      if (!Object.hasOwn(frame.values, metric)) {
        ctx.addIssue({
          code: 'custom',
          path: ['flags', metric],
          message: 'a flag without a value',
        });
      }
    }
  });
export type Frame = z.infer<typeof Frame>;

/**
 * One message on `live` or `backfill`, version 1. Unknown members are kept and ignored. A simple
 * producer may leave out epoch, seq and prev together (`seq` without `epoch` is ignored).
 */
export const Batch = z
  .looseObject({
    v: z.literal(1),
    gateway: GatewayId,
    epoch: Ulid.optional(),
    seq: z.int().min(1).optional(),
    prev: Sha256Hex.optional(),
    createdAt: EpochMs,
    clock: ClockState.optional(),
    meta: z
      .looseObject({ template: z.string().optional(), build: z.string().optional() })
      .optional(),
    frames: z.array(Frame).min(1),
  })
  .superRefine((batch, ctx) => {
    if (batch.epoch !== undefined && (batch.seq === undefined || batch.prev === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['epoch'], message: 'epoch needs seq and prev' });
    }
    let values = 0;
    for (const frame of batch.frames) values += Object.keys(frame.values).length;
    if (values > BATCH_VALUES_MAX) {
      ctx.addIssue({
        code: 'custom',
        path: ['frames'],
        message: `more than ${BATCH_VALUES_MAX} values`,
      });
    }
  });
export type Batch = z.infer<typeof Batch>;
