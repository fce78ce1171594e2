/**
 * Runs of time above a threshold, as the peak rule and the repetition of PC-STEL count them
 * (GBZ 2.1-2019 6.3.3): at most 15 min each, at most 4 a shift, at least 1 h apart.
 */
export const EXCURSION_MINUTES_MAX = 15;
export const EXCURSIONS_MAX = 4;
export const EXCURSION_GAP_MINUTES_MIN = 60;

/** Only as many adjacent minutes seen below end an episode: hysteresis (design §5, fine print). */
const BELOW_MINUTES_TO_END = 5;

/** `unknown` joins nothing and proves nothing. */
export type MinuteLevel = 'above' | 'below' | 'unknown';

export interface Excursion {
  /** Its first and last minute above. */
  readonly first: number;
  readonly last: number;
  /** Its longest stretch of adjacent observed minutes, dips under 5 min included. */
  readonly longestMinutes: number;
}

/** Episodes in minutes that follow one another; an unseen boundary makes no second episode. */
export function readExcursions(levels: readonly MinuteLevel[]): readonly Excursion[] {
  const excursions: Excursion[] = [];
  let open: Excursion | undefined;
  let below = 0;
  let stretchFrom: number | undefined;
  for (const [index, level] of levels.entries()) {
    below = level === 'below' ? below + 1 : 0;
    if (level === 'unknown') stretchFrom = undefined;
    if (below === BELOW_MINUTES_TO_END) {
      if (open !== undefined) excursions.push(open);
      open = undefined;
      stretchFrom = undefined;
    }
    if (level !== 'above') continue;
    stretchFrom ??= index;
    const longestMinutes = Math.max(open?.longestMinutes ?? 0, index - stretchFrom + 1);
    open = { first: open?.first ?? index, last: index, longestMinutes };
  }
  return open === undefined ? excursions : [...excursions, open];
}

export interface Repetition {
  readonly count: number;
  readonly longestMinutes: number;
  /** Shortest time between two episodes; null: fewer than two. */
  readonly gapMinutesMin: number | null;
  /** What is broken; empty: nothing that was seen. */
  readonly broken: readonly ('duration' | 'count' | 'spacing')[];
}

export function readRepetition(excursions: readonly Excursion[]): Repetition {
  const gaps = excursions.slice(1).map(({ first }, i) => first - excursions[i]!.last - 1);
  const gapMinutesMin = gaps.length === 0 ? null : Math.min(...gaps);
  const longestMinutes = Math.max(0, ...excursions.map((one) => one.longestMinutes));
  const broken: ('duration' | 'count' | 'spacing')[] = [];
  if (longestMinutes > EXCURSION_MINUTES_MAX) broken.push('duration');
  if (excursions.length > EXCURSIONS_MAX) broken.push('count');
  if (gapMinutesMin !== null && gapMinutesMin < EXCURSION_GAP_MINUTES_MIN) broken.push('spacing');
  return { count: excursions.length, longestMinutes, gapMinutesMin, broken };
}
