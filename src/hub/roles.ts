import { z } from 'zod';

/**
 * What one hub process does; together they are a hub. `ingest`: brokers, dialects, acknowledgements, the
 * journal's writer and its upkeep, the registry file. `evaluate`: engine, results, clues, checkpoints.
 * `push`: outbox to platform. `influx`: the InfluxDB sink. `api`: HTTP API and page.
 */
export const ROLES = ['ingest', 'evaluate', 'push', 'influx', 'api'] as const;
export type Role = (typeof ROLES)[number];

/** A list, or its text with commas (`WUGAN_ROLES`, `--roles`). */
export const Roles = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((role) => role.trim()) : value),
  z.array(z.enum(ROLES)).min(1),
);

/** True: this process is the whole hub. */
export const isWhole = (roles: readonly Role[]): boolean =>
  ROLES.every((role) => roles.includes(role));
