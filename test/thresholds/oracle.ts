import type { Verdict } from '../../src/model/exposure.ts';

/**
 * The rules of design §5 once more, from raw seconds, slow and obvious, sharing no code with the engine.
 * One shift of whole minutes; a second is a number, or what came in its place.
 */
export type RawSecond = number | 'hole' | 'T' | 'excluded' | 'conflict';

export interface OracleCase {
  readonly kind: 'PC_TWA' | 'PC_STEL' | 'MAC' | 'LEX_8H' | 'WBGT';
  /** Every second of the shift. */
  readonly seconds: readonly RawSecond[];
  /** Whether each second is contact. */
  readonly contact: readonly boolean[];
  readonly limit: number;
  /** WBGT: limit by contact-time rate 25, 50, 75, 100. */
  readonly wbgtLimits?: readonly [number, number, number, number];
  readonly abs: number;
  readonly range: readonly [number, number];
  readonly lod?: number;
  readonly confirmationMinutes?: number;
}

export interface OracleAnswer {
  readonly verdict: Verdict;
  /** Of the whole shift for sums, the highest of the windows with the worst verdict for others. */
  readonly lowerBound: number;
  readonly estimate: number | null;
  readonly coverage: number;
}

const isLevel = (c: Pick<OracleCase, 'kind'>): boolean => c.kind === 'LEX_8H';
const add = (c: OracleCase, v: number): number => (isLevel(c) ? 10 ** (v / 10) : v);

function seen(c: Pick<OracleCase, 'seconds' | 'range'>, s: number): number | null {
  const value = c.seconds[s];
  if (typeof value !== 'number') return null;
  return value >= c.range[0] && value <= c.range[1] ? value : null;
}

/** Worked out once for each second of a case. */
const remembered = new WeakMap<OracleCase, (number | undefined)[]>();

/** T counts: adjacent T back to a start, a rise within 60 s before it, a seen value within 30 min of that. */
export function countsAsTop(c: Pick<OracleCase, 'kind' | 'seconds' | 'range'>, s: number): boolean {
  if (c.seconds[s] !== 'T') return false;
  let start = s;
  while (c.seconds[start - 1] === 'T') start--;
  const high = isLevel(c) ? c.range[1] - 20 : c.range[1] / 2;
  for (let rise = start - 60; rise < start; rise++) {
    if ((seen(c, rise) ?? -1e9) < high) continue;
    for (let e = s + 1; e <= rise + 1800; e++) if (seen(c, e) !== null) return true;
  }
  return false;
}

function low(c: OracleCase, s: number): number {
  let parts = remembered.get(c);
  if (parts === undefined) {
    parts = [];
    remembered.set(c, parts);
  }
  parts[s] ??= lowPart(c, s);
  return parts[s];
}

function lowPart(c: OracleCase, s: number): number {
  if (countsAsTop(c, s)) return add(c, c.range[1]);
  const value = seen(c, s);
  if (value === null) return 0;
  if (value < (c.lod ?? 0)) return 0;
  return !isLevel(c) && value < 0 ? 0 : add(c, value);
}

function estimated(c: OracleCase, s: number): number | null {
  const value = seen(c, s);
  if (value === null) return null;
  const lod = c.lod ?? 0;
  if (isLevel(c)) return value < lod ? add(c, lod) / 2 : add(c, value);
  return value >= 0 && value < lod ? lod / 2 : value;
}

const above = (value: number, limit: number): boolean => value > limit * (1 + 1e-9);

function verdictOf(
  c: OracleCase,
  lower: number,
  estimate: number | null,
  conflicts: boolean,
): Verdict {
  if (above(lower - c.abs, c.limit) && !conflicts) return 'exceeded';
  if (above(lower, c.limit) || (estimate !== null && above(estimate, c.limit))) return 'suspected';
  if (estimate === null) return 'indeterminate';
  return above(estimate + c.abs, c.limit) ? 'borderline' : 'within';
}

/** Sums over the seconds [from, to). */
function window(c: OracleCase, from: number, to: number, divisorS: number) {
  let lower = 0;
  let sum = 0;
  let covered = 0;
  let contact = 0;
  let conflicts = 0;
  for (let s = from; s < to; s++) {
    if (!c.contact[s]) continue;
    contact++;
    lower += low(c, s);
    if (c.seconds[s] === 'conflict') conflicts++;
    const value = estimated(c, s);
    if (value === null) continue;
    covered++;
    sum += value;
  }
  const number = (total: number): number =>
    isLevel(c) ? (total > 0 ? 10 * Math.log10(total / divisorS) : 0) : total / divisorS;
  const lowerBound = number(lower);
  const enough = covered > 0 && covered >= 0.75 * contact;
  const estimate = enough ? Math.max(number((sum * contact) / covered), lowerBound) : null;
  const tooMany = conflicts > 60 || conflicts > contact / 100;
  return {
    lowerBound,
    estimate,
    contact,
    covered,
    verdict: verdictOf(c, lowerBound, estimate, tooMany),
  };
}

export function oracle(c: OracleCase): OracleAnswer {
  const n = c.seconds.length;
  const whole = window(c, 0, n, 28_800);
  const coverage = whole.contact === 0 ? 0 : whole.covered / whole.contact;
  if (c.kind === 'PC_TWA' || c.kind === 'LEX_8H') return { ...whole, coverage };
  if (c.kind === 'WBGT') return { ...heat(c), coverage };
  return { ...sliding(c), coverage };
}

function sliding(c: OracleCase): Omit<OracleAnswer, 'coverage'> {
  const n = c.seconds.length;
  const width = (c.kind === 'PC_STEL' ? 15 : (c.confirmationMinutes ?? 1)) * 60;
  const spans: [number, number][] = [];
  if (n < width && c.kind === 'PC_STEL') spans.push([0, n]);
  for (let from = 0; from + width <= n; from += 60) spans.push([from, from + width]);
  const windows = spans
    .filter(([a, b]) => {
      const contact = c.contact.slice(a, b);
      return c.kind === 'MAC' ? contact.every(Boolean) : contact.some(Boolean);
    })
    .map(([a, b]) => ({ a, b, ...window(c, a, b, width) }));
  const worst = (['exceeded', 'suspected', 'borderline'] as const).find((v) =>
    windows.some((w) => w.verdict === v),
  );
  const decisive = windows.filter((w) => worst === undefined || w.verdict === worst);
  const lowerBound = Math.max(0, ...decisive.map((w) => w.lowerBound));
  if (worst !== undefined) return { verdict: worst, lowerBound, estimate: null };
  let within = 0;
  let contact = 0;
  for (let s = 0; s < n; s++) {
    if (!c.contact[s]) continue;
    contact++;
    if (windows.some((w) => w.verdict === 'within' && w.a <= s && s < w.b)) within++;
  }
  const verdict = within >= 0.75 * contact ? 'within' : 'indeterminate';
  return { verdict, lowerBound, estimate: null };
}

const rowOf = (limits: readonly number[], contactS: number): number =>
  limits[[7_200, 14_400, 21_600].findIndex((end) => contactS <= end)] ?? limits[3]!;

/** Tries every number of missing seconds as contact at 25 °C. */
function heat(c: OracleCase): Omit<OracleAnswer, 'coverage'> {
  const limits = c.wbgtLimits!;
  let sum = 0;
  let hot = 0;
  let missing = 0;
  let all = 0;
  let covered = 0;
  let contact = 0;
  let conflicts = 0;
  for (let s = 0; s < c.seconds.length; s++) {
    if (!c.contact[s]) continue;
    contact++;
    if (c.seconds[s] === 'conflict') conflicts++;
    const value = seen(c, s);
    if (value !== null) {
      covered++;
      all += value;
    }
    const heatValue = countsAsTop(c, s) ? c.range[1] : value;
    if (heatValue === null) missing++;
    else if (heatValue >= 25) {
      hot++;
      sum += heatValue;
    }
  }
  let every = hot > 0;
  let plain = hot > 0;
  let lowerBound = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let m = 0; m <= missing && hot > 0; m++) {
    const mean = (sum + 25 * m) / (hot + m);
    const limit = rowOf(limits, hot + m);
    if (!above(mean - c.abs, limit)) every = false;
    if (!above(mean, limit)) plain = false;
    if (mean - limit < least - 1e-12) {
      least = mean - limit;
      lowerBound = mean;
    }
  }
  const estimate =
    covered > 0 && covered >= 0.75 * contact ? (hot > 0 ? sum / hot : all / covered) : null;
  const counted = covered > 0 ? (hot * contact) / (contact - missing) : 0;
  const limit = rowOf(limits, counted);
  const tooMany = conflicts > 60 || conflicts > contact / 100;
  if (every && !tooMany) return { verdict: 'exceeded', lowerBound, estimate };
  if (plain) return { verdict: 'suspected', lowerBound, estimate };
  if (estimate === null) return { verdict: 'indeterminate', lowerBound, estimate };
  if (above(estimate, limit)) return { verdict: 'suspected', lowerBound, estimate };
  return {
    verdict: above(estimate + c.abs, limit) ? 'borderline' : 'within',
    lowerBound,
    estimate,
  };
}
