import { z } from 'zod';

/** Settings of the HJ 212 listener, with each bound's behaviour when it is reached. */
export const hj212Settings = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(5_212),
  /** Connections in all, and from one address; one more is closed at once. */
  connectionsMax: z.int().min(1).default(2_000),
  addressConnectionsMax: z.int().min(1).default(64),
  /** A connection that has sent no frame of a registered MN for so long is closed. */
  unidentifiedTimeoutMs: z.int().min(100).default(600_000),
  /** … and one that has, when it is silent for so long; RtdInterval may be an hour. */
  idleTimeoutMs: z.int().min(100).default(4_200_000),
  /** A frame whose rest does not come for so long is read as it is. */
  frameTimeoutMs: z.int().min(100).default(10_000),
  /** Frames a second that are read of one connection, and how many at once; then it is not read. */
  frameRateMax: z.number().min(1).default(50),
  frameBurstMax: z.int().min(1).default(200),
  /** Frames of a connection that wait for their commit; then it is not read. */
  waitingFramesMax: z.int().min(1).default(64),
  /** Bytes of all connections that wait for their commit; then none is read. */
  inFlightBytesMax: z
    .int()
    .min(65_536)
    .default(8 * 1_048_576),
  /**
   * Dead letters an hour of one address that has shown no registered MN in them; what comes beyond is
   * counted and dropped.
   */
  strayLettersPerHourMax: z.int().min(0).default(100),
  /** SM4 keys of 2025 by MN: a file with 32 hex digits each. */
  keys: z.array(z.strictObject({ mn: z.string().min(1), file: z.string().min(1) })).default([]),
});
export type Hj212Settings = z.infer<typeof hj212Settings>;
