import fc from 'fast-check';
import type { Given } from './completion.ts';
import type { ExposureCase } from './exposure-cases.ts';
import { rawStream, type Stretch, spannedStretch } from './raw-stream.ts';
import { DAY, DAY_START_MS, type TestFrame } from './world.ts';

/** Stretches of each sensor, mostly high, so that it accuses often. */
export const stretches = fc.array(
  fc.tuple(spannedStretch, fc.integer({ min: 0, max: 3 })).map(
    ([one, lift]): Stretch => ({
      ...one,
      level: lift === 0 ? one.level : 0.7 + 0.3 * one.level,
    }),
  ),
  { minLength: 1, maxLength: 10 },
);
/** What each sensor gives. */
export function givenOf(of: ExposureCase, parts: readonly (readonly Stretch[])[]): Given {
  const sensors = Object.entries(of.scenario.sensors);
  return Object.fromEntries(
    sensors.map(([name, { range, role }], i) => {
      const own = parts[i % parts.length]!;
      const binary = (level: number) => (level < 0.2 ? 0 : level < 0.25 ? 0.6 : 1);
      const read =
        role === 'presence' ? own.map((one) => ({ ...one, level: binary(one.level) })) : own;
      return [name, rawStream(read, of.shifts * of.shiftS, range as [number, number])];
    }),
  );
}

/** A frame with the shift it belongs to: each shift is on a day of its own. */
const placed = ({ shiftS }: ExposureCase, frame: TestFrame): TestFrame[] => {
  const end = (frame.at - DAY_START_MS) / 1_000;
  const start = end - frame.spanMs / 1_000;
  const day = Math.floor(start / shiftS);
  if (end > (day + 1) * shiftS) return [];
  return [{ ...frame, at: DAY_START_MS + day * DAY + (end - day * shiftS) * 1_000 }];
};

/** All that the sensors of a case sent, unless it was lost. */
export const framesOf = (
  of: ExposureCase,
  given: Given,
  isLost: (sensor: string, frame: TestFrame) => boolean = () => false,
): TestFrame[] =>
  Object.entries(given).flatMap(([device, { frames }]) =>
    frames
      .filter((frame) => !isLost(device, frame))
      .flatMap((frame) => placed(of, frame))
      .map((frame) => ({
        ...frame,
        device,
        metric: of.scenario.sensors[device]?.metric ?? device,
      })),
  );
