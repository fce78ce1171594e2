import { describe, expect, it } from 'vitest';
import type { FactEntry, JournalEntry } from '../../src/model/entry.ts';
import type { Signal } from '../../src/model/exposure.ts';
import type { Fact } from '../../src/model/facts.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { joinStates, stateOf, wideState } from '../../src/thresholds/second-state.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  EPOCH,
  fact,
  GATEWAY,
  HOUR,
  liveJournal,
  MIN,
  minutes,
  runDay,
  runEntries,
  type TestBatch,
  type TestFrame,
  unnumbered,
  type WorldOptions,
  worldFacts,
} from './world.ts';

type Detailed = Extract<Signal, { detail: object }>;

const detailsOf = (signals: readonly Signal[], kind: Signal['kind']) =>
  signals.filter((s): s is Detailed => s.kind === kind && 'detail' in s).map((s) => s.detail);

describe('a gateway that makes names up', () => {
  it('costs no memory, and is told of once a day', () => {
    const journal = createTestJournal();
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    runEntries(
      worldFacts().map((f) => journal.fact(f, DAY_START_MS - DAY)),
      engine,
    );
    const before = engine.checkpoint().byteLength;
    const entries = Array.from({ length: 200 }, (_, i) => {
      const at = DAY_START_MS + i * MIN;
      const frames = [{ at, spanMs: HOUR, value: 1, device: `made-up-${i}` }];
      return journal.batch(unnumbered([frames])[0]!, at);
    });
    const run = runEntries(entries, engine);
    expect(run.outputs).toHaveLength(1);
    expect(detailsOf(run.signals, 'DATA_GAP')).toEqual([
      {
        reason: 'unregistered-channel',
        device: 'made-up-0',
        metric: 'x',
        readings: 1,
        recovered: 'never',
      },
    ]);
    expect(engine.checkpoint().byteLength).toBeLessThan(before + 1_000);
  });

  it('cannot take more channels than its own quota', () => {
    const journal = createTestJournal();
    const engine = createEngine({ ...DEFAULT_ENGINE_SETTINGS, gatewayChannelsMax: 0 });
    const frames = [{ at: DAY_START_MS, spanMs: MIN, value: 1 }];
    const run = runEntries(
      [
        ...worldFacts().map((f) => journal.fact(f, DAY_START_MS - DAY)),
        journal.batch(unnumbered([frames])[0]!, DAY_START_MS),
      ],
      engine,
    );
    expect(detailsOf(run.signals, 'DATA_GAP')).toMatchObject([{ reason: 'gateway-channels-max' }]);
  });

  it('cannot spread one channel over more than the horizon', () => {
    const journal = createTestJournal();
    const dates = Array.from({ length: 390 }, (_, i) => DAY_START_MS - i * DAY);
    const entries = unnumbered(dates.map((at) => [{ at, spanMs: HOUR, value: 1 }])).map((batch) =>
      journal.batch(batch, DAY_START_MS),
    );
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    const facts = worldFacts().map((f) => journal.fact(f, DAY_START_MS - DAY));
    const run = runEntries(
      [
        ...facts.map((f, i) => ({ ...f, pos: i + 1 })),
        ...entries.map((e, i) => ({ ...e, pos: i + 10 })),
      ],
      engine,
    );
    const reasons = detailsOf(run.signals, 'DATA_GAP').map(({ reason }) => reason);
    expect(reasons).toHaveLength(387);
    expect(new Set(reasons)).toEqual(new Set(['beyond-horizon']));
  });
});

describe('a mean over a span that crosses minutes', () => {
  const quiet = (count: number, fromMs: number): TestFrame[] => minutes([[1, count]], fromMs);

  it.each([
    ['an hour before and in the shift, for MAC', { factor: 'hydrogen-sulfide' }, 'MAC', 50],
    ['an hour before and in the shift, for PC-STEL', {}, 'PC_STEL', 400],
    ['an hour before and in the shift, for PC-TWA', {}, 'PC_TWA', 450],
  ])('of %s is at most suspected', (_, options: WorldOptions, kind, value) => {
    const hour = { at: DAY_START_MS + 30 * MIN, spanMs: HOUR, value };
    const run = runDay(options, [hour, ...quiet(460, hour.at)]);
    expect(run.last(kind).verdict).not.toBe('exceeded');
    expect(run.last(kind).window.lowerBound).toBeLessThan(10);
    expect(run.signals.filter((s) => s.kind === 'OVER_LIMIT')).toEqual([]);
  });

  it('reaching into a break is no proof of what was in contact', () => {
    const breaks = [{ from: '08:00', to: '08:30' }];
    const shifts = [{ name: 'd', days: [1], start: '08:00', end: '16:00', breaks }];
    const hour = { at: DAY_START_MS + HOUR, spanMs: HOUR, value: 450 };
    const run = runDay({ shifts }, [hour, ...quiet(430, hour.at)]);
    expect(run.last('PC_TWA').window.lowerBound).toBeLessThan(1.1);
  });

  it('wholly in contact counts for the shift, never for a window that slides', () => {
    const hours = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => ({
      at: DAY_START_MS + i * HOUR,
      spanMs: HOUR,
      value: 80,
    }));
    const run = runDay({}, [...hours, ...quiet(10, DAY_START_MS + 8 * HOUR)]);
    expect(run.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', coverage: 1 });
    expect(run.last('PC_TWA').window.lowerBound).toBeCloseTo(80, 9);
    expect(run.last('PC_STEL').verdict).toBe('suspected');
    const certain = run.signals.find((s) => s.kind === 'OVER_LIMIT' && !s.final);
    const { certainAtMs } = run.last('PC_TWA');
    expect((certainAtMs! - DAY_START_MS) % HOUR).toBe(0);
    if (certain !== undefined) expect(certain.atMs).toBe(certainAtMs);
  });

  it('counts for nothing of the least declared minutes', () => {
    const hour = { at: DAY_START_MS + 2 * HOUR, spanMs: HOUR, value: 450 };
    const options = { basis: 'DECLARED_MINUTES', declaredMinutes: 480 };
    const run = runDay(options, [...quiet(60, DAY_START_MS), hour, ...quiet(370, hour.at)]);
    expect(run.last('PC_TWA').window.lowerBound).toBeLessThan(1.1);
  });

  it('is exact for every window when it lies inside a minute of the grid', () => {
    const halves = minutes([[400, 480]]).flatMap((frame) => [
      { ...frame, at: frame.at - 30_000, spanMs: 30_000 },
      { ...frame, spanMs: 30_000 },
    ]);
    const run = runDay({}, [...halves, ...quiet(10, DAY_START_MS + 8 * HOUR)]);
    expect(run.last('PC_STEL').verdict).toBe('exceeded');
  });

  it('that was forged over part of another is no proof of either', () => {
    const hour = { at: DAY_START_MS + HOUR, spanMs: HOUR, value: 450 };
    const shifted = { ...hour, at: hour.at + 30 * MIN };
    const run = runDay({}, [hour, shifted, ...quiet(400, shifted.at)]);
    expect(run.last('PC_TWA').window.lowerBound).toBeLessThan(1.1);
  });
});

/** 80 on the mean; a value that stands still would be a finding of its own. */
/** Moves from minute to minute: a flat line would be an obstacle of its own. */
const moving = (frames: readonly TestFrame[]): TestFrame[] =>
  frames.map((frame, i) => ({ ...frame, value: frame.value! + (i % 2) }));

const LOUD = moving(
  minutes([
    [80, 480],
    [1, 10],
  ]),
);
const KEYED = fact('gateway', {
  id: GATEWAY,
  operator: 'E',
  region: '330106',
  publicKey: `${'A'.repeat(43)}=`,
});
const CLOCK = { source: 'ntp', offsetMs: 0, errMs: 20 } as const;

interface Case {
  readonly batches: readonly TestBatch[];
  /** Sent after the shift was judged. */
  readonly late?: readonly TestBatch[];
  readonly isKeyed?: boolean;
  readonly seal?: { readonly upTo: number; readonly hash: string };
}

/** A world whose shift is loud, judged, then told something more. */
function tell({ batches, late = [], isKeyed = false, seal }: Case): JournalEntry[] {
  const journal = createTestJournal();
  const facts = [...worldFacts(), ...(isKeyed ? [KEYED] : [])];
  const entries: JournalEntry[] = facts.map((f) => journal.fact(f, DAY_START_MS - DAY));
  let now = DAY_START_MS;
  for (const batch of batches) {
    now = Math.max(now, batch.frames.at(-1)!.at);
    entries.push(journal.batch(batch, now + 100));
  }
  for (let i = 1; i <= 30; i++) entries.push(journal.tick(now + i * MIN));
  now += 31 * MIN;
  for (const batch of late) entries.push(journal.batch(batch, now));
  if (seal !== undefined) {
    const { pos, receivedAtMs, sha256 } = journal.tick(now);
    const head = { gateway: GATEWAY, epoch: EPOCH, verified: true, ...seal };
    entries.push({ pos, receivedAtMs, sha256, kind: 'seal', ...head } as unknown as JournalEntry);
  }
  for (let i = 1; i <= 30; i++) entries.push(journal.tick(now + i * MIN));
  return entries;
}

const accusations = (signals: readonly Signal[], limitKind = 'PC_TWA') =>
  signals.flatMap((s) =>
    s.kind === 'OVER_LIMIT' && s.result.subject.limitKind === limitKind ? [s] : [],
  );

const OTHER_HASH = 'e'.repeat(64);

describe('joinStates() of exact and wide data of one value', () => {
  it('does not depend on order, grouping or repetition', () => {
    const exact = ([0, 1, 2] as const).flatMap((clock) => [
      stateOf(false, 'N', clock),
      stateOf(false, 'T', clock),
      stateOf(true, 'M', clock),
    ]);
    const parts = [0, 1, 2] as const;
    const states = exact.flatMap((state) => [
      state,
      ...parts.map((part) => wideState(state, part)),
    ]);
    const join = (a: number, b: number): number => joinStates(a, b, true);
    for (const a of states) {
      expect(join(a, a)).toBe(a);
      for (const b of states) {
        expect(join(a, b)).toBe(join(b, a));
        for (const c of states) {
          if (join(join(a, b), c) !== join(a, join(b, c))) expect([a, b, c]).toEqual([]);
        }
      }
    }
  });
});

describe('a chain that turns out broken after the clue', () => {
  /** A batch of another device, so that no reading of the shift changes. */
  const batches = chained(
    chunked(LOUD, 10).toSpliced(20, 0, [
      { at: LOUD[205]!.at, spanMs: MIN, value: 1, device: 'dev-2' },
    ]),
  );

  it('tells the same result again, with the obstacle and under another key', () => {
    const forged = { ...batches[20]!, hash: 'a'.repeat(64) };
    const run = runEntries(tell({ batches: batches.filter((_, i) => i !== 20), late: [forged] }));
    const told = accusations(run.signals);
    const [before, after] = [told.at(-2)!, told.at(-1)!];
    expect(before.obstacles).not.toContain('chain-broken');
    expect(after).toMatchObject({ final: true, obstacles: ['chain-broken'] });
    expect(after.result).toEqual(before.result);
    expect(after.signalKey).not.toBe(before.signalKey);
  });

  it('tells it of a certain exceedance before the shift ends', () => {
    const steep = minutes([
      [80, 30],
      [1, 200],
    ]);
    const chain = chained(chunked(steep, 10));
    const broken = chain.map((b, i) => (i === 4 ? { ...b, prev: OTHER_HASH } : b));
    const run = runEntries(tell({ batches: broken.slice(0, 8) }));
    const told = accusations(run.signals, 'PC_STEL');
    expect(told.map(({ final }) => final)).toEqual([false, false]);
    expect(told.map(({ obstacles }) => obstacles)).toEqual([[], ['chain-broken']]);
  });

  it('is found by a verified seal that comes after further batches', () => {
    const seal = { upTo: 30, hash: OTHER_HASH };
    const run = runEntries(tell({ batches, seal, isKeyed: true }));
    expect(accusations(run.signals).at(-1)!.obstacles).toContain('chain-broken');
    const right = { upTo: 30, hash: batches[29]!.hash };
    const fine = runEntries(tell({ batches, seal: right, isKeyed: true }));
    expect(accusations(fine.signals).at(-1)!.obstacles).not.toContain('chain-broken');
  });

  it('is placed where its data are, also when they come the day after', () => {
    const journal = createTestJournal();
    const now = DAY_START_MS + DAY + 2 * HOUR;
    const seal = { upTo: 49, hash: OTHER_HASH };
    const entries: JournalEntry[] = [
      ...[...worldFacts(), KEYED].map((f) => journal.fact(f, DAY_START_MS - DAY)),
      ...batches.map((b, i) => journal.batch(b, now + i * 100)),
    ];
    const { pos, receivedAtMs, sha256 } = journal.tick(now + MIN);
    const head = { gateway: GATEWAY, epoch: EPOCH, verified: true, ...seal };
    entries.push({ pos, receivedAtMs, sha256, kind: 'seal', ...head } as unknown as JournalEntry);
    for (let i = 2; i < 60; i++) entries.push(journal.tick(now + i * MIN));
    const run = runEntries(entries);
    expect(accusations(run.signals).at(-1)!.obstacles).toContain('chain-broken');
    expect(run.signals.find(({ kind }) => kind === 'CHAIN_BROKEN')!.atMs).toBe(DAY_START_MS);
  });

  it('is not forgotten for a hundred breaks that follow', () => {
    const after = minutes([[1, 900]], LOUD.at(-1)!.at);
    const long = chained(chunked([...LOUD, ...after], 8));
    const broken = long.map((b, i) => (i === 3 || i > 62 ? { ...b, prev: OTHER_HASH } : b));
    const late = [{ ...broken[20]! }];
    const run = runEntries(tell({ batches: broken.filter((_, i) => i !== 20), late }));
    expect(accusations(run.signals).at(-1)!.obstacles).toEqual(['chain-broken']);
  });

  it('says the same after a restore at any point', () => {
    const entries = tell({ batches, seal: { upTo: 30, hash: OTHER_HASH }, isKeyed: true });
    const wanted = runEntries(entries).outputs;
    for (const cut of [40, 60, entries.length - 31]) {
      const first = runEntries(entries.slice(0, cut));
      const restored = restoreEngine(first.engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      const rest = runEntries(entries.slice(cut), restored.value);
      expect([...first.outputs, ...rest.outputs]).toEqual(wanted);
    }
  });
});

describe('a gateway with a registered key', () => {
  const clocked = (batches: readonly TestBatch[]) => batches.map((b) => ({ ...b, clock: CLOCK }));
  const obstacles = (one: Case): readonly string[] =>
    accusations(runEntries(tell(one)).signals).at(-1)!.obstacles;

  it('is never proof without epoch, seq and prev', () => {
    const plain = clocked(unnumbered(chunked(LOUD, 10)));
    expect(obstacles({ batches: plain, isKeyed: true })).toEqual(['unchained']);
    expect(obstacles({ batches: plain })).toEqual([]);
    expect(obstacles({ batches: clocked(chained(chunked(LOUD, 10))), isKeyed: true })).toEqual([]);
  });

  it('is never proof when it does not say how right its clock is', () => {
    const batches = chained(chunked(LOUD, 10));
    expect(obstacles({ batches, isKeyed: true })).toEqual(['clock-unknown']);
  });
});

describe('a clock that nothing sets', () => {
  it('gives no clue from windows up to 15 min, whatever it says of its error', () => {
    const free = { source: 'free', offsetMs: 0, errMs: 0 } as const;
    const loud = minutes([
      [400, 480],
      [1, 10],
    ]);
    const batches = chained(chunked(loud, 10)).map((b) => ({ ...b, clock: free }));
    const run = runEntries(tell({ batches }));
    expect(run.last('PC_STEL').excludedSeconds).toEqual({ clock: 480 * 60 });
    expect(run.last('PC_TWA').verdict).toBe('exceeded');
  });
});

describe('a gateway replaced in the middle of a shift', () => {
  const MIDDLE_MS = DAY_START_MS + 2 * HOUR;

  function replaced(value: number): JournalEntry[] {
    const journal = createTestJournal();
    const facts = worldFacts();
    const entries: JournalEntry[] = facts.map((f) => journal.fact(f, DAY_START_MS - DAY));
    for (const b of chained(chunked(minutes([[1, 120]]), 10))) {
      entries.push(journal.batch(b, b.frames.at(-1)!.at));
    }
    const device = facts.find(({ entity }) => entity === 'device')!;
    const moved = { ...device.value!, gateway: 'gw-2' };
    const told = { ...device, validFromMs: MIDDLE_MS, value: moved } as typeof device;
    entries.push(journal.fact(told, MIDDLE_MS));
    const rest = minutes(
      [
        [value, 360],
        [1, 10],
      ],
      MIDDLE_MS,
    );
    for (const b of chained(chunked(rest, 10), '01JX0000000000000000000002')) {
      const entry = journal.batch(b, b.frames.at(-1)!.at);
      entries.push({ ...entry, gateway: 'gw-2' } as JournalEntry);
    }
    for (let i = 1; i < 60; i++) entries.push(journal.tick(DAY_START_MS + 8 * HOUR + i * MIN));
    return entries;
  }

  it('leaves none of the shift unseen', () => {
    const run = runEntries(replaced(200));
    expect(run.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', coverage: 1 });
    expect(run.last('PC_TWA').window.lowerBound).toBeCloseTo((120 + 360 * 200) / 480, 9);
    expect(run.last('PC_TWA').excludedSeconds).toEqual({});
    expect(accusations(run.signals).at(-1)).toMatchObject({ final: true });
  });

  it('is revised by late data of either', () => {
    const entries = replaced(2);
    const lost = entries.findIndex((e) => e.kind === 'batch' && e.gateway === 'gw-2') + 5;
    const late = entries[lost]!;
    const last = entries.at(-1)!.pos;
    const receivedAtMs = DAY_START_MS + 10 * HOUR;
    const run = runEntries([
      ...entries.filter((_, i) => i !== lost),
      { ...late, pos: last + 1, receivedAtMs },
      ...[1, 20].map((i): JournalEntry => {
        const atMs = receivedAtMs + i * MIN;
        return { ...entries.at(-1)!, kind: 'tick', pos: last + 1 + i, receivedAtMs: atMs, atMs };
      }),
    ]);
    expect(run.last('PC_TWA')).toMatchObject({ coverage: 1, revision: 2 });
  });
});

describe('a fact learnt beyond the horizon', () => {
  it('is told: what was judged stays as it was', () => {
    const journal = createTestJournal();
    const entries: JournalEntry[] = worldFacts().map((f) => journal.fact(f, DAY_START_MS - DAY));
    let now = 0;
    for (const b of chained(chunked([...LOUD, ...minutes([[1, 5_760]], LOUD.at(-1)!.at)], 30))) {
      now = b.frames.at(-1)!.at;
      entries.push(journal.batch(b, now), journal.tick(now));
    }
    const span = { fromMs: DAY_START_MS, toMs: DAY_START_MS + 8 * HOUR };
    const mark = { id: 'm1', device: 'dev-1', ...span, kind: 'CALIBRATION', by: 'x' };
    entries.push(journal.fact(fact('mark', mark, DAY_START_MS), now));
    const run = runEntries(entries);
    expect(detailsOf(run.signals, 'DATA_GAP')).toEqual([
      {
        reason: 'fact-beyond-horizon',
        entity: 'mark',
        id: 'm1',
        fromMs: span.fromMs,
        untilMs: span.toMs,
      },
    ]);
  });
});

describe('a registry that forgets a sensor which goes on', () => {
  const moved = (gateway: string) => {
    const at = DAY_START_MS + 2 * HOUR;
    const frames = minutes([[50, 480]]);
    const entries = liveJournal({}, chained(chunked(frames, 10)));
    const start = entries.findIndex((entry) => entry.kind === 'batch');
    const { fact: known } = entries.find(
      (entry): entry is FactEntry => entry.kind === 'fact' && entry.fact.entity === 'device',
    )!;
    const value = gateway === '' ? null : { ...(known.value as object), gateway };
    const told = { ...known, validFromMs: at, value } as Fact;
    const entry = { kind: 'fact', pos: 0, receivedAtMs: at - DAY, sha256: '', fact: told } as const;
    return runEntries(
      entries.toSpliced(start, 0, entry as never).map((one, i) => ({ ...one, pos: i + 1 })),
    ).signals;
  };

  it.each([
    ['is moved to a gateway from which nothing comes', 'gw-9'],
    ['is struck off', ''],
  ])('says so once a day when it %s', (_, gateway) => {
    const told = moved(gateway).filter(
      (signal) => signal.kind === 'DATA_GAP' && signal.detail['reason'] === 'unregistered-minutes',
    );
    expect(told).toHaveLength(1);
  });
});
