import type { Kysely } from 'kysely';
import { type EvidencePackage, makePackage } from '../../src/alerts/evidence-package.ts';
import type { Database } from '../../src/database/schema.ts';
import type {
  MinuteCellSummary,
  ShiftResult,
  Standing,
  Verdict,
} from '../../src/model/exposure.ts';
import type { AppliedLimit, LimitKind, Unit } from '../../src/model/limits.ts';
import {
  type ClueSpec,
  DAY_START_MS,
  insertCells,
  insertClue,
  insertFact,
  insertOutbox,
  insertResult,
  insertStanding,
  limitOf,
  resultOf,
  SHARD,
  standingOf,
  subjectOf,
} from '../api/rows.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const REGION = '330106';
const GATEWAY = 'gw-330106-0001';

/** Event time at which the sample stands: 15:20 in Shanghai. */
export const SAMPLE_NOW_MS = DAY_START_MS + 15 * HOUR_MS + 20 * MINUTE_MS;

export const COMPANIES = [
  { uscc: '91330106MA2ABCDE12', name: '杭州云澜铸造有限公司' },
  { uscc: '91330109MA27K3PQ8X', name: '萧山恒越表面处理有限公司' },
  { uscc: '91330114MA2HFG456T', name: '钱塘联工精密机械有限公司' },
] as const;

interface Line {
  readonly company: number;
  readonly post: string;
  readonly name: string;
  readonly crew: string;
  readonly factor: string;
  readonly kind: LimitKind;
  readonly limit: number;
  readonly unit: Unit;
  readonly clause: string;
  readonly state: Standing['state'];
  readonly current: number | null;
  readonly verdict: Verdict;
  readonly coverage: number;
  /** Shape of the day: level outside the shift, level in it, how rough. */
  readonly day: readonly [idle: number, work: number, rough: number];
}

type Rule = Pick<Line, 'factor' | 'kind' | 'limit' | 'unit' | 'clause'>;

const mass = (factor: string, kind: LimitKind, limit: number, clause = 'table 1'): Rule => ({
  factor,
  kind,
  limit,
  unit: 'mg/m3',
  clause,
});
const NOISE: Rule = {
  factor: 'noise',
  kind: 'LEX_8H',
  limit: 85,
  unit: 'dB(A)',
  clause: 'table 9',
};
const HEAT: Rule = { factor: 'wbgt', kind: 'WBGT', limit: 28, unit: 'degC', clause: 'table 8' };
const CO_STEL = mass('carbon-monoxide', 'PC_STEL', 30);
const CO_TWA = mass('carbon-monoxide', 'PC_TWA', 20);
const TOLUENE_STEL = mass('toluene', 'PC_STEL', 100);
const TOLUENE_TWA = mass('toluene', 'PC_TWA', 50);
const DUST = mass('grinding-wheel-dust-total', 'PC_TWA', 8, 'table 2');
const HCL = mass('hydrogen-chloride', 'MAC', 7.5);

type Place = Pick<Line, 'company' | 'post' | 'name' | 'crew'>;

const SHAKEOUT: Place = { company: 0, post: 'shakeout', name: '落砂', crew: '甲班' };
const POURING: Place = { company: 0, post: 'pouring', name: '浇注', crew: '甲班' };
const FETTLING: Place = { company: 0, post: 'fettling', name: '清理打磨', crew: '甲班' };
const PLATING: Place = { company: 1, post: 'plating', name: '酸洗电镀线', crew: '早班' };
const SPRAYING: Place = { company: 1, post: 'spraying', name: '喷涂', crew: '早班' };
const BOILER: Place = { company: 1, post: 'boiler', name: '锅炉房', crew: '早班' };
const STAMPING: Place = { company: 2, post: 'stamping', name: '冲压', crew: '白班' };
const TURNING: Place = { company: 2, post: 'turning', name: '数控车', crew: '白班' };
const ASSEMBLY: Place = { company: 2, post: 'assembly', name: '装配', crew: '白班' };

const line = (
  place: Place,
  rule: Rule,
  [state, current, verdict, coverage]: [Line['state'], number | null, Verdict, number],
  day: Line['day'],
): Line => ({ ...place, ...rule, state, current, verdict, coverage, day });

const LINES: readonly Line[] = [
  line(SHAKEOUT, NOISE, ['over', 88.2, 'exceeded', 0.991], [62, 89, 4]),
  line(POURING, CO_STEL, ['over', 38.4, 'exceeded', 0.973], [2, 17, 9]),
  line(POURING, CO_TWA, ['near', 14.6, 'suspected', 0.973], [2, 17, 9]),
  line(POURING, HEAT, ['over', 29.1, 'exceeded', 0.962], [22, 29, 0.6]),
  line(FETTLING, DUST, ['near', 4.7, 'borderline', 0.88], [0.4, 5, 2]),
  line(PLATING, HCL, ['below', 1.34, 'within', 0.994], [0.3, 1.3, 0.7]),
  line(SPRAYING, TOLUENE_TWA, ['below', 11.2, 'within', 0.986], [1, 16, 8]),
  line(SPRAYING, TOLUENE_STEL, ['below', 31, 'within', 0.986], [1, 16, 8]),
  line(BOILER, CO_STEL, ['no-data', null, 'indeterminate', 0.41], [1, 4, 2]),
  line(STAMPING, NOISE, ['near', 83.1, 'within', 0.997], [55, 83.5, 3]),
  line(TURNING, NOISE, ['below', 76.4, 'within', 0.998], [52, 76, 2]),
  line(ASSEMBLY, NOISE, ['below', 68.9, 'within', 0.802], [48, 69, 2]),
];

/** Registered, but nothing has come of it yet. */
const SILENT_POST = { company: 2, post: 'welding', name: '焊接' };

const shiftOf = (dayBefore: boolean): ShiftResult['subject']['shift'] => {
  const startMs = DAY_START_MS + 8 * HOUR_MS - (dayBefore ? 24 * HOUR_MS : 0);
  return { name: '白班', startMs, endMs: startMs + 8 * HOUR_MS };
};

const deviceOf = (line: Line): { device: string; metric: string } => ({
  device: `${line.factor.split('-')[0]}-${line.post}`,
  metric: line.unit === 'dB(A)' ? 'laeq' : line.factor,
});

function subjectOfLine(line: Line, dayBefore: boolean): ShiftResult['subject'] {
  return subjectOf({
    enterprise: COMPANIES[line.company]!.uscc,
    region: REGION,
    post: line.post,
    crew: `${line.post}-day`,
    point: `${line.post}-1`,
    factor: line.factor,
    limitKind: line.kind,
    channel: deviceOf(line) as ShiftResult['subject']['channel'],
    gateway: GATEWAY,
    shift: shiftOf(dayBefore),
  });
}

const limitOfLine = (line: Line): AppliedLimit =>
  limitOf({
    factor: line.factor as AppliedLimit['factor'],
    kind: line.kind,
    value: line.limit,
    unit: line.unit,
    standard: line.unit === 'mg/m3' ? 'GBZ 2.1-2019' : 'GBZ 2.2-2007',
    clause: line.clause,
  });

function against(line: Line, value: number): { ratio: number | null; difference: number | null } {
  if (line.unit === 'degC') return { ratio: null, difference: value - line.limit };
  if (line.unit === 'mg/m3') return { ratio: value / line.limit, difference: null };
  return { ratio: 10 ** ((value - line.limit) / 10), difference: value - line.limit };
}

const standingOfLine = (line: Line): Standing =>
  standingOf({
    subject: subjectOfLine(line, false),
    limit: limitOfLine(line),
    asOfMs: SAMPLE_NOW_MS - (line.state === 'no-data' ? 3 * HOUR_MS : 0),
    state: line.state,
    current: line.current,
    ...(line.current === null ? { ratio: null, difference: null } : against(line, line.current)),
  });

const JUDGED: Readonly<Record<Verdict, number>> = {
  exceeded: 1.08,
  suspected: 1.01,
  borderline: 0.97,
  within: 0.62,
  indeterminate: 0.2,
};

function resultOfLine(line: Line, verdict: Verdict, dayBefore = true): ShiftResult {
  const value = line.unit === 'mg/m3' ? line.limit * JUDGED[verdict] : line.limit + JUDGED[verdict];
  const subject = subjectOfLine(line, dayBefore);
  const { startMs, endMs } = subject.shift;
  const over = verdict === 'exceeded';
  return resultOf({
    subject,
    basis: verdict === 'suspected' ? 'ASSUMED_FULL_SHIFT' : 'SCHEDULE',
    limit: limitOfLine(line),
    verdict,
    coverage: line.coverage,
    window: {
      startMs,
      endMs,
      lowerBound: value,
      estimate: line.coverage < 0.75 ? null : value * 1.01,
    },
    ...against(line, value),
    firstExceedAtMs: over ? startMs + 74 * MINUTE_MS : null,
    lastExceedAtMs: over ? endMs - 51 * MINUTE_MS : null,
  });
}

/** Reproducible noise of −1 … 1: the picture must not change from run to run. */
function createNoise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** 24 h of minutes: idle, work, a lunch break, one hole, one calibration. */
function cellsOfLine(line: Line, seed: number): MinuteCellSummary[] {
  const noise = createNoise(seed + 7);
  const [idle, work, rough] = line.day;
  const silentFromMs = line.state === 'no-data' ? SAMPLE_NOW_MS - 3 * HOUR_MS : SAMPLE_NOW_MS;
  const cells: MinuteCellSummary[] = [];
  let drift = 0;
  for (
    let minuteMs = SAMPLE_NOW_MS - 24 * HOUR_MS;
    minuteMs < silentFromMs;
    minuteMs += MINUTE_MS
  ) {
    const hour = ((((minuteMs - DAY_START_MS) / HOUR_MS) % 24) + 24) % 24;
    drift = 0.94 * drift + 0.34 * noise();
    if (hour > 10.4 && hour < 10.75 && seed % 2 === 1) continue;
    const working = hour >= 8 && hour < 16 && !(hour >= 12 && hour < 12.5);
    const level = (working ? work : idle) + rough * drift * (working ? 1 : 0.4);
    const mean = Math.max(0, level + (rough * noise()) / 6);
    const calibrating = hour >= 9 && hour < 9.2 && seed % 3 === 0;
    cells.push({
      channel: deviceOf(line) as MinuteCellSummary['channel'],
      minuteMs,
      unit: line.unit,
      mean: calibrating ? null : mean,
      max: calibrating ? null : mean + Math.abs(rough * noise()) / 2,
      coveredSeconds: calibrating ? 0 : 60,
      excludedSeconds: calibrating ? 60 : 0,
    });
  }
  return cells;
}

/** Three companies, a dozen rows in every state, 24 h of minutes and clues in every state. */
export async function insertSampleDay(db: Kysely<Database>): Promise<void> {
  await db
    .insertInto('telemetry.shard')
    .values({
      shard: SHARD,
      token: 1,
      holder: 'sample',
      until_ms: 0,
      pos: 184_312,
      head_hash: Buffer.alloc(32),
    })
    .execute();
  await db
    .insertInto('telemetry.sink_cursor')
    .values({ shard: SHARD, name: 'evaluator', pos: 184_310 })
    .execute();
  await insertRegistry(db);
  const drawn = new Set<string>();
  for (const [i, line] of LINES.entries()) {
    await insertStanding(db, standingOfLine(line));
    await insertResult(db, resultOfLine(line, line.verdict));
    const channel = JSON.stringify(deviceOf(line));
    if (!drawn.has(channel)) await insertCells(db, cellsOfLine(line, i));
    drawn.add(channel);
  }
  await insertClues(db);
}

async function insertRegistry(db: Kysely<Database>): Promise<void> {
  for (const company of COMPANIES) {
    await insertFact(db, 'enterprise', company.uscc, { ...company, region: REGION });
  }
  await insertFact(db, 'gateway', GATEWAY, {
    id: GATEWAY,
    operator: '示例园区',
    region: REGION,
    publicKey: null,
  });
  const posts = Map.groupBy(LINES, (line) => line.post);
  for (const [id, lines] of posts) {
    const [line] = lines;
    const hazards = [...new Map(lines.map((item) => [item.factor, deviceOf(item)]))];
    for (const [factor, channel] of hazards) await insertDevice(db, id, factor, channel);
    await insertPost(db, { id, name: line!.name, company: line!.company }, hazards);
    await insertFact(db, 'crew', `${id}-day`, {
      id: `${id}-day`,
      post: id,
      name: line!.crew,
      workers: 6,
      basis: 'SCHEDULE',
      daysPerWeek: 5,
      shifts: [{ name: '白班', days: [1, 2, 3, 4, 5], start: '08:00', end: '16:00', breaks: [] }],
    });
  }
  const { post, ...silent } = SILENT_POST;
  const channel = { device: 'fume-welding', metric: 'dust-total' };
  await insertPost(db, { id: post, ...silent }, [['welding-fume-total', channel]]);
}

async function insertDevice(
  db: Kysely<Database>,
  post: string,
  factor: string,
  { device, metric }: { device: string; metric: string },
): Promise<void> {
  await insertFact(db, 'device', device, {
    id: device,
    point: `${post}-1`,
    gateway: GATEWAY,
    model: 'sample',
    serial: device,
    metrics: [{ metric, factor, unit: 'mg/m3', range: [0, 100] }] as never,
  });
}

async function insertPost(
  db: Kysely<Database>,
  post: { id: string; name: string; company: number },
  hazards: readonly (readonly [factor: string, channel: { device: string; metric: string }])[],
): Promise<void> {
  await insertFact(db, 'post', post.id, {
    id: post.id,
    enterprise: COMPANIES[post.company]!.uscc,
    name: post.name,
    exposedWorkers: 6,
    altitudeM: 12,
    hotRegion: false,
    hazards: hazards.map(([factor, primary]) => ({ factor, primary })) as never,
  });
}

type ClueState = Omit<ClueSpec, 'clueNo' | 'pos' | 'result' | 'enterpriseName' | 'postName'> & {
  readonly line: number;
  readonly push?: Parameters<typeof insertOutbox>[1]['state'];
  readonly lastError?: string;
};

const CLUES: readonly ClueState[] = [
  {
    line: 1,
    state: 'ACKED',
    push: 'sent',
    platformNo: 'P2025112400017',
    behaviorCode: 'W-0702-01',
  },
  {
    line: 0,
    state: 'ACKED',
    push: 'sent',
    platformNo: 'P2025112400011',
    behaviorCode: 'W-0702-03',
    revision: 2,
  },
  { line: 3, state: 'READY', dueAtMs: DAY_START_MS + 36 * HOUR_MS },
  { line: 2, state: 'PARKED', revision: 0 },
  { line: 10, state: 'PUSH_FAILED', push: 'dead', lastError: 'HTTP 422: unknown region' },
  { line: 4, state: 'WITHDRAWN', status: 'NOT_STANDING', revision: 0 },
];

async function insertClues(db: Kysely<Database>): Promise<void> {
  for (const [i, { line: index, push, lastError, ...state }] of CLUES.entries()) {
    const line = LINES[index]!;
    const result = resultOfLine(line, 'exceeded', i > 0);
    const clueNo = `CL${REGION}${i > 0 ? '20251123' : '20251124'}${'7QK4M0ZD'.slice(i)}${'X3TR9B'.slice(0, i)}`;
    const evidence = makePackage({
      schemaVersion: 1,
      clueNo,
      revision: 1,
      result,
      inputs: { sample: i },
    });
    const fit = state.revision !== 0;
    await insertClue(db, {
      ...state,
      clueNo,
      pos: 184_000 - i * 100,
      result,
      enterpriseName: COMPANIES[line.company]!.name,
      postName: line.name,
      evidence: fit ? evidenceOf(evidence) : null,
    });
    if (fit) await insertPackage(db, clueNo, evidence);
    if (push !== undefined) {
      const row = { clueNo, revision: state.revision ?? 1, state: push };
      await insertOutbox(db, lastError === undefined ? row : { ...row, lastError });
    }
  }
}

const evidenceOf = ({
  packageId,
  sm3,
  bytes,
}: EvidencePackage): NonNullable<ClueSpec['evidence']> => ({
  packageId,
  sha256: packageId,
  sm3,
  bytes,
  url: null,
  sealed: true,
});

export async function insertPackage(
  db: Kysely<Database>,
  clueNo: string,
  { packageId, revision, sm3, bytes, body }: EvidencePackage,
): Promise<void> {
  await db
    .insertInto('enforcement.evidence_package')
    .values({ package_id: packageId, clue_no: clueNo, revision, sm3, bytes, body })
    .execute();
}
