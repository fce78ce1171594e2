import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { Fact } from '../../src/model/facts.ts';
import { CrewId } from '../../src/model/ids.ts';
import type { LimitKind } from '../../src/model/limits.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import { rawStream, stretch } from './raw-stream.ts';
import { channel, device, hazard, postOf, type Site, siteFacts } from './site.ts';
import {
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  fact,
  frameOf,
  GATEWAY,
  HOUR,
  MIN,
  type Run,
  runEntries,
  type TestFrame,
  unnumbered,
} from './world.ts';

/** Two crews on one day, the second right after the first: short, so that many can be tried. */
const FIRST = { name: 'first', days: [1], start: '08:00', end: '08:20' };
const SECOND = { name: 'second', days: [1], start: '08:20', end: '08:40' };
const BREAK = { breaks: [{ from: '08:28', to: '08:31' }] };
const LENGTH_S = 40 * 60;
const METRIC = 'x';

interface Case {
  readonly rules: readonly LimitKind[];
  readonly site: Site;
  /** Of each device: what its metric can read, and the metric when it isn't `x`. */
  readonly reads: Readonly<Record<string, { range: readonly [number, number]; metric?: string }>>;
}

const crews = (second: object = {}, first: object = {}) => ({
  crew: { shifts: [FIRST], daysPerWeek: 5, ...first },
  crews: [
    { id: 'crew-2', post: 'post-1', shifts: [{ ...SECOND, ...BREAK }], daysPerWeek: 5, ...second },
  ],
});
const gas = (factor: string, top: number, rest: object = {}) => ({
  factor,
  range: [0, top],
  uncertainty: { abs: 1 },
  ...rest,
});
const level = { factor: 'noise', unit: 'dB(A)', range: [40, 120], uncertainty: { abs: 1 } };
const heat = { factor: 'wbgt', unit: 'degC', range: [15, 45], uncertainty: { abs: 0.3 } };
const wide = (top: number) => ({ range: [0, top] as const });

const CASES: Readonly<Record<string, Case>> = {
  'a primary and its backup': {
    rules: ['PC_TWA', 'PC_STEL'],
    site: {
      posts: [{ hazards: [hazard('carbon-monoxide', 'a', { backup: channel('b') })] }],
      ...crews({ basis: 'DECLARED_MINUTES', declaredMinutes: 12 }),
      devices: { a: gas('carbon-monoxide', 400), b: gas('carbon-monoxide', 400, { lod: 5 }) },
    },
    reads: { a: wide(400), b: wide(400) },
  },
  'the mean of two, across adjacent shifts': {
    rules: ['MAC'],
    site: {
      posts: [
        { hazards: [hazard('hydrogen-sulfide', 'a', { backup: channel('b'), feed: 'mean' })] },
      ],
      ...crews(),
      devices: {
        a: gas('hydrogen-sulfide', 60, { t90S: 100 }),
        b: gas('hydrogen-sulfide', 60, { unit: 'ppm' }),
      },
    },
    reads: { a: wide(60), b: wide(60) },
  },
  'the energy mean of two': {
    rules: ['LEX_8H', 'LEX_W'],
    site: {
      posts: [{ hazards: [hazard('noise', 'a', { backup: channel('b'), feed: 'mean' })] }],
      ...crews({ daysPerWeek: 1 }),
      devices: { a: level, b: level },
    },
    reads: { a: { range: [40, 120] }, b: { range: [40, 120] } },
  },
  'a mixture': {
    rules: ['MIXTURE', 'PC_TWA', 'PC_STEL'],
    site: {
      posts: [
        {
          hazards: [hazard('toluene', 'a'), hazard('acetone', 'b')],
          mixtures: [{ name: 'solvents', factors: ['toluene', 'acetone'] }],
        },
      ],
      ...crews({ basis: 'ASSUMED_FULL_SHIFT' }),
      devices: { a: gas('toluene', 900), b: gas('acetone', 5_000) },
    },
    reads: { a: wide(900), b: wide(5_000) },
  },
  'heat at three heights': {
    rules: ['WBGT'],
    site: {
      posts: [
        {
          labourIntensity: 'III',
          hazards: [
            hazard('wbgt', 'a', {
              parts: [
                { role: 'head', channel: channel('b') },
                { role: 'ankle', channel: channel('c') },
              ],
            }),
          ],
        },
      ],
      ...crews(),
      devices: { a: heat, b: heat, c: heat },
    },
    reads: { a: { range: [15, 45] }, b: { range: [15, 45] }, c: { range: [15, 45] } },
  },
  'heat from its parts, in the sun': {
    rules: ['WBGT'],
    site: {
      posts: [
        {
          labourIntensity: 'II',
          outdoor: true,
          hazards: [
            hazard('wbgt', 'a', {
              parts: [
                { role: 'globe', channel: channel('b') },
                { role: 'air', channel: channel('c') },
              ],
            }),
          ],
        },
      ],
      ...crews(),
      devices: { a: heat, b: heat, c: heat },
    },
    reads: { a: { range: [15, 45] }, b: { range: [15, 45] }, c: { range: [15, 45] } },
  },
  'nitrogen oxides': {
    rules: ['PC_TWA', 'PC_STEL'],
    site: {
      posts: [
        {
          hazards: [
            hazard('nitrogen-oxides', 'a', { parts: [{ role: 'no', channel: channel('b') }] }),
          ],
        },
      ],
      ...crews(),
      devices: { a: gas('nitrogen-dioxide', 80), b: gas('nitric-oxide', 80, { unit: 'ppm' }) },
    },
    reads: { a: wide(80), b: wide(80) },
  },
  'a presence record': {
    rules: ['PC_TWA', 'PC_STEL'],
    site: {
      posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
      ...crews(
        { basis: 'PRESENCE', presence: channel('b') },
        { basis: 'PRESENCE', presence: channel('b') },
      ),
      devices: {
        a: gas('carbon-monoxide', 500),
        b: { factor: 'presence', unit: '1', range: [0, 1] },
      },
    },
    reads: { a: wide(500), b: wide(1) },
  },
  'a carried instrument': {
    rules: ['PC_TWA', 'PC_STEL'],
    site: {
      posts: [{ hazards: [hazard('ammonia', 'a', { backup: channel('b') })] }],
      ...crews({ basis: 'PERSONAL' }, { basis: 'PERSONAL' }),
      devices: { a: gas('ammonia', 400), b: gas('ammonia', 400) },
    },
    reads: { a: wide(400), b: wide(400) },
  },
  'peaks above a limit without PC-STEL': {
    rules: ['PEAK', 'PC_TWA'],
    site: {
      posts: [{ hazards: [hazard('acetonitrile', 'a', { backup: channel('b') })] }],
      ...crews(),
      devices: { a: gas('acetonitrile', 300), b: gas('acetonitrile', 300) },
    },
    reads: { a: wide(300), b: wide(300) },
  },
  'impulses with their count': {
    rules: ['L_PEAK'],
    site: {
      posts: [
        {
          hazards: [
            {
              factor: 'noise',
              primary: channel('a', 'lapeak'),
              parts: [{ role: 'impulse-count', channel: channel('b') }],
            },
          ],
        },
      ],
      ...crews(),
      devices: {
        a: { ...level, metric: 'lapeak', range: [60, 150] },
        b: { factor: 'impulses', unit: 'count/min', range: [0, 900] },
      },
    },
    reads: { a: { range: [60, 150], metric: 'lapeak' }, b: wide(900) },
  },
  'a crew that goes from post to post': {
    rules: ['PC_TWA', 'PC_STEL'],
    site: {
      posts: [
        { hazards: [hazard('carbon-monoxide', 'a')] },
        { hazards: [hazard('carbon-monoxide', 'b')] },
      ],
      ...crews(
        {},
        {
          shifts: [
            {
              ...FIRST,
              segments: [
                { post: 'post-1', from: '08:00', to: '08:09' },
                { post: 'post-2', from: '08:09', to: '08:20' },
              ],
            },
          ],
        },
      ),
      devices: { a: gas('carbon-monoxide', 400), b: gas('carbon-monoxide', 400) },
    },
    reads: { a: wide(400), b: wide(400) },
  },
};

/** What happens beside the streams. */
interface Turns {
  /** Spans that cross minutes: [device, second at which they end, minutes, share of the range]. */
  readonly wide: readonly (readonly [number, number, number, number])[];
  /** Stretches of one device that come hours later: [device, from, seconds]. */
  readonly late: readonly (readonly [number, number, number])[];
  /** A mark on a device: [device, from, seconds], learnt before, during or after. */
  readonly mark: readonly [number, number, number] | null;
  /** From this second the second device is told to represent the post, or its uncertainty changes. */
  readonly changeAtS: number | null;
  /** Device that never speaks. */
  readonly mute: number | null;
  /** The primary is told to have been another device all along: one that never spoke, or the backup. */
  readonly replacedBy: 'ghost' | 'backup' | null;
  readonly learnt: 'before' | 'during' | 'after';
  readonly seed: number;
}

const second = fc.nat(LENGTH_S);
const which = fc.nat(2);
const turns: fc.Arbitrary<Turns> = fc.record({
  wide: fc.array(
    fc.tuple(
      which,
      second,
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    { maxLength: 3 },
  ),
  late: fc.array(fc.tuple(which, second, fc.integer({ min: 1, max: 1_500 })), { maxLength: 3 }),
  mark: fc.option(fc.tuple(which, second, fc.integer({ min: 1, max: 600 }))),
  changeAtS: fc.option(second),
  mute: fc.option(which),
  replacedBy: fc.constantFrom(null, null, 'ghost', 'backup'),
  learnt: fc.constantFrom('before', 'during', 'after'),
  seed: fc.nat(1_000),
});

const ranked = <T>(items: readonly T[], seed: number, rankOf: (item: T, noise: number) => number) =>
  items
    .map((item, i) => ({ item, rank: rankOf(item, Math.sin(seed + i * 7_919)) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

type Streams = readonly (readonly Parameters<typeof rawStream>[0][number][])[];

function framesOf({ reads }: Case, streams: Streams, { wide: spans, mute }: Turns): TestFrame[] {
  return Object.entries(reads).flatMap(([id, { range, metric = METRIC }], n) => {
    if (mute === n) return [];
    const named = { device: id, metric };
    const plain = rawStream(streams[n]!, LENGTH_S, range).frames.map((f) => ({ ...f, ...named }));
    const long = spans
      .filter(([of]) => of === n)
      .map(([, endS, minutes, share]) => ({
        ...{ at: DAY_START_MS + endS * 1_000, spanMs: minutes * 47_000, ...named },
        value: Math.round((range[0] + share * (range[1] - range[0])) * 10) / 10,
      }));
    return [...plain, ...long];
  });
}

/** Facts that are learnt at another time than the site's. */
function changesOf({ site, reads }: Case, { mark, changeAtS, replacedBy }: Turns): Fact[] {
  const ids = Object.keys(reads);
  const found: Fact[] = [];
  if (mark !== null) {
    const [of, fromS, lengthS] = mark;
    const fromMs = DAY_START_MS + fromS * 1_000;
    const span = { fromMs, toMs: fromMs + lengthS * 1_000 };
    const of_ = ids[of % ids.length];
    found.push(fact('mark', { id: 'm-1', device: of_, ...span, kind: 'CALIBRATION', by: 'x' }));
  }
  const [post] = site.posts as readonly {
    readonly hazards: readonly { primary: { device: string; metric: string }; backup?: object }[];
  }[];
  const [first, ...others] = post!.hazards;
  if (replacedBy === 'ghost') {
    const primary = { ...first!.primary, device: 'ghost' };
    found.push(device('ghost', site.devices[first!.primary.device]!));
    found.push(postOf({ id: 'post-1', ...post, hazards: [{ ...first, primary }, ...others] }));
  } else if (replacedBy === 'backup' && first?.backup !== undefined) {
    const swapped = { ...first, primary: first.backup, backup: first.primary };
    found.push(postOf({ id: 'post-1', ...post, hazards: [swapped, ...others] }));
  }
  if (changeAtS === null) return found;
  const atMs = DAY_START_MS + changeAtS * 1_000;
  if (first?.backup !== undefined) {
    const hazards = [{ ...first, feed: 'backup' }, ...others];
    found.push(postOf({ id: 'post-1', ...post, hazards }, atMs));
  } else {
    const [id, profile] = Object.entries(site.devices)[1]!;
    found.push(device(id, { ...profile, uncertainty: { abs: 2 } }, {}, atMs));
  }
  return found;
}

function journalOf(of: Case, frames: readonly TestFrame[], turn: Turns) {
  const journal = createTestJournal();
  const facts = siteFacts(of.site);
  const changes = changesOf(of, turn);
  const told: Fact[] = [...facts];
  const entries: JournalEntry[] = facts.map((one) => journal.fact(one, DAY_START_MS - DAY));
  const ids = Object.keys(of.reads);
  const tell = (when: Turns['learnt'], atMs: number): void => {
    if (turn.learnt !== when) return;
    for (const one of changes) {
      entries.push(journal.fact(one, atMs));
      told.push(one);
    }
  };
  tell('before', DAY_START_MS - HOUR);
  const isLate = ({ device: id, at }: TestFrame): boolean =>
    turn.late.some(([n, fromS, lengthS]) => {
      const atS = (at - DAY_START_MS) / 1_000;
      return ids[n % ids.length] === id && fromS < atS && atS <= fromS + lengthS;
    });
  // Within the grace, order is any.
  const live = ranked(
    frames.filter((f) => !isLate(f)),
    turn.seed,
    ({ at }, noise) => at + noise * 50_000,
  );
  let now = DAY_START_MS;
  const give = (batches: readonly (readonly TestFrame[])[], delayMs: number): void => {
    for (const batch of unnumbered(batches)) {
      now = Math.max(now, ...batch.frames.map(({ at }) => at + delayMs));
      entries.push(journal.batch(batch, now));
    }
  };
  const chunks = chunked(live, 20 + (turn.seed % 60));
  give(chunks.slice(0, chunks.length / 2), 100);
  tell('during', now);
  give(chunks.slice(chunks.length / 2), 100);
  // Some came twice.
  give(chunks.slice(2, 5), 100);
  const hourly = (hours: number): void => {
    const from = Math.ceil(now / HOUR);
    for (let h = 0; h < hours; h++) entries.push(journal.tick((from + h) * HOUR));
    now = (from + hours) * HOUR;
  };
  hourly(3);
  give(
    chunked(
      ranked(frames.filter(isLate), turn.seed, (_, noise) => noise),
      100,
    ),
    0,
  );
  tell('after', now);
  hourly(8);
  return { entries, facts: told };
}

/** Last revision of each rule of a crew's shift as the engine has it, without its number. */
function lastOf({ results }: Run, crew: string, shiftStartMs: number) {
  const last = new Map(
    results
      .filter(({ subject }) => subject.crew === crew && subject.shift.startMs === shiftStartMs)
      .map(({ revision: _, ...result }) => [result.resultKey, result]),
  );
  return [...last.values()].sort((a, b) => (a.resultKey < b.resultKey ? -1 : 1));
}

const SHIFTS = [
  ['crew-1', DAY_START_MS],
  ['crew-2', DAY_START_MS + 20 * MIN],
] as const;

describe.each(Object.entries(CASES))('%s', (_, of) => {
  it('the engine ends with what evaluateShift() gives from shuffled frames', () => {
    const verdicts = new Map<string, Set<string>>();
    const streams = fc.tuple(
      ...Array.from({ length: 3 }, () => fc.array(stretch, { minLength: 1, maxLength: 10 })),
    );
    fc.assert(
      fc.property(streams, turns, (stretches, turn) => {
        const frames = framesOf(of, stretches, turn);
        const { entries, facts } = journalOf(of, frames, turn);
        const engine = runEntries(entries);
        for (const [crew, shiftStartMs] of SHIFTS) {
          const shuffled = ranked(frames, turn.seed, (_frame, noise) => noise);
          const wanted = evaluateShift({
            facts,
            frames: shuffled.map((frame) => ({ gateway: GATEWAY, frame: frameOf(frame) })),
            crew: CrewId.parse(crew),
            shiftStartMs,
          });
          const sorted = wanted.toSorted((a, b) => (a.resultKey < b.resultKey ? -1 : 1));
          expect(lastOf(engine, crew, shiftStartMs)).toEqual(sorted);
          for (const { subject, verdict } of sorted) {
            const seen = verdicts.get(subject.limitKind) ?? new Set();
            verdicts.set(subject.limitKind, seen.add(verdict));
          }
        }
      }),
      { numRuns: 6 },
    );
    expect([...verdicts.keys()]).toEqual(expect.arrayContaining([...of.rules]));
  });
});
