import type { KeptResult } from '../src/ingest/replay/last-results.ts';
import type { StoredComparison } from '../src/ingest/replay/stored-results.ts';
import type { Verdict } from '../src/model/exposure.ts';
import type { EditionDifference } from '../src/thresholds/limits/other-edition.ts';

const wallTime = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  dateStyle: 'short',
  timeStyle: 'short',
});
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 3, useGrouping: false });

/** Whose shift it was: start (Beijing time), post, crew, factor, kind of limit. */
const subjectText = ({ subject }: KeptResult): string =>
  [
    wallTime.format(subject.shift.startMs),
    `${subject.post} / ${subject.crew}`,
    subject.factor,
    subject.limitKind.replaceAll('_', '-'),
  ].join('  ');

/** What was said of it: verdict, its number against which limit. */
function verdictText({ verdict, window, limit }: KeptResult): string {
  const value = window.estimate ?? window.lowerBound;
  const shown = verdict === 'indeterminate' ? '' : ` ${number.format(value)}`;
  return `${verdict}${shown} / ${number.format(limit.value)} ${limit.unit}`;
}

export const resultText = (result: KeptResult): string =>
  `${subjectText(result)}  ${verdictText(result)}`;

/** The two editions side by side. */
export function differenceText(
  { one, other }: EditionDifference<KeptResult>,
  otherName: string,
): string {
  const said = (result: KeptResult | undefined): string =>
    result === undefined ? 'no such limit' : verdictText(result);
  const whose = one ?? other;
  const subject = whose === undefined ? '' : subjectText(whose);
  return `${subject}\n    stands: ${said(one)}\n    ${otherName}: ${said(other)}`;
}

const VERDICTS: readonly Verdict[] = [
  'exceeded',
  'suspected',
  'borderline',
  'within',
  'indeterminate',
];

/** How many results of each verdict. */
export const countVerdicts = (results: Iterable<KeptResult>): Readonly<Record<Verdict, number>> => {
  const counts = { exceeded: 0, suspected: 0, borderline: 0, within: 0, indeterminate: 0 };
  for (const { verdict } of results) counts[verdict]++;
  return counts;
};

export function summaryText(entries: number, results: readonly KeptResult[]): string {
  const counts = countVerdicts(results);
  const told = VERDICTS.filter((verdict) => counts[verdict] > 0);
  const verdicts = told.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ');
  return `${entries} entries, ${results.length} shift results${verdicts && `: ${verdicts}`}`;
}

/** Whether what is stored is what the journal gives. */
export function comparisonText({ same, differing }: StoredComparison): string {
  if (differing.length === 0) return `all ${same} are as stored, hash for hash`;
  const lines = differing.map(({ resultKey, stored, replayed }) => {
    const of = (side: { revision: number; resultHash: string } | null): string =>
      side === null ? 'none' : `revision ${side.revision}, ${side.resultHash.slice(0, 16)}…`;
    const said = replayed === null ? '' : `\n    ${resultText(replayed)}`;
    return `  ${resultKey}: stored ${of(stored)}; replayed ${of(replayed)}${said}`;
  });
  return [`${same} are as stored, ${differing.length} differ:`, ...lines].join('\n');
}
