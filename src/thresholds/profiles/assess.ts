import { molarVolumeL } from '../limits/unit-factor.ts';
import type {
  ExposureProfile,
  HeatCurve,
  NoiseDose,
  ProfileKind,
  ProfileRow,
} from './exposure-profile.ts';

/** A value that held for some minutes, one after the other: an exposure as it is told on paper. */
export interface Segment {
  readonly value: number;
  readonly minutes: number;
}

/** What a profile says of one kind of its limits. */
export interface ProfileAnswer {
  readonly kind: ProfileKind;
  /** In the limit's unit. */
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
  /** Equal to the limit complies. */
  readonly isAbove: boolean;
  readonly clause: string;
}

/**
 * Holds an exposure in `unit` against a row, each limit by the window of the profile. Undefined: the unit
 * can't be converted. A PEAK is above when its value is, or when the ceiling was passed for longer than
 * the row allows.
 */
export function assess(
  profile: ExposureProfile,
  row: ProfileRow,
  segments: readonly Segment[],
  unit: 'ppm' | 'mg/m3',
): readonly ProfileAnswer[] | undefined {
  const answers: ProfileAnswer[] = [];
  for (const { kind, value: limit, unit: limitUnit, minutes } of row.limits) {
    const window = profile.windows[kind];
    const factor = conversion(profile, row, unit, limitUnit);
    if (window === undefined || factor === undefined) return undefined;
    const inUnit = segments.map((segment) => ({ ...segment, value: segment.value * factor }));
    const value =
      window.statistic === 'shift-mean'
        ? shiftMean(inUnit, window.minutes)
        : highestMean(inUnit, window.minutes);
    const ceiling = row.limits.find((other) => other.kind === 'CEILING')?.value;
    const isTooLong =
      minutes !== undefined && ceiling !== undefined && minutesAbove(inUnit, ceiling) > minutes;
    answers.push({
      kind,
      value,
      limit,
      unit: limitUnit,
      isAbove: value > limit * (1 + 1e-9) || isTooLong,
      clause: `${row.clause}; ${window.clause}`,
    });
  }
  return answers;
}

function conversion(
  { molarVolumeC }: ExposureProfile,
  { molarMass }: ProfileRow,
  from: string,
  to: string,
): number | undefined {
  if (from === to) return 1;
  if (molarMass === null) return undefined;
  const mgPerPpm = molarMass / molarVolumeL(molarVolumeC);
  if (from === 'ppm' && to === 'mg/m3') return mgPerPpm;
  return from === 'mg/m3' && to === 'ppm' ? 1 / mgPerPpm : undefined;
}

/** Σ C·T over the base, whatever the shift's length (29 CFR 1910.1000(d)(1)). */
export const shiftMean = (segments: readonly Segment[], baseMinutes: number): number =>
  segments.reduce((sum, { value, minutes }) => sum + value * minutes, 0) / baseMinutes;

/** Highest mean of so many minutes in a row, on the 1-min grid; a shorter exposure by its sum. */
export function highestMean(segments: readonly Segment[], windowMinutes: number): number {
  const minutes = segments.flatMap((segment) =>
    Array.from({ length: segment.minutes }, () => segment.value),
  );
  let sum = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (const [i, value] of minutes.entries()) {
    sum += value - (minutes[i - windowMinutes] ?? 0);
    highest = Math.max(highest, sum / windowMinutes);
  }
  return minutes.length === 0 ? 0 : highest;
}

const minutesAbove = (segments: readonly Segment[], limit: number): number =>
  segments.reduce((sum, { value, minutes }) => sum + (value > limit ? minutes : 0), 0);

/** Σ C/L of substances that act together, each by its own limit of the same kind; above 1 is above. */
export const additiveIndex = (pairs: readonly (readonly [number, number])[]): number =>
  pairs.reduce((sum, [value, limit]) => sum + value / limit, 0);

/** Percent of the dose: each level may last 8 h / 2^((L − criterion) / exchange). */
export const noiseDose = (segments: readonly Segment[], dose: NoiseDose): number =>
  100 *
  segments
    .filter(({ value }) => value >= dose.thresholdDbA)
    .reduce((sum, { value, minutes }) => sum + minutes / minutesAllowed(value, dose), 0);

const minutesAllowed = (levelDbA: number, { criterionDbA, exchangeDb }: NoiseDose): number =>
  480 / 2 ** ((levelDbA - criterionDbA) / exchangeDb);

/** WBGT limit of a metabolic rate in W. */
export const heatLimitC = ({ constantC, slopeC }: HeatCurve, metabolicRateW: number): number =>
  constantC - slopeC * Math.log10(metabolicRateW);
