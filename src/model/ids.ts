import { z } from 'zod';

/** Identifiers are branded so that they can't be swapped; parsing is the only cast. */
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'expected 1-64 of A-Z a-z 0-9 . _ -, starting with a letter or digit',
  );

export const GatewayId = name.brand<'GatewayId'>();
export type GatewayId = z.infer<typeof GatewayId>;

export const DeviceId = name.brand<'DeviceId'>();
export type DeviceId = z.infer<typeof DeviceId>;

export const PostId = name.brand<'PostId'>();
export type PostId = z.infer<typeof PostId>;

export const CrewId = name.brand<'CrewId'>();
export type CrewId = z.infer<typeof CrewId>;

export const PointId = name.brand<'PointId'>();
export type PointId = z.infer<typeof PointId>;

/** A row of the limit table, e.g. `carbon-monoxide`, `noise`, `wbgt`. */
export const FactorId = name.brand<'FactorId'>();
export type FactorId = z.infer<typeof FactorId>;

/** A metric's name inside its device, e.g. `laeq`, `co`, `dust-respirable`. */
export const MetricName = name.brand<'MetricName'>();
export type MetricName = z.infer<typeof MetricName>;

/** 统一社会信用代码 (GB 32100): 18 characters. */
export const Uscc = z
  .string()
  .regex(
    /^[0-9A-HJ-NP-RTUWXY]{18}$/,
    'expected an 18-character unified social credit code (GB 32100)',
  )
  .brand<'Uscc'>();
export type Uscc = z.infer<typeof Uscc>;

/** 6-digit administrative division code (GB/T 2260). */
export const RegionCode = z
  .string()
  .regex(/^\d{6}$/, 'expected a 6-digit GB/T 2260 code')
  .brand<'RegionCode'>();
export type RegionCode = z.infer<typeof RegionCode>;

/** Lower-case hex of a SHA-256. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
export type Sha256Hex = z.infer<typeof Sha256Hex>;

/** The `prev` of the very first batch of a gateway. */
export const ZERO_HASH: Sha256Hex = '0'.repeat(64);

/** Crockford base32, 26 characters; sorts by time of making. */
export const Ulid = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'expected a ULID');
export type Ulid = z.infer<typeof Ulid>;
