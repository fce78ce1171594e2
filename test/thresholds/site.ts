import type { JournalEntry } from '../../src/model/entry.ts';
import type { Fact } from '../../src/model/facts.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_SHIFT,
  DAY_START_MS,
  fact,
  GATEWAY,
  HOUR,
  minutes,
  type Run,
  runEntries,
  type TestFrame,
  USCC,
} from './world.ts';

/** Posts with several channels each, one crew. */
export interface Site {
  readonly posts: readonly object[];
  readonly crew?: object;
  /** Beside crew-1. */
  readonly crews?: readonly object[];
  /** Profile of the metric `x` of each device. */
  readonly devices: Readonly<Record<string, object>>;
  readonly facts?: readonly Fact[];
}

export const device = (id: string, profile: object, rest: object = {}, validFromMs = 0): Fact =>
  fact(
    'device',
    {
      id,
      point: 'pt-1',
      gateway: GATEWAY,
      model: 'm',
      serial: 's',
      metrics: [
        { metric: 'x', unit: 'mg/m3', range: [0, 500], uncertainty: { abs: 0 }, ...profile },
      ],
      certificate: {
        number: 'JL-1',
        issuer: 'I',
        mode: 'VERIFIED',
        fromMs: 0,
        untilMs: Date.parse('2030-01-01T00:00:00Z'),
      },
      ...rest,
    },
    validFromMs,
  );

export const postOf = (post: object, validFromMs = 0): Fact =>
  fact('post', { enterprise: USCC, name: 'P', exposedWorkers: 3, ...post }, validFromMs);

export const crewOf = (crew: object, validFromMs = 0): Fact =>
  fact(
    'crew',
    {
      post: 'post-1',
      name: 'A',
      workers: 3,
      basis: 'SCHEDULE',
      daysPerWeek: 5,
      shifts: [DAY_SHIFT],
      ...crew,
    },
    validFromMs,
  );

export const siteFacts = ({ posts, crew, crews = [], devices, facts = [] }: Site): Fact[] => [
  fact('enterprise', { uscc: USCC, name: 'E', region: '330106' }),
  ...posts.map((post, i) => postOf({ id: `post-${i + 1}`, ...post })),
  crewOf({ id: 'crew-1', ...crew }),
  ...crews.map((one) => crewOf(one)),
  ...Object.entries(devices).map(([id, profile]) => device(id, profile)),
  ...facts,
];

export const channel = (id: string, metric = 'x') => ({ device: id, metric });
export const hazard = (factor: string, id: string, rest: object = {}) => ({
  factor,
  primary: channel(id),
  ...rest,
});

/** Minutes of several devices, each ending with a value 5 min after. */
export function series(
  of: Readonly<Record<string, readonly (readonly [number | null, number])[]>>,
) {
  return Object.entries(of)
    .flatMap(([id, segments]) => minutes([...segments, [0, 5]]).map((f) => ({ ...f, device: id })))
    .sort((a, b) => a.at - b.at);
}

export function journalOf(
  site: Site,
  frames: readonly TestFrame[],
  late: readonly TestFrame[] = [],
  framesPerBatch = 60,
) {
  const journal = createTestJournal();
  const start = DAY_START_MS - DAY;
  let now = start;
  const entries: JournalEntry[] = siteFacts(site).map((one) => journal.fact(one, start));
  const hourly = (until: number): void => {
    for (let at = Math.ceil(now / HOUR) * HOUR; at <= until; at += HOUR) {
      entries.push(journal.tick(at));
    }
    now = Math.max(now, until);
  };
  for (const batch of chained([...chunked(frames, framesPerBatch)])) {
    now = Math.max(now, ...batch.frames.map(({ at }) => at));
    entries.push(journal.batch(batch, now + 100));
  }
  hourly(now + 4 * HOUR);
  if (late.length > 0) {
    const [batch] = chained([late], '01JX0000000000000000000001');
    entries.push(journal.batch({ ...batch!, epoch: null, seq: null, prev: null }, now + 100));
  }
  hourly(now + DAY);
  return entries;
}

export const runSite = (
  site: Site,
  frames: readonly TestFrame[],
  late: readonly TestFrame[] = [],
): Run => runEntries(journalOf(site, frames, late));
