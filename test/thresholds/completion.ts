import type { ExposureCase } from './exposure-cases.ts';
import { countsAsTop } from './oracle.ts';
import type { RawStream } from './raw-stream.ts';
import type { Truth } from './truth.ts';

/** What a sensor gave in all shifts of a case. */
export type Given = Readonly<Record<string, RawStream>>;

/** How the missing data of a completion are made. */
export type Fill = 'zero' | 'high' | 'alternating' | 'random';
export const FILLS: readonly Fill[] = ['zero', 'high', 'alternating', 'random'];

/** Numbers in [0, 1) that depend on nothing but their seed. */
export function randomOf(seed: number): () => number {
  let state = (seed >>> 0) + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The least and the most that each second of a sensor can have been. */
interface Bounds {
  readonly least: Float64Array;
  readonly most: Float64Array;
}

/** Worked out once for each stream of a case. */
const bounds = new WeakMap<RawStream, Bounds>();

function boundsOf(of: ExposureCase, sensor: string, stream: RawStream): Bounds {
  const known = bounds.get(stream);
  if (known !== undefined) return known;
  const { range, role, lod } = of.scenario.sensors[sensor]!;
  const kind = of.kind === 'LEX_8H' || of.kind === 'LEX_W' ? 'LEX_8H' : 'PC_TWA';
  const seconds = [...stream.seconds];
  // A mean inside a minute was seen like each value; whatever crosses its edge says when of nothing.
  for (const { from, to, value } of stream.spans) {
    if (Math.floor(from / 60) === Math.floor((to - 1) / 60)) seconds.fill(value, from, to);
  }
  const read = { kind, range, seconds } as const;
  const most = new Float64Array(seconds.length).fill(role === 'presence' ? 1 : range[1] * 2);
  const least = new Float64Array(seconds.length);
  for (const [s, second] of stream.seconds.entries()) {
    if (typeof second === 'number' && second >= range[0] && second <= range[1]) {
      most[s] = second < lod ? lod : second;
      least[s] = second < lod ? 0 : second;
    } else if (countsAsTop(read, s)) least[s] = range[1];
  }
  const made = { least, most };
  bounds.set(stream, made);
  return made;
}

/** One of all the truths that the data allow. */
export function completionOf(
  of: ExposureCase,
  given: Given,
  fill: Fill,
  random: () => number,
): Truth {
  const values = Object.fromEntries(
    Object.entries(given).map(([sensor, stream]) => [
      sensor,
      completed(of, sensor, stream, fill, random),
    ]),
  );
  const exposed = exposedSeconds(of, values, random);
  return { of: values, exposed };
}

function completed(
  of: ExposureCase,
  sensor: string,
  stream: RawStream,
  fill: Fill,
  random: () => number,
): Float64Array {
  const { least, most } = boundsOf(of, sensor, stream);
  const isPresence = of.scenario.sensors[sensor]!.role === 'presence';
  const draw = drawing(fill, random);
  const values = least.map((value, s) => value + draw(s) * (most[s]! - value));
  if (isPresence) for (const [s, value] of values.entries()) values[s] = Math.round(value);
  for (const { from, to, value } of stream.spans) {
    spread(of, isPresence, values.subarray(from, to), value, random);
  }
  return values;
}

/** 0 to 1 by the second. */
function drawing(fill: Fill, random: () => number): (second: number) => number {
  if (fill === 'zero') return () => 0;
  if (fill === 'high') return () => 1;
  if (fill === 'alternating') return (second) => Math.floor(second / 60) % 2;
  // Second by second, or the same for a stretch.
  const stretchS = random() < 0.5 ? 1 : 1 + Math.floor(random() * 900);
  let left = 0;
  let drawn = 0;
  return () => {
    if (left-- > 0) return drawn;
    left = stretchS - 1;
    drawn = random() < 0.3 ? Math.round(random()) : random();
    return drawn;
  };
}

/** A mean over a span in one of the ways it can have come about. */
function spread(
  { kind }: ExposureCase,
  isPresence: boolean,
  values: Float64Array,
  mean: number,
  random: () => number,
): void {
  const place = Math.floor(random() * values.length);
  if (isPresence) {
    const present = Math.round(mean * values.length);
    for (let s = 0; s < values.length; s++) {
      values[(place + s) % values.length] = s < present ? 1 : 0;
    }
    return;
  }
  values.fill(mean);
  // The air of a minute doesn't swing by degrees; peaks are the highest of their span.
  if (kind === 'WBGT' || random() < 0.3) return;
  if (kind === 'LEX_8H' || kind === 'LEX_W') {
    values.fill(0);
    values[place] = 10 * Math.log10(values.length * 10 ** (mean / 10) - (values.length - 1));
  } else {
    values.fill(0);
    values[place] = mean * values.length;
  }
}

/** Contact by the plan, presence if it is recorded, and of declared minutes some or the lowest. */
function exposedSeconds(
  of: ExposureCase,
  values: Readonly<Record<string, Float64Array>>,
  random: () => number,
): Uint8Array {
  const { sensors } = of.scenario;
  const gate = Object.keys(sensors).find((name) => sensors[name]!.role === 'presence');
  const asks = of.kind !== 'MAC' && gate !== undefined;
  const exposed = Uint8Array.from({ length: of.shifts * of.shiftS }, (_, s) => {
    const isPresent = !asks || values[gate]![s]! >= 0.5;
    return of.isContact(s % of.shiftS) && isPresent ? 1 : 0;
  });
  return of.declaredMinutes === null ? exposed : someMinutes(of, exposed, values, random);
}

function someMinutes(
  { declaredMinutes, isContact }: ExposureCase,
  exposed: Uint8Array,
  values: Readonly<Record<string, Float64Array>>,
  random: () => number,
): Uint8Array {
  const read = Object.values(values)[0]!;
  const sumOf = (minute: number): number =>
    read.subarray(minute * 60, minute * 60 + 60).reduce((sum, value) => sum + value, 0);
  const isLowest = random() < 0.5;
  const chosen = Array.from({ length: exposed.length / 60 }, (_, minute) => minute)
    .filter((minute) => isContact(minute * 60))
    .map((minute) => ({ minute, rank: isLowest ? sumOf(minute) : random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, declaredMinutes!)
    .map(({ minute }) => minute);
  const kept = new Uint8Array(exposed.length);
  for (const minute of chosen) kept.fill(1, minute * 60, minute * 60 + 60);
  return kept;
}
