import type { ShiftResult } from '../model/exposure.ts';
import type { Unit } from '../model/limits.ts';
import { OVER_LIMIT_PROVISIONS } from './candidate-provisions.ts';
import { CLUE_LABEL, type ClueBody } from './clue-body.ts';
import { mergeEpisodes } from './episode.ts';
import type { CluePlace, ToldShift } from './ledger.ts';

const EPISODES_LISTED_MAX = 50;

/** From these on a clue is of high priority; never from an expected fine (case-model §3). */
const HIGH_RATIO = 2;
const HIGH_DIFFERENCE_DB = 5;
const HIGH_DIFFERENCE_C = 2;
const HIGH_WORKERS = 50;

export interface ComposeInput {
  readonly clueNo: string;
  readonly revision: number;
  readonly place: CluePlace;
  /** The shifts that the body tells, by start; at least one. */
  readonly told: readonly ToldShift[];
  /** Those of them that it tells for the first time; the worst of them is `observed`. */
  readonly fresh: readonly ToldShift[];
  readonly agency: string;
  readonly evidenceUrl: string | null;
}

/** The push body of design §4.2. */
export function composeBody(input: ComposeInput): ClueBody {
  const { clueNo, revision, place, told } = input;
  const shown = worst(input.fresh.length > 0 ? input.fresh : told);
  const { subject, limit, basis } = shown.result;
  const standing = told.filter((entry) => entry.standing);
  return {
    schemaVersion: 1,
    clueNo,
    revision,
    kind: 'OVER_LIMIT',
    label: CLUE_LABEL,
    status: standing.length > 0 ? 'STANDING' : 'NOT_STANDING',
    force: limit.force,
    agency: input.agency,
    enterprise: { uscc: subject.enterprise, name: place.enterpriseName, region: subject.region },
    post: { id: subject.post, name: place.postName },
    point: { id: subject.point, location: place.location },
    crew: subject.crew,
    exposureBasis: basis,
    deductsProtectiveEquipment: false,
    factor: subject.factor,
    limit: {
      kind: limit.kind,
      value: limit.value,
      unit: limit.unit,
      standard: limit.standard,
      clause: limit.clause,
    },
    observed: observedOf(shown.result),
    ...timesOf(standing.length > 0 ? standing : told),
    shifts: told.map(shiftOf),
    exposedWorkers: place.exposedWorkers,
    corroboration: { telemetry: 'NONE', patrol: 'NONE', lab: 'NONE' },
    contraryEvidence: told.filter((entry) => !entry.standing).map(contraryOf),
    production: 'UNKNOWN',
    siting: 'UNKNOWN',
    lastFieldCheck: null,
    lastParallelComparison: null,
    lastStatutoryTest: null,
    evidenceLevel: 'LEAD',
    evidence: evidenceOf(shown, input.evidenceUrl),
    candidateProvisions: OVER_LIMIT_PROVISIONS,
    lane: 'RECTIFY_FIRST',
    priority: priorityOf(shown.result, place.exposedWorkers),
  };
}

/** The highest lower bound, among those that stand if any does; the earlier shift on a tie. */
function worst(entries: readonly ToldShift[]): ToldShift {
  const standing = entries.filter((entry) => entry.standing);
  const [first, ...others] = standing.length > 0 ? standing : entries;
  if (first === undefined) throw new Error('Cannot compose a clue without shifts');
  return others.reduce(
    (a, b) => (b.result.window.lowerBound > a.result.window.lowerBound ? b : a),
    first,
  );
}

type Shown = ToldShift['result'];

const observedOf = (result: Shown): ClueBody['observed'] => ({
  value: result.window.estimate,
  lowerBound: result.window.lowerBound,
  ratio: result.ratio,
  difference: result.difference,
  start: result.window.startMs,
  end: result.window.endMs,
  coverage: result.coverage,
  uncertainty: result.uncertainty,
  verdict: result.verdict,
});

function timesOf(
  entries: readonly ToldShift[],
): Pick<ClueBody, 'firstExceedAt' | 'lastExceedAt' | 'episodes'> {
  const known = (times: readonly (number | null)[]): number[] =>
    times.filter((time) => time !== null);
  const first = known(entries.map(({ result }) => result.firstExceedAtMs));
  const last = known(entries.map(({ result }) => result.lastExceedAtMs));
  const episodes = mergeEpisodes(entries.flatMap(({ result }) => result.episodes));
  return {
    firstExceedAt: first.length === 0 ? null : Math.min(...first),
    lastExceedAt: last.length === 0 ? null : Math.max(...last),
    episodes: episodes
      .slice(-EPISODES_LISTED_MAX)
      .map(({ startMs, endMs, lowerBoundMax }) => ({ start: startMs, end: endMs, lowerBoundMax })),
  };
}

const shiftOf = ({ result, evidence }: ToldShift): ClueBody['shifts'][number] => ({
  resultKey: result.resultKey,
  resultHash: result.resultHash,
  crew: result.subject.crew,
  name: result.subject.shift.name,
  start: result.subject.shift.startMs,
  end: result.subject.shift.endMs,
  verdict: result.verdict,
  value: result.window.estimate,
  lowerBound: result.window.lowerBound,
  packageId: evidence?.packageId ?? null,
});

const contraryOf = ({
  result,
  reasons,
  evidence,
}: ToldShift): ClueBody['contraryEvidence'][number] => ({
  kind: result.verdict === 'exceeded' ? 'DATA_NOT_PROOF' : 'RESULT_REVISED',
  resultKey: result.resultKey,
  shiftStart: result.subject.shift.startMs,
  verdict: result.verdict,
  lowerBound: result.window.lowerBound,
  reasons: [...reasons],
  packageId: evidence?.packageId ?? null,
});

function evidenceOf({ evidence }: ToldShift, evidenceUrl: string | null): ClueBody['evidence'] {
  if (evidence === null) return null;
  const { packageId, sm3, bytes } = evidence;
  const url = evidenceUrl === null ? null : `${evidenceUrl.replace(/\/+$/, '')}/${packageId}`;
  return { packageId, sha256: packageId, sm3, bytes, url, sealed: false };
}

function priorityOf(
  { limit, ratio, difference }: Pick<ShiftResult, 'limit' | 'ratio' | 'difference'>,
  exposedWorkers: number,
): ClueBody['priority'] {
  return isFar(limit.unit, ratio, difference) || exposedWorkers >= HIGH_WORKERS ? 'HIGH' : 'NORMAL';
}

function isFar(unit: Unit, ratio: number | null, difference: number | null): boolean {
  // Levels and temperatures have no ratio scale: a noise dose doubles with every 3 dB.
  if (unit === 'dB(A)') return (difference ?? 0) >= HIGH_DIFFERENCE_DB;
  if (unit === 'degC') return (difference ?? 0) >= HIGH_DIFFERENCE_C;
  return (ratio ?? 0) >= HIGH_RATIO;
}
