import { z } from 'zod';
import { LimitForce, LimitKind, Unit } from '../model/limits.ts';

/** Shapes that several resources share, as they stand in OpenAPI. */
export const Millis = z.int().describe('UTC, ms since 1970');

export const EnterpriseView = z.object({
  uscc: z.string(),
  name: z.string().nullable(),
  timeZone: z.string().describe("IANA zone of the enterprise's shifts"),
});

export const NamedView = z.object({ id: z.string(), name: z.string().nullable() });

export const ChannelView = z.object({ device: z.string(), metric: z.string() });

export const AppliedLimitView = z.object({
  factor: z.string(),
  kind: LimitKind,
  value: z.number(),
  unit: Unit,
  standard: z.string(),
  clause: z.string(),
  force: LimitForce,
  confirmed: z.boolean(),
});

export const ShiftView = z.object({ name: z.string(), startMs: Millis, endMs: Millis });

export const VerdictView = z
  .enum(['exceeded', 'suspected', 'borderline', 'within', 'indeterminate'])
  .describe('`within` is shown as 在线监测未见超限, never 合格');

/** The enterprise's own zone when the registry names none. */
export const TIME_ZONE_DEFAULT = 'Asia/Shanghai';
