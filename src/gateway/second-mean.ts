import type { Flag } from '../model/flags.ts';
import type { MetricName } from '../model/ids.ts';
import { SECOND_MS } from '../model/time.ts';
import type { Reading } from './decode.ts';
import type { PointConfig } from './point-config.ts';

/** Of the readings of a second, so many must be numbers for it to have a value. */
const SHARE_MIN = 0.5;
/** Where readings of one second differ, the worst flag counts. */
const WORST_FIRST: readonly Flag[] = ['D', 'B', 'C', 'M', 'F', 'T', 'S', 'U'];

export interface Second {
  /** Its end. */
  readonly atMs: number;
  readonly readings: ReadonlyMap<MetricName, Reading>;
}

/** Makes one reading a second of several. */
export interface SecondMean {
  /** Takes the readings of a time on the poll grid; gives the second that ends with it or before it. */
  add(atMs: number, readings: ReadonlyMap<MetricName, Reading>): Second[];
}

type Averaging = 'last' | 'arithmetic' | 'energy' | 'max';

/** IEC 61672-1: levels are averaged by their energy, 10 lg of the mean of 10^(L/10). */
const COMBINE = {
  last: (values) => values.at(-1)!,
  max: (values) => Math.max(...values),
  arithmetic: (values) => rounded(meanOf(values), values),
  energy: (values) => rounded(10 * Math.log10(meanOf(values.map((l) => 10 ** (l / 10)))), values),
} as const satisfies Record<Averaging, (values: readonly number[]) => number>;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** One digit more than the finest reading has; more would claim what nobody measured. */
function rounded(mean: number, values: readonly number[]): number {
  const digits = Math.max(...values.map((value) => (String(value).split('.')[1] ?? '').length));
  return Number(mean.toFixed(Math.min(15, digits + 1)));
}

/** Levels by energy, everything else by the arithmetic mean, unless the point says otherwise. */
const averagingOf = ({ averaging, unit }: PointConfig): Averaging =>
  averaging ?? (unit?.startsWith('dB') ? 'energy' : 'arithmetic');

export function createSecondMean(points: readonly PointConfig[], pollMs: number): SecondMean {
  const combine = new Map(points.map((point) => [point.metric, COMBINE[averagingOf(point)]]));
  const needed = Math.ceil((SECOND_MS / pollMs) * SHARE_MIN);
  let endMs = Number.NEGATIVE_INFINITY;
  let held: ReadonlyMap<MetricName, Reading>[] = [];

  function take(): Second[] {
    if (held.length === 0) return [];
    const readings = new Map<MetricName, Reading>();
    for (const [metric, combined] of combine) {
      const all = held.flatMap((one) => one.get(metric) ?? []);
      readings.set(metric, readingOf(all, combined, needed));
    }
    held = [];
    return [{ atMs: endMs, readings }];
  }

  return {
    add(atMs, readings) {
      const ownEndMs = Math.ceil(atMs / SECOND_MS) * SECOND_MS;
      const before = ownEndMs === endMs ? [] : take();
      endMs = ownEndMs;
      held.push(readings);
      return atMs === ownEndMs ? [...before, ...take()] : before;
    },
  };
}

function readingOf(
  all: readonly Reading[],
  combine: (values: readonly number[]) => number,
  needed: number,
): Reading {
  const numbers = all.filter(({ value }) => value !== null);
  const isEnough = numbers.length >= needed;
  const flags = new Set((isEnough ? numbers : all).map(({ flag }) => flag));
  const worst = WORST_FIRST.find((flag) => flags.has(flag));
  if (!isEnough) return { value: null, flag: worst ?? 'B' };
  return { value: combine(numbers.map(({ value }) => value!)), flag: worst ?? 'N' };
}
