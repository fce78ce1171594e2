import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import { rawStream, type Stretch, stretch } from './raw-stream.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  EPOCH,
  HOUR,
  liveJournal,
  MIN,
  minutes,
  type Run,
  runEntries,
  type TestBatch,
  type TestFrame,
  unnumbered,
  type WorldOptions,
  worldFacts,
} from './world.ts';

/** Two short shifts that follow one another, in another zone. */
const WORLD: WorldOptions = {
  range: [0, 100],
  timeZone: 'Asia/Tokyo',
  shifts: [
    { name: 'a', days: [1, 2], start: '09:00', end: '09:40' },
    { name: 'b', days: [1, 2], start: '09:40', end: '10:20' },
  ],
};
const LENGTH_S = 80 * 60;

const stretches = fc.array(stretch, { minLength: 1, maxLength: 12 });
/** A datum before the first shift and one after the last: the channel is known all the time. */
const framesOf = (parts: readonly Stretch[]): TestFrame[] => [
  { at: DAY_START_MS - MIN, spanMs: 1_000, value: 1 },
  ...rawStream(parts, LENGTH_S, [0, 100]).frames,
  { at: DAY_START_MS + LENGTH_S * 1_000 + 5 * MIN, spanMs: 1_000, value: 1 },
];

/** Facts, batches one a second from `fromMs`, ticks until everything has been judged. */
function deliver(batches: readonly TestBatch[], fromMs: number): JournalEntry[] {
  const journal = createTestJournal();
  const entries: JournalEntry[] = worldFacts(WORLD).map((f) => journal.fact(f, DAY_START_MS - DAY));
  for (const [i, batch] of batches.entries()) {
    const atMs = fromMs + i * 1_000;
    if (i % 60 === 0) entries.push(journal.tick(atMs));
    entries.push(journal.batch(batch, atMs));
  }
  const end = fromMs + batches.length * 1_000;
  for (let i = 1; i <= 30; i++) entries.push(journal.tick(end + i * MIN));
  return entries;
}

/** Hash of the last revision of each result that had data. */
function hashes({ results }: Run): Record<string, string> {
  const last: Record<string, string> = {};
  for (const result of results) {
    if (result.subject.shift.startMs < DAY_START_MS + 12 * HOUR) {
      last[result.resultKey] = result.resultHash;
    }
  }
  return last;
}

const LATER = DAY_START_MS + 26 * HOUR;

describe('whatever the order of arrival, once the same data are in', () => {
  it('live, shuffled and delivered as backfill the day after give the same result hashes', () => {
    fc.assert(
      fc.property(
        stretches,
        fc.integer({ min: 7, max: 60 }),
        fc.infiniteStream(fc.nat()),
        (parts, size, random) => {
          const batches = chained(chunked(framesOf(parts), size));
          const live = hashes(runEntries(liveJournal(WORLD, batches)));
          const shuffled = batches.toSorted(() => (random.next().value! % 3) - 1);
          expect(hashes(runEntries(deliver(batches, LATER)))).toEqual(live);
          expect(hashes(runEntries(deliver(shuffled, LATER)))).toEqual(live);
          expect(hashes(runEntries(deliver(batches.toReversed(), LATER)))).toEqual(live);
          expect(Object.keys(live)).toHaveLength(4);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('a producer without numbers may send anything twice, in any order, and counts once', () => {
    fc.assert(
      fc.property(
        stretches,
        fc.integer({ min: 7, max: 60 }),
        fc.infiniteStream(fc.nat()),
        (parts, size, random) => {
          const frames = framesOf(parts);
          const once = unnumbered(chunked(frames, size));
          const again = unnumbered(chunked(frames, size + 1));
          const mixed = [...once, ...again].toSorted(() => (random.next().value! % 3) - 1);
          const live = hashes(runEntries(liveJournal(WORLD, chained(chunked(frames, size)))));
          expect(hashes(runEntries(deliver(mixed, LATER)))).toEqual(live);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('batches that were parked and are read after an upgrade give what they would have given', () => {
    fc.assert(
      fc.property(stretches, fc.infiniteStream(fc.boolean()), (parts, isLater) => {
        const batches = chained(chunked(framesOf(parts), 30));
        const live = hashes(runEntries(liveJournal(WORLD, batches)));
        const parked = batches.filter(() => isLater.next().value);
        const entries = deliver([...batches, ...parked], LATER);
        const seen = new Set<unknown>();
        const asParked = (entry: JournalEntry): JournalEntry => {
          if (entry.kind !== 'batch' || seen.has(entry.seq)) return entry;
          seen.add(entry.seq);
          if (!parked.some(({ seq }) => seq === entry.seq)) return entry;
          const { batch: _, topic: __, conflict: ___, ...place } = entry;
          return { ...place, kind: 'parked' };
        };
        expect(hashes(runEntries(entries.map(asParked)))).toEqual(live);
      }),
      { numRuns: 15 },
    );
  });

  it('a copy of a batch after midnight counts once', () => {
    const batches = chained(chunked(framesOf([{ kind: 'value', length: 60, level: 0.5 }]), 20));
    const copied = [...batches, { ...batches[10]!, epoch: null, seq: null, prev: null }];
    const live = runEntries(liveJournal(WORLD, batches));
    const run = runEntries(deliver(copied, LATER));
    expect(hashes(run)).toEqual(hashes(live));
    expect(run.signals.filter(({ kind }) => kind === 'CONFLICT')).toEqual([]);
  });

  it('two different values for a second are excluded whichever came first', () => {
    const frames = framesOf([{ kind: 'value', length: 60, level: 0.5 }]);
    const other = unnumbered([[{ at: DAY_START_MS + 5_000, spanMs: 1_000, value: 77 }]]);
    const first = runEntries(deliver([...other, ...chained(chunked(frames, 20))], LATER));
    const last = runEntries(deliver([...chained(chunked(frames, 20)), ...other], LATER));
    expect(hashes(first)).toEqual(hashes(last));
    expect(first.last('PC_TWA').excludedSeconds).toEqual({ conflict: 1 });
    expect(first.signals.some(({ kind }) => kind === 'CONFLICT')).toBe(true);
  });

  it('a batch of a number that is in with other content conflicts where the values differ', () => {
    const batches = chained(chunked(framesOf([{ kind: 'value', length: 60, level: 0.5 }]), 20));
    const forged = {
      ...batches[3]!,
      conflict: true,
      frames: batches[3]!.frames.map((frame, i) => (i < 5 ? { ...frame, value: 99 } : frame)),
    };
    const run = runEntries(deliver([...batches, forged], LATER));
    expect(run.last('PC_TWA').excludedSeconds).toEqual({ conflict: 5 });
    const details = run.signals.flatMap((s) => ('detail' in s ? [s.detail['reason']] : []));
    expect(details).toEqual(expect.arrayContaining(['batch', 'second']));
  });
});

describe('a shift', () => {
  const DAY_WORLD: WorldOptions = { range: [0, 500] };
  const frames = minutes([
    [10, 480],
    [0, 10],
  ]);
  const batches = chained(chunked(frames, 5));
  const receive = (journal: ReturnType<typeof createTestJournal>, batch: TestBatch) =>
    journal.batch(batch, batch.frames.at(-1)!.at);

  function start() {
    const journal = createTestJournal();
    const facts = worldFacts(DAY_WORLD).map((f) => journal.fact(f, DAY_START_MS - HOUR));
    return { journal, facts };
  }

  it('waits for a missing sequence number, and is then judged at once', () => {
    const { journal, facts } = start();
    const rest = batches.filter((_, i) => i !== 20);
    const before = runEntries([...facts, ...rest.map((b) => receive(journal, b))]);
    expect(before.results).toEqual([]);
    const late = journal.batch(batches[20]!, DAY_START_MS + 9 * HOUR);
    const after = runEntries([late], before.engine);
    expect(after.last('PC_TWA')).toMatchObject({ coverage: 1, revision: 1 });
  });

  it('is judged at once when a gap says that the number never comes', () => {
    const { journal, facts } = start();
    const rest = batches.filter((_, i) => i !== 20);
    const lost = batches[20]!;
    const gap = journal.gap(
      {
        gateway: journal.batch(lost, 0).gateway,
        epoch: EPOCH,
        from: 21,
        to: 21,
        reason: 'spool-full',
        prev: lost.prev!,
        hash: lost.hash,
      },
      DAY_START_MS + 8 * HOUR,
    );
    const run = runEntries([
      ...facts,
      ...rest.map((b) => receive(journal, b)),
      { ...gap, pos: 10_000 },
    ]);
    expect(run.last('PC_TWA').observedSeconds).toBe(475 * 60);
    expect(run.signals).toContainEqual(expect.objectContaining({ kind: 'DATA_GAP' }));
    expect(run.signals.some(({ kind }) => kind === 'CHAIN_BROKEN')).toBe(false);
  });

  it('closes as incomplete 10 min after the last datum when a number stays missing', () => {
    const { journal, facts } = start();
    const rest = batches.filter((_, i) => i !== 20);
    const run = runEntries([...facts, ...rest.map((b) => receive(journal, b))]);
    const tickAt = (min: number) =>
      runEntries([journal.tick(DAY_START_MS + 8 * HOUR + min * MIN)], run.engine).results.length;
    expect(tickAt(9)).toBe(0);
    expect(tickAt(12)).toBe(2);
  });

  it('closes two minutes after its end by hub time when the sensor stops with the shift', () => {
    const { journal, facts } = start();
    const day = chained(chunked(minutes([[10, 480]]), 5));
    const run = runEntries([...facts, ...day.map((b) => receive(journal, b))]);
    expect(run.results).toEqual([]);
    const end = DAY_START_MS + 8 * HOUR;
    expect(runEntries([journal.tick(end + MIN)], run.engine).results).toEqual([]);
    expect(runEntries([journal.tick(end + 2 * MIN)], run.engine).results).toHaveLength(2);
  });

  it('does not close by hub time while its data lag behind it and keep coming', () => {
    const { journal, facts } = start();
    const now = DAY_START_MS + 30 * HOUR;
    const half = batches.slice(0, 48).map((b, i) => journal.batch(b, now + i * 1_000));
    const run = runEntries([...facts, ...half]);
    expect(runEntries([journal.tick(now + 5 * MIN)], run.engine).results).toEqual([]);
    expect(runEntries([journal.tick(now + 11 * MIN)], run.engine).results.length).toBeGreaterThan(
      0,
    );
  });

  it('that went by in silence is indeterminate, and revised when its data come', () => {
    const { journal, facts } = start();
    const sunday = minutes([[10, 1]], DAY_START_MS - HOUR);
    const [first, ...day] = chained([sunday, ...chunked(frames, 5)]);
    const quiet = runEntries([
      ...facts,
      receive(journal, first!),
      journal.tick(DAY_START_MS + 10 * HOUR),
    ]);
    expect(quiet.last('PC_TWA')).toMatchObject({ verdict: 'indeterminate', revision: 1 });
    const late = DAY_START_MS + 11 * HOUR;
    const filled = runEntries(
      [...day.map((b, i) => journal.batch(b, late + i * 100)), journal.tick(late + HOUR)],
      quiet.engine,
    );
    expect(filled.last('PC_TWA')).toMatchObject({ verdict: 'within', revision: 2, coverage: 1 });
  });

  it('that silence closed in its middle is judged again when one batch brings all the rest', () => {
    const { journal, facts } = start();
    const [morning, ...rest] = chunked(frames, 240);
    const [first, last] = chained([morning!, rest.flat()]);
    const quiet = runEntries([
      ...facts,
      receive(journal, first!),
      journal.tick(DAY_START_MS + 9 * HOUR),
    ]);
    expect(quiet.last('PC_TWA')).toMatchObject({ verdict: 'indeterminate', coverage: 0.5 });
    const late = DAY_START_MS + 11 * HOUR;
    const filled = runEntries(
      [journal.batch(last!, late), journal.tick(late + HOUR)],
      quiet.engine,
    );
    expect(filled.last('PC_TWA')).toMatchObject({ verdict: 'within', revision: 2, coverage: 1 });
  });

  it('is judged again at most every 10 min while late data come in, and keeps its last hash', () => {
    const { journal, facts } = start();
    const holes = frames.filter((_, i) => i % 100 !== 50);
    const missing = frames.filter((_, i) => i % 100 === 50 && i < 480);
    const run = runEntries([
      ...facts,
      ...unnumbered(chunked(holes, 5)).map((b) => receive(journal, b)),
    ]);
    const first = run.last('PC_TWA').revision;
    const late = DAY_START_MS + 9 * HOUR;
    const entries: JournalEntry[] = unnumbered(chunked(missing, 1)).flatMap((b, i) => [
      journal.batch(b, late + i * 2 * MIN),
      journal.tick(late + i * 2 * MIN + MIN),
    ]);
    for (let i = 0; i < 20; i++) entries.push(journal.tick(late + HOUR + i * MIN));
    const revised = runEntries(entries, run.engine);
    const revisions = revised.results.filter((r) => r.subject.limitKind === 'PC_TWA');
    expect(first).toBe(1);
    expect(revisions.length).toBeLessThanOrEqual(2);
    expect(revisions.at(-1)).toMatchObject({ coverage: 1 });
    const live = runEntries(liveJournal(DAY_WORLD, chained(chunked(frames, 5))));
    expect(revisions.at(-1)!.resultHash).toBe(live.last('PC_TWA').resultHash);
  });
});
