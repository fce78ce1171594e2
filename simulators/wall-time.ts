import { HOUR_MS } from '../src/model/time.ts';

/**
 * Asia/Shanghai, the zone of every scenario, has had no summer time since 1991, so that one
 * constant is the zone.
 */
const ZONE_OFFSET_MS = 8 * HOUR_MS;

/** Wall time in Asia/Shanghai of a UTC time, written as if it were UTC ms. */
export const wallMsOf = (timeMs: number): number => timeMs + ZONE_OFFSET_MS;
