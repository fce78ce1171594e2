import { recordingShelf, seriesOf } from '../../simulators/played-series.ts';
import { readRecording } from '../../simulators/recordings/reader.ts';
import { Scenario } from '../../simulators/scenario.ts';
import type { Series } from '../../simulators/series.ts';
import { readYaml } from '../../src/process/config-file.ts';

/*
 * The demo's exposures by the plainest arithmetic that the standards allow, second by second,
 * sharing nothing with src/thresholds. What was not observed counts as nothing.
 */
const HOUR_S = 3_600;
const SHIFT_S = 8 * HOUR_S;
const ZONE_S = 8 * HOUR_S;
/** Breaks of the crews that have them, in seconds after the start of any shift. */
const BREAK_S = [3.5 * HOUR_S, 4 * HOUR_S] as const;

const STEL_MG_PER_M3 = 30;
const TWA_MG_PER_M3 = 20;
const LEX_DBA = 85;
/** As the registry says of CO: 0.5 + 5 %; of noise 1.5; of heat 0.6. */
const lessCoUncertainty = (value: number): number => value - (0.5 + 0.05 * value);
const NOISE_U_DB = 1.5;
const WBGT_U_DEG_C = 0.6;
/** Labour intensity III in a hot region (GBZ 2.2-2007 table 8, + 1 °C), by quarter of the shift. */
const WBGT_LIMITS_III_DEG_C = [32, 30, 29, 27];

export interface ExposureShift {
  readonly startHour: number;
  /** UTC seconds. */
  readonly endS: number;
  /** Observed from its start to its end. */
  readonly isWhole: boolean;
  /** Σ C·T / 8 h. */
  readonly twa: number;
  /** Highest 15-minute mean on the 1-minute grid. */
  readonly stelMax: number;
  readonly lexDbA: number;
  /** Seconds at 25 °C and more. */
  readonly contactS: number;
  /** Mean WBGT of those seconds, less uncertainty, over the limit for so much contact. */
  readonly isHot: boolean;
}

export interface ExposureDay {
  readonly shifts: readonly ExposureShift[];
  /** Ends of the first whole minutes after which it is certain, UTC seconds. */
  readonly stelPassedS: number | null;
  readonly twaPassedS: number | null;
  readonly lexPassedS: number | null;
}

export const demoFile = (name: string): string =>
  new URL(`../../simulators/demo/${name}`, import.meta.url).pathname;

/** Every series of the demo by device, for a demo that starts at `anchorMs`. */
export function demoSeries(anchorMs: number): Map<string, Series> {
  const scenario = Scenario.parse(readYaml(demoFile('sensors.yaml')));
  const recordingOf = recordingShelf(readRecording);
  return new Map(
    scenario.buses.flatMap(({ units }) =>
      units.map(({ device, registers }) => [
        device,
        seriesOf(registers[0]!.series, anchorMs, recordingOf),
      ]),
    ),
  );
}

/** The exposures of 24 h from `startS` at one post that is manned round the clock. */
export function dayOf(series: Series, startS: number, hasBreaks: boolean): ExposureDay {
  const endS = startS + 24 * HOUR_S;
  const firstShiftS = Math.floor((startS + ZONE_S) / SHIFT_S) * SHIFT_S - ZONE_S;
  const shifts: ExposureShift[] = [];
  const passed = { stel: null as number | null, twa: null as number | null };
  let lexPassedS: number | null = null;
  for (let shiftS = firstShiftS; shiftS < endS; shiftS += SHIFT_S) {
    let sum = 0;
    let energy = 0;
    let heat = 0;
    let contactS = 0;
    let stelMax = 0;
    let minuteSum = 0;
    const minutes: number[] = [];
    for (let s = 1; s <= SHIFT_S; s += 1) {
      const atS = shiftS + s;
      const isSeen = atS > startS && atS <= endS;
      const isOff = hasBreaks && s > BREAK_S[0] && s <= BREAK_S[1];
      const value = isSeen && !isOff ? series(atS * 1_000) : null;
      if (value !== null) {
        sum += value;
        minuteSum += value;
        energy += 10 ** (value / 10);
        if (value >= 25) {
          heat += value;
          contactS += 1;
        }
      }
      if (s % 60 !== 0) continue;
      minutes.push(minuteSum);
      minuteSum = 0;
      if (lessCoUncertainty(sum / SHIFT_S) > TWA_MG_PER_M3) passed.twa ??= atS;
      if (10 * Math.log10(energy / SHIFT_S) - NOISE_U_DB > LEX_DBA) lexPassedS ??= atS;
      if (minutes.length < 15) continue;
      const mean = minutes.slice(-15).reduce((a, b) => a + b, 0) / 900;
      stelMax = Math.max(stelMax, mean);
      if (lessCoUncertainty(mean) > STEL_MG_PER_M3) passed.stel ??= atS;
    }
    const limit = WBGT_LIMITS_III_DEG_C[Math.max(0, Math.ceil(contactS / (SHIFT_S / 4)) - 1)]!;
    shifts.push({
      endS: shiftS + SHIFT_S,
      startHour: ((shiftS + ZONE_S) / HOUR_S) % 24,
      isWhole: shiftS >= startS && shiftS + SHIFT_S <= endS,
      twa: sum / SHIFT_S,
      stelMax,
      lexDbA: 10 * Math.log10(energy / SHIFT_S),
      contactS,
      isHot: contactS > 0 && heat / contactS - WBGT_U_DEG_C > limit,
    });
  }
  return { shifts, stelPassedS: passed.stel, twaPassedS: passed.twa, lexPassedS };
}
