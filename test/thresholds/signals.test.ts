import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { Signal } from '../../src/model/exposure.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import {
  chained,
  chunked,
  createTestJournal,
  crewFact,
  DAY,
  DAY_START_MS,
  deviceFact,
  fact,
  HOUR,
  liveJournal,
  MIN,
  minutes,
  runDay,
  runEntries,
  seconds,
  unnumbered,
  type WorldOptions,
  worldFacts,
} from './world.ts';

const overLimits = (signals: readonly Signal[], kind: string) =>
  signals.flatMap((s) =>
    s.kind === 'OVER_LIMIT' && s.result.subject.limitKind === kind ? [s] : [],
  );
const after = minutes([[0, 5]], DAY_START_MS + 8 * HOUR);
/** 40 mg/m³ on the mean; a value that stands still would be a finding of its own. */
const HOT = [
  ...minutes(Array.from({ length: 480 }, (_, i) => [i % 2 === 0 ? 40.1 : 39.9, 1] as const)),
  ...after,
];

describe('an exceedance that has become certain', () => {
  it('is told hours before the shift ends, once, with its minute', () => {
    // 40 − U 1 must pass 20: (40 m − 480) / 480 > 20 first after m = 253.
    const found = overLimits(runDay({}, HOT).signals, 'PC_TWA');
    expect(found.map(({ final, atMs }) => [final, (atMs - DAY_START_MS) / MIN])).toEqual([
      [false, 253],
      [true, 480],
    ]);
    expect(found[0]!.result).toMatchObject({ revision: 0, verdict: 'exceeded' });
    expect(found[0]!.result.certainAtMs).toBe(DAY_START_MS + 253 * MIN);
    expect(found[1]!.result.certainAtMs).toBe(DAY_START_MS + 253 * MIN);
    expect(found[1]!.obstacles).toEqual([]);
  });

  it('is the same result whether batches hold a second or an hour', () => {
    const small = overLimits(
      runEntries(liveJournal({}, chained(chunked(HOT, 1)))).signals,
      'PC_TWA',
    );
    const large = overLimits(
      runEntries(liveJournal({}, chained(chunked(HOT, 60)))).signals,
      'PC_TWA',
    );
    expect(large.map(({ result }) => result.resultHash)).toEqual(
      small.map(({ result }) => result.resultHash),
    );
  });

  it.each([
    [
      'PC_STEL',
      {},
      [
        [0, 30],
        [90, 10],
        [0, 440],
      ],
      36,
    ],
    [
      'MAC',
      { altitudeM: 2_500 },
      [
        [0, 30],
        [90, 10],
        [0, 440],
      ],
      31,
    ],
    [
      'LEX_8H',
      { factor: 'noise', unit: 'dB(A)', range: [20, 140] },
      [
        [60, 30],
        [101, 450],
      ],
      46,
    ],
  ] as const)(
    'of %s is told at the first minute that decides it',
    (kind, world, segments, minute) => {
      const run = runDay(world as WorldOptions, [...minutes(segments), ...after]);
      const [first] = overLimits(run.signals, kind);
      expect(first!.final).toBe(false);
      expect((first!.atMs - DAY_START_MS) / MIN).toBe(minute);
    },
  );

  it('waits for the grace when sequence numbers are missing', () => {
    const journal = createTestJournal();
    const facts = worldFacts().map((f) => journal.fact(f, DAY_START_MS - HOUR));
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    runEntries(facts, engine);
    const batches = chained(chunked(HOT, 1)).filter((_, i) => i !== 10);
    const certain = batches.findIndex((b) =>
      runEntries([journal.batch(b, b.frames[0]!.at)], engine).signals.some(
        (s) => s.kind === 'OVER_LIMIT' && s.result.subject.limitKind === 'PC_TWA',
      ),
    );
    // Minute 254 decides (one is missing); it is told when the watermark is two minutes further.
    expect(batches[certain]!.frames[0]!.at).toBe(DAY_START_MS + 256 * MIN);
  });

  it('is withdrawn when a mark learnt late takes its proof away', () => {
    const journal = createTestJournal();
    const entries: JournalEntry[] = [
      ...worldFacts().map((f) => journal.fact(f, DAY_START_MS - HOUR)),
      ...chained(chunked(HOT, 5)).map((b) => journal.batch(b, b.frames.at(-1)!.at)),
    ];
    const run = runEntries(entries);
    expect(run.last('PC_TWA').verdict).toBe('exceeded');
    const mark = fact('mark', {
      id: 'm',
      device: 'dev-1',
      fromMs: DAY_START_MS,
      toMs: DAY_START_MS + 8 * HOUR,
      kind: 'CALIBRATION',
      by: 'lab',
    });
    const late = DAY_START_MS + 10 * HOUR;
    const end = runEntries([journal.fact(mark, late), journal.tick(late + 2 * MIN)], run.engine);
    expect(end.last('PC_TWA')).toMatchObject({ verdict: 'indeterminate', revision: 2 });
    expect(end.signals.map(({ kind }) => kind)).toContain('OVER_LIMIT_WITHDRAWN');
  });

  it('names a broken chain as an obstacle', () => {
    const batches = chained(chunked(HOT, 5));
    const broken = batches.map((b, i) => (i === 50 ? { ...b, prev: 'f'.repeat(64) } : b));
    const { signals } = runEntries(liveJournal({}, broken));
    expect(signals.filter(({ kind }) => kind === 'CHAIN_BROKEN')).toHaveLength(1);
    expect(overLimits(signals, 'PC_TWA').at(-1)!.obstacles).toEqual(['chain-broken']);
  });

  it('is not told of a basis that can only be suspected', () => {
    const { signals } = runDay({ basis: 'ASSUMED_FULL_SHIFT' }, HOT);
    expect(overLimits(signals, 'PC_TWA')).toEqual([]);
  });
});

describe('early warnings', () => {
  it.each([
    ['half the limit of a concentration', {}, 10, 480, 'PC_TWA', true],
    ['less', {}, 9.99, 480, 'PC_TWA', false],
    ['80 dB(A)', { factor: 'noise', unit: 'dB(A)', range: [20, 140] }, 80.01, 480, 'LEX_8H', true],
    [
      'less noise',
      { factor: 'noise', unit: 'dB(A)', range: [20, 140] },
      79.9,
      480,
      'LEX_8H',
      false,
    ],
  ] as const)('come at %s', (_, world, level, count, kind, comes) => {
    const run = runDay(world as WorldOptions, [...minutes([[level, count]]), ...after]);
    const warnings = run.signals.filter(
      (s) => s.kind === 'EARLY_WARNING' && s.standing.subject.limitKind === kind,
    );
    expect(warnings).toHaveLength(comes ? 1 : 0);
  });

  it('come 1 °C below the limit of heat for the planned time of contact', () => {
    const heat: WorldOptions = {
      factor: 'wbgt',
      unit: 'degC',
      range: [0, 60],
      labourIntensity: 'III',
    };
    const warned = (level: number) =>
      runDay(heat, [...minutes([[level, 480]]), ...after]).signals.some(
        ({ kind }) => kind === 'EARLY_WARNING',
      );
    expect([warned(25), warned(24.9)]).toEqual([true, false]);
  });
});

describe('standings and cells', () => {
  it('give a standing when it changes, while it is over and every fifth minute, and each cell once', () => {
    const run = runEntries(liveJournal({}, chained(chunked(HOT, 1))));
    const standings = run.outputs.flatMap((o) => (o.kind === 'standing' ? [o.standing] : []));
    const cells = run.outputs.flatMap((o) => (o.kind === 'cell' ? [o.cell] : []));
    for (const kind of ['PC_TWA', 'PC_STEL']) {
      const given = standings.filter(({ subject }) => subject.limitKind === kind);
      const minutes = given.map(({ asOfMs }) => (asOfMs - DAY_START_MS) / MIN);
      for (const [i, { state }] of given.entries()) {
        const before = given[i - 1]?.state;
        const isTold = state !== before || state === 'over' || minutes[i]! % 5 === 1;
        expect([kind, minutes[i], isTold]).toEqual([kind, minutes[i], true]);
        expect(minutes[i]! - (minutes[i - 1] ?? 0)).toBeLessThanOrEqual(5);
      }
      expect(new Set(given.map(({ state }) => state))).toContain('over');
    }
    expect(cells).toHaveLength(485);
    expect(standings.at(-1)!.state).toBe('over');
    expect(standings.at(-1)!.current).toBeCloseTo(40, 1);
    expect(standings[0]!.asOfMs).toBe(DAY_START_MS + MIN);
  });

  it('give a minute again when late data changed it', () => {
    const frames = seconds(Array.from({ length: 300 }, () => 10));
    const batches = unnumbered(chunked(frames, 20));
    const run = runEntries(liveJournal({}, [...batches.filter((_, i) => i !== 1), batches[1]!]));
    const first = run.outputs.flatMap((o) =>
      o.kind === 'cell' && o.cell.minuteMs === DAY_START_MS ? [o.cell.coveredSeconds] : [],
    );
    expect(first).toEqual([40, 60]);
  });

  it('give an energy mean for levels', () => {
    const world: WorldOptions = { factor: 'noise', unit: 'dB(A)', range: [20, 140] };
    const frames = seconds(Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? 80 : 90)));
    const cells = runEntries(liveJournal(world, chained([frames]))).outputs.flatMap((o) =>
      o.kind === 'cell' ? [o.cell] : [],
    );
    expect(cells[0]!.mean).toBeCloseTo(10 * Math.log10((1e8 + 1e9) / 2), 9);
    expect(cells[0]!.max).toBe(90);
  });
});

describe('facts learnt late', () => {
  it('revise the shifts they touch and no other', () => {
    const journal = createTestJournal();
    const frames = [...minutes([[40, 480]]), ...minutes([[40, 485]], DAY_START_MS + DAY)];
    const run = runEntries([
      ...worldFacts().map((f) => journal.fact(f, DAY_START_MS - HOUR)),
      ...chained(chunked(frames, 5)).map((b) => journal.batch(b, b.frames.at(-1)!.at)),
    ]);
    const late = DAY_START_MS + DAY + 10 * HOUR;
    const changed = crewFact({ basis: 'ASSUMED_FULL_SHIFT' }, DAY_START_MS + DAY);
    const end = runEntries([journal.fact(changed, late), journal.tick(late + MIN)], run.engine);
    expect(end.results.map((r) => [r.subject.shift.startMs, r.verdict, r.revision])).toEqual([
      [DAY_START_MS + DAY, 'suspected', 2],
      [DAY_START_MS + DAY, 'suspected', 2],
    ]);
  });

  it('do not bring back data that came before anything was known of the device', () => {
    const journal = createTestJournal();
    const data = chained(chunked(HOT, 5)).map((b) => journal.batch(b, b.frames.at(-1)!.at));
    const late = DAY_START_MS + 10 * HOUR;
    const facts = worldFacts().map((f) => journal.fact(f, late));
    const run = runEntries([
      ...data,
      ...facts,
      journal.tick(late + MIN),
      journal.tick(late + 2 * MIN),
    ]);
    expect(run.results).toEqual([]);
    expect(run.signals).toMatchObject([
      { kind: 'DATA_GAP', detail: { reason: 'unregistered-channel', recovered: 'never' } },
    ]);
  });

  it('of another gateway leave the readings of this one out', () => {
    const journal = createTestJournal();
    const facts = worldFacts().map((f) =>
      f.entity === 'device' ? { ...f, value: { ...f.value!, gateway: 'gw-2' } } : f,
    ) as ReturnType<typeof worldFacts>;
    const run = runEntries([
      ...facts.map((f) => journal.fact(f, DAY_START_MS - HOUR)),
      ...chained(chunked(HOT, 5)).map((b) => journal.batch(b, b.frames.at(-1)!.at)),
    ]);
    expect(run.outputs).toHaveLength(1);
    expect(run.signals).toMatchObject([{ detail: { reason: 'unregistered-channel' } }]);
  });
});

describe('bounds', () => {
  const reasons = (signals: readonly Signal[]): unknown[] =>
    signals.flatMap((s) => ('detail' in s ? [[s.kind, s.detail['reason']]] : []));

  it('leave out readings from the future and of more than 400 days, and say so once a day', () => {
    const journal = createTestJournal();
    const now = DAY_START_MS;
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    runEntries(
      worldFacts().map((f) => journal.fact(f, now - HOUR)),
      engine,
    );
    const at = (ms: number) => unnumbered([[{ at: ms, spanMs: 1_000, value: 1 }]])[0]!;
    const run = runEntries(
      [
        journal.batch(at(now + 121_000), now),
        journal.batch(at(now + 122_000), now),
        journal.batch(at(now - 401 * DAY), now),
        journal.batch(at(now + 120_000), now),
        journal.tick(now + MIN),
      ],
      engine,
    );
    expect(reasons(run.signals)).toEqual([
      ['CLOCK', 'ahead'],
      ['CLOCK', 'too-old'],
    ]);
  });

  it('leave out readings beyond the horizon, and say so once a day and channel', () => {
    const journal = createTestJournal();
    const settings = { ...DEFAULT_ENGINE_SETTINGS, horizonMs: DAY };
    const engine = createEngine(settings);
    const now = DAY_START_MS + 3 * DAY;
    const frames = (fromMs: number) => unnumbered([minutes([[30, 5]], fromMs)])[0]!;
    const run = runEntries(
      [
        ...worldFacts().map((f) => journal.fact(f, DAY_START_MS - HOUR)),
        journal.batch(frames(now - 5 * MIN), now),
        journal.tick(now),
        journal.batch(frames(DAY_START_MS), now),
        journal.batch(frames(DAY_START_MS + HOUR), now),
        journal.tick(now + HOUR),
      ],
      engine,
    );
    const gaps = run.signals.filter(({ kind }) => kind !== 'SILENCE');
    expect(reasons(gaps)).toEqual([['DATA_GAP', 'beyond-horizon']]);
  });

  it('judge a shift before it is forgotten, and keep no more than the horizon', () => {
    const journal = createTestJournal();
    const settings = { ...DEFAULT_ENGINE_SETTINGS, horizonMs: DAY };
    const engine = createEngine(settings);
    const day = (n: number) => minutes([[30, 480]], DAY_START_MS + n * DAY);
    const entries: JournalEntry[] = worldFacts().map((f) => journal.fact(f, DAY_START_MS - HOUR));
    const sizes: number[] = [];
    runEntries(entries, engine);
    const results = [0, 1, 2, 3, 4].flatMap((n) => {
      const batches = unnumbered(chunked(day(n), 60));
      const out = runEntries(
        [
          ...batches.map((b) => journal.batch(b, b.frames.at(-1)!.at)),
          journal.tick(DAY_START_MS + n * DAY + 9 * HOUR),
        ],
        engine,
      );
      sizes.push(engine.checkpoint().byteLength);
      return out.results;
    });
    expect(results).toHaveLength(10);
    expect(sizes[4]).toBeLessThan(sizes[2]! * 1.1);
  });

  it('leave out channels above the greatest number, and say so', () => {
    const settings = { ...DEFAULT_ENGINE_SETTINGS, channelsMax: 1 };
    const engine = createEngine(settings);
    const journal = createTestJournal();
    const at = DAY_START_MS;
    const batch = unnumbered([
      ['dev-1', 'dev-2'].map((device) => ({ at, spanMs: 1_000, value: 1, device })),
    ])[0]!;
    const second = { ...deviceFact(), id: 'dev-2', value: { ...deviceFact().value!, id: 'dev-2' } };
    const facts = [deviceFact(), second as ReturnType<typeof deviceFact>];
    const run = runEntries(
      [...facts.map((f) => journal.fact(f, at - HOUR)), journal.batch(batch, at)],
      engine,
    );
    expect(reasons(run.signals)).toEqual([['DATA_GAP', 'channels-max']]);
  });
});
