import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { profileAt } from './minute-table.ts';
import {
  estimatePart,
  isShortWindow,
  lowerPart,
  plausibleRise,
  type Quantity,
  quantityOf,
} from './quantity.ts';
import type { InputCell, InputFeed, InputProfile, Interval, RuleInputs } from './rule-inputs.ts';
import { createSaturationReader, type SaturatedSeconds } from './saturation.ts';
import { isValueLetter } from './second-state.ts';
import { readsWideMeans, WIDE_LETTERS, WIDE_REASON } from './wide-mean.ts';

/** What one channel says of each second of a rule's minutes. */
export interface FeedSeconds {
  readonly feed: InputFeed;
  /** 1: a value that is proof. */
  readonly seen: Uint8Array;
  readonly conflict: Uint8Array;
  /** The reading in the limit's unit. */
  readonly value: Float64Array;
  /** Its contributions times the feed's share (design §5: below LOD, negative). */
  readonly lower: Float64Array;
  readonly estimate: Float64Array;
  /** T seconds that count in the lower bound. */
  readonly saturated: readonly SaturatedSeconds[];
  /** Reason of exclusion by second. */
  readonly excluded: ReadonlyMap<number, string>;
}

/** Every channel of a rule, the subject's own first. */
export const feedsOf = (
  inputs: Pick<RuleInputs, 'subject' | 'profiles' | 'first' | 'further'> &
    Partial<Pick<RuleInputs, 'cells'>>,
): readonly InputFeed[] => [
  {
    role: 'proof',
    share: 1,
    intervals: null,
    ...inputs.first,
    channel: inputs.subject.channel,
    profiles: inputs.profiles,
    cells: inputs.cells ?? [],
  },
  ...(inputs.further ?? []),
];

/** Profiles of every channel that measures the factor. */
export const measuringProfiles = (
  inputs: Pick<RuleInputs, 'subject' | 'profiles' | 'first' | 'further'>,
): readonly InputProfile[] =>
  feedsOf(inputs).flatMap(({ role, profiles }) =>
    role === 'proof' || role === 'fallback' ? profiles : [],
  );

/**
 * Profiles of the channels that are proof somewhere in the shift. What merely stands in for them can't raise the lower
 * bound, so nothing of it speaks against an accusation either.
 */
export const provingProfiles = (
  inputs: Pick<RuleInputs, 'subject' | 'profiles' | 'first' | 'further'>,
): readonly InputProfile[] =>
  feedsOf(inputs).flatMap(({ role, profiles }) => (role === 'proof' ? profiles : []));

/** Whether a feed speaks in the minute that starts at `atMs`. */
export const speaksAt = ({ intervals }: InputFeed, atMs: number): boolean =>
  intervals === null || intervals.some(([from, until]: Interval) => from <= atMs && atMs < until);

/** Reads one feed second by second: slow and obvious. */
export function readFeedSeconds(
  inputs: RuleInputs,
  feed: InputFeed,
  startMs: number,
  length: number,
): FeedSeconds {
  const n = length * CELL_SECONDS;
  const seconds = {
    feed,
    seen: new Uint8Array(n),
    conflict: new Uint8Array(n),
    value: new Float64Array(n),
    lower: new Float64Array(n),
    estimate: new Float64Array(n),
    excluded: new Map<number, string>(),
  };
  const saturation = createSaturationReader();
  const isMeasure = feed.role === 'proof' || feed.role === 'fallback';
  const quantity = isMeasure ? quantityOf(inputs.subject.limitKind) : 'concentration';
  const isShort = isShortWindow(inputs.subject.limitKind);
  const readsWide = isMeasure && readsWideMeans(inputs);
  for (const cell of feed.cells) {
    const index = (cell.minuteMs - startMs) / MINUTE_MS;
    if (index < 0 || index >= length || !speaksAt(feed, cell.minuteMs)) continue;
    readCell(seconds, cell, index, quantity, isShort, readsWide, saturation);
  }
  const saturated = saturation.done();
  return {
    ...seconds,
    saturated: saturated.map((part) => ({ ...part, sum: part.sum * feed.share })),
  };
}

function readCell(
  seconds: Omit<FeedSeconds, 'saturated' | 'excluded'> & { excluded: Map<number, string> },
  cell: InputCell,
  index: number,
  quantity: Quantity,
  isShort: boolean,
  readsWide: boolean,
  saturation: ReturnType<typeof createSaturationReader>,
): void {
  const { feed, excluded } = seconds;
  const { minuteMs, states, values, barred } = cell;
  const profile = profileAt(feed.profiles, minuteMs);
  let read = 0;
  for (let second = 0; second < CELL_SECONDS; second++) {
    const state = states[second]!;
    const at = index * CELL_SECONDS + second;
    const hasValue = isValueLetter(state);
    const isWide = WIDE_LETTERS.includes(state);
    const raw = hasValue ? valueAt(values, read++) : Number.NaN;
    if (state === '-') continue;
    if (barred !== undefined || profile === undefined) {
      excluded.set(at, barred ?? 'profile');
    } else if (state === 'X') {
      seconds.conflict[at] = 1;
      excluded.set(at, 'conflict');
    } else if (state === 'K' || state === 'Y' || (state === 'k' && isShort)) {
      excluded.set(at, 'clock');
    } else if (state === 'T' || state === 't') {
      excluded.set(at, 'flag-T');
      saturation.saturated(at, index, lowerPart(profile.range[1], quantity, profile));
    } else if (!hasValue) excluded.set(at, `flag-${state.toUpperCase()}`);
    else if (raw < profile.range[0] || raw > profile.range[1]) excluded.set(at, 'out-of-range');
    else if (isWide && !readsWide) excluded.set(at, WIDE_REASON);
    else if (isWide) {
      seconds.seen[at] = 1;
      seconds.value[at] = raw * profile.unitFactor;
      seconds.estimate[at] = estimatePart(raw, quantity, profile) * feed.share;
    } else {
      seconds.seen[at] = 1;
      seconds.value[at] = raw * profile.unitFactor;
      seconds.lower[at] = lowerPart(raw, quantity, profile) * feed.share;
      seconds.estimate[at] = estimatePart(raw, quantity, profile) * feed.share;
      saturation.seen(at, index, raw >= plausibleRise(quantity, profile));
    }
  }
}

/** Values are written once when all are equal. */
const valueAt = (values: readonly number[], index: number): number =>
  (values.length === 1 ? values[0] : values[index]) ?? Number.NaN;
