import type { Verdict } from '../model/exposure.ts';
import { MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { type ConfirmationMean, confirmationMeans, confirmationMinutes } from './confirmation.ts';
import { type Excursion, type MinuteLevel, readExcursions, readRepetition } from './excursion.ts';
import { provingProfiles } from './feed-seconds.ts';
import { exposedSecondsAt, hasConflictsIn } from './minute-counts.ts';
import { CONTACT, type MinuteTable } from './minute-table.ts';
import { limitAt, type RuleOutcome, type RuleQuestion } from './rule-outcome.ts';
import { estimateUncertaintyAt, uncertaintyAt } from './uncertainty.ts';
import { COVERAGE_MIN, exceeds } from './verdict.ts';

/** The row's limit is 3 × PC-TWA; never above 5 × (GBZ 2.1-2019 6.3.3). */
export const PEAK_MULTIPLE = 3;
const CEILING_MULTIPLE = 5;

/** How sure a reading is taken to be: less U, as it is, or with U added. */
type Reading = 'certain' | 'plain' | 'possible';

interface PeakFinding {
  readonly excursions: readonly Excursion[];
  /** What is broken: `duration`, `count`, `spacing`, `ceiling`. */
  readonly broken: readonly string[];
}

/**
 * 峰接触浓度, GBZ 2.1-2019 6.3.3, for factors with a PC-TWA and no PC-STEL: the confirmation mean above
 * 3 × PC-TWA for at most 15 min each time, at most 4 times, at least 1 h apart, and never above 5 ×.
 * RECOMMENDED: at most `suspected`. An episode between 3 × and 5 × that breaks nothing is for attention.
 */
export function peak(question: RuleQuestion): RuleOutcome | undefined {
  const { inputs, table } = question;
  const { shift } = inputs.subject;
  const limit = limitAt(inputs, shift.endMs - SECOND_MS);
  if (limit === null) return undefined;
  const width = confirmationMinutes(provingProfiles(inputs));
  const means = confirmationMeans(table, width, table.length);
  const find = (reading: Reading, of = means): PeakFinding =>
    findPeaks(question, of, limit.value, reading);
  const hasConflicts = hasConflictsIn(table);
  const isCapped = question.isCapped(limit) || hasConflicts;
  const plain = find('plain');
  const verdict = verdictOf(table, means, find, isCapped);
  const { index, lowerBound } = highest(means, table);
  const startMs = table.startMs + Math.max(0, index - width + 1) * MINUTE_MS;
  const endMs = table.startMs + (index + 1) * MINUTE_MS;
  const { longestMinutes, gapMinutesMin, count } = readRepetition(plain.excursions);
  return {
    verdict,
    limit,
    window: { startMs, endMs, lowerBound, estimate: means[index]?.estimate ?? null },
    isCappedByConflicts: hasConflicts,
    episodes:
      verdict === 'exceeded'
        ? find('certain').excursions.map((e) => episodeOf(table, means, e))
        : [],
    isCertainBy: (last) =>
      !isCapped && find('certain', confirmationMeans(table, width, last)).broken.length > 0,
    details: {
      confirmationMinutes: width,
      peakEpisodes: count,
      peakLongestMinutes: longestMinutes,
      ...(gapMinutesMin === null ? {} : { peakGapMinutesMin: gapMinutesMin }),
    },
    notes: [
      ...plain.broken.map((what) => `peak-${what}`),
      ...(count > 0 && plain.broken.length === 0 ? ['peak-above-3x'] : []),
    ],
  };
}

function verdictOf(
  table: MinuteTable,
  means: readonly ConfirmationMean[],
  find: (reading: Reading) => PeakFinding,
  isCapped: boolean,
): Verdict {
  if (!isCapped && find('certain').broken.length > 0) return 'exceeded';
  if (find('plain').broken.length > 0) return 'suspected';
  const isExposed = (_: unknown, i: number): boolean =>
    table.contact[i] === CONTACT && exposedSecondsAt(table, i) > 0;
  const exposed = means.filter(isExposed);
  const seen = exposed.filter(({ estimate }) => estimate !== null);
  if (seen.length < COVERAGE_MIN * exposed.length) return 'indeterminate';
  return find('possible').broken.length > 0 ? 'borderline' : 'within';
}

function findPeaks(
  { table, uncertainty }: RuleQuestion,
  means: readonly ConfirmationMean[],
  limit: number,
  reading: Reading,
): PeakFinding {
  const ceiling = (limit / PEAK_MULTIPLE) * CEILING_MULTIPLE;
  // Without U nothing is certain, and nothing can be added.
  const withoutU = reading === 'certain' ? Number.POSITIVE_INFINITY : 0;
  const uAt = (value: number): number =>
    uncertainty === null ? withoutU : uncertaintyAt(uncertainty, value);
  const uOfEstimate = (value: number): number =>
    uncertainty === null ? withoutU : estimateUncertaintyAt(uncertainty, value);
  const isAbove = ({ lowerBound, estimate }: ConfirmationMean, threshold: number): boolean => {
    if (reading === 'certain') return exceeds(lowerBound - uAt(lowerBound), threshold);
    const value = Math.max(lowerBound, estimate ?? 0);
    return exceeds(reading === 'plain' ? value : value + uOfEstimate(value), threshold);
  };
  const isBelow = ({ isComplete, estimate }: ConfirmationMean): boolean => {
    if (!isComplete || estimate === null) return false;
    return !exceeds(reading === 'certain' ? estimate + uOfEstimate(estimate) : estimate, limit);
  };
  const first = shiftIndex(table);
  const levels = means.map((mean, i): MinuteLevel => {
    // Minutes before the shift only lead into its windows: its episodes are its own.
    if (i < first) return 'unknown';
    if (isAbove(mean, limit)) return 'above';
    return isBelow(mean) ? 'below' : 'unknown';
  });
  const excursions = readExcursions(levels);
  const { broken } = readRepetition(excursions);
  const isOver = means.some((mean, i) => levels[i] === 'above' && isAbove(mean, ceiling));
  return { excursions, broken: isOver ? [...broken, 'ceiling'] : broken };
}

/** First minute of the shift itself. */
const shiftIndex = ({ contact }: MinuteTable): number => contact.indexOf(CONTACT);

function highest(means: readonly ConfirmationMean[], table: MinuteTable) {
  let index = Math.max(0, shiftIndex(table));
  let lowerBound = 0;
  for (let i = 0; i < means.length; i++) {
    const mean = means[i]!;
    if (table.contact[i] !== CONTACT || mean.lowerBound <= lowerBound) continue;
    index = i;
    lowerBound = mean.lowerBound;
  }
  return { index, lowerBound };
}

const episodeOf = (
  table: MinuteTable,
  means: readonly ConfirmationMean[],
  { first, last }: Excursion,
) => ({
  startMs: table.startMs + first * MINUTE_MS,
  endMs: table.startMs + (last + 1) * MINUTE_MS,
  lowerBoundMax: Math.max(...means.slice(first, last + 1).map(({ lowerBound }) => lowerBound)),
});
