import { z } from 'zod';

const Minutes = z.int().min(1).max(1_440);

/** A bound for each sort of quantity: what is still in a level's nature is none in a temperature's. */
const perQuantity = (level: number, heat: number, concentration: number) =>
  z
    .strictObject({
      level: Minutes.default(level),
      heat: Minutes.default(heat),
      concentration: Minutes.default(concentration),
    })
    .prefault({});

/**
 * Bounds of the detectors (docs/thresholds.md). The defaults raise nothing on the recorded series of
 * `simulators/recordings/`, which a test holds them to.
 */
export const DetectorSettings = z.strictObject({
  silence: z.strictObject({ minutes: Minutes.default(15) }).prefault({}),
  flatLine: z
    .strictObject({
      /** Hourly values joined by lines are level for four hours in the recordings. */
      minutes: perQuantity(10, 240, 360),
      /** A concentration below this share of the range top is clean air, which may be level. */
      presentShare: z.number().min(0).max(1).default(0.01),
    })
    .prefault({}),
  jump: z
    .strictObject({
      /** Between the means of two adjacent minutes. */
      levelDb: z.number().positive().default(50),
      heatC: z.number().positive().default(5),
      /** Concentrations: share of the range. */
      rangeShare: z.number().positive().default(0.9),
      /** Concentrations: full-range steps that a sensor of its T90 needs for what it showed. */
      steps: z.number().positive().default(1.2),
    })
    .prefault({}),
  varianceCollapse: z
    .strictObject({
      minutes: perQuantity(30, 360, 480),
      /** Of the usual change from minute to minute. */
      share: z.number().positive().max(1).default(0.02),
      /** Adjacent minutes seen before anything is usual. */
      learnMinutes: Minutes.default(240),
    })
    .prefault({}),
  outOfRange: z
    .strictObject({
      /** Seconds in a minute, and such minutes among the last 15. */
      seconds: z.int().min(1).max(60).default(10),
      minutes: z.int().min(1).max(15).default(5),
    })
    .prefault({}),
  identicalNeighbours: z.strictObject({ minutes: Minutes.default(10) }).prefault({}),
  productionGap: z
    .strictObject({
      minutes: Minutes.default(10),
      /** Data that come this much later than the production signal's are not missing. */
      lagMinutes: z.int().min(0).max(1_440).default(5),
    })
    .prefault({}),
  unexplainedFlags: z
    .strictObject({
      /** Seconds in a minute, and such minutes in a UTC day. */
      seconds: z.int().min(1).max(60).default(30),
      minutes: Minutes.default(30),
    })
    .prefault({}),
  /** Of a UTC day. */
  unplannedWork: z.strictObject({ minutes: Minutes.default(60) }).prefault({}),
  clockDrift: z
    .strictObject({
      hours: z.int().min(1).max(24).default(1),
      /** Beyond what the gateway says its clock may be wrong by. */
      msPerHour: z.number().positive().default(500),
    })
    .prefault({}),
});
export type DetectorSettings = z.infer<typeof DetectorSettings>;

export const DEFAULT_DETECTOR_SETTINGS: DetectorSettings = DetectorSettings.parse({});
