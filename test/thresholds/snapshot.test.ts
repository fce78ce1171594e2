import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  type Engine,
  engineRestorer,
} from '../../src/thresholds/engine.ts';
import { eventfulJournal, WORLD } from './eventful-journal.ts';
import { stretch } from './raw-stream.ts';
import {
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  HOUR,
  minutes,
  unnumbered,
  worldFacts,
} from './world.ts';

const SETTINGS = DEFAULT_ENGINE_SETTINGS;

/** Pieces by name, in order, as a store keeps them: what is stored already is taken over. */
type Stored = Map<string, Buffer>;

/** A snapshot whose pieces are taken some by some, with entries stepped between them. */
interface UnderWay {
  /** Takes the bytes of so many pieces; true: of all. */
  take(count: number): boolean;
  end(isStored: boolean): Stored;
  /** What the engine's whole state was. */
  readonly whole: Stored;
}

function begin(engine: Engine, before: Stored): UnderWay {
  const whole = wholeOf(engine);
  const snapshot = engine.snapshot();
  const pieces = [...snapshot.pieces];
  const stored: Stored = new Map();
  let next = 0;
  return {
    whole,
    take(count) {
      for (const piece of pieces.slice(next, next + count)) {
        const known = piece.isStored ? before.get(piece.name) : undefined;
        stored.set(piece.name, known ?? Buffer.from(piece.bytes()));
      }
      next += count;
      return next >= pieces.length;
    },
    end(isStored) {
      snapshot.end(isStored);
      return isStored ? stored : before;
    },
  };
}

function wholeOf(engine: Engine): Stored {
  const { pieces, end } = engine.snapshot();
  const all = new Map([...pieces].map((piece) => [piece.name, Buffer.from(piece.bytes())]));
  end(false);
  return all;
}

function restore(stored: Stored): Engine {
  const restorer = engineRestorer(SETTINGS);
  for (const [name, bytes] of stored) expect(restorer.take(name, bytes).ok).toBe(true);
  const engine = restorer.engine();
  if (!engine.ok) throw new Error(engine.detail);
  return engine.value;
}

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('step' as const), n: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const), n: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), n: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), n: fc.constant(0) }) },
);

describe('snapshot()', () => {
  it('holds the state of its position, whatever is stepped while its pieces are taken', () => {
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 8 }),
        fc.array(action, { minLength: 10, maxLength: 120 }),
        (stretches, actions) => {
          const entries = eventfulJournal(stretches);
          const twin = createEngine(SETTINGS);
          const wanted = entries.map((entry) => twin.step(entry));
          let engine = createEngine(SETTINGS);
          let stored: Stored = new Map();
          let storedAt = 0;
          let underWay: UnderWay | undefined;
          let begunAt = 0;
          let at = 0;
          const act = (kind: (typeof actions)[number]['kind'], n: number): void => {
            if (kind === 'step') {
              for (const end = Math.min(at + n, entries.length); at < end; at++) {
                expect(engine.step(entries[at]!)).toEqual(wanted[at]);
              }
            } else if (kind === 'take') {
              if (underWay === undefined) begunAt = at;
              underWay ??= begin(engine, stored);
              if (!underWay.take(n)) return;
              stored = underWay.end(true);
              storedAt = begunAt;
              expect([...stored]).toEqual([...underWay.whole]);
              underWay = undefined;
            } else if (kind === 'fail') {
              underWay?.end(false);
              underWay = undefined;
            } else if (stored.size > 0) {
              underWay = undefined;
              engine = restore(stored);
              at = storedAt;
            }
          };
          for (const { kind, n } of actions) act(kind, n);
          act('step', entries.length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes a closed hour once, and again only what late data changed of it', () => {
    /** Blocks and tables of hours that the next checkpoint writes; it is stored. */
    const changed = (engine: Engine): string[] => {
      const { pieces, end } = engine.snapshot();
      const names = [...pieces].filter(({ isStored }) => !isStored).map(({ name }) => name);
      end(true);
      return names.filter((name) => name.startsWith('hour-'));
    };
    const journal = createTestJournal();
    const engine = createEngine(SETTINGS);
    for (const fact of worldFacts(WORLD)) engine.step(journal.fact(fact, DAY_START_MS - DAY));
    const all = chunked(minutes([[90, 150]]), 6);
    const late = all[5]!;
    const live = all.filter((chunk) => chunk !== late);
    for (const frames of live)
      engine.step(journal.batch(unnumbered([frames])[0]!, frames.at(-1)!.at));
    const hour = DAY_START_MS / HOUR;
    expect(changed(engine)).toEqual(
      [0, 1, 2].flatMap((n) => [`hour-tables/${hour + n}/0`, `hour-blocks/${hour + n}/0`]),
    );
    expect(changed(engine)).toEqual([]);
    engine.step(journal.batch(unnumbered([late])[0]!, live.at(-1)!.at(-1)!.at));
    const next = minutes([[90, 152]]).slice(150);
    engine.step(journal.batch(unnumbered([next])[0]!, next.at(-1)!.at));
    expect(changed(engine)).toEqual(
      [0, 2].flatMap((n) => [`hour-tables/${hour + n}/0`, `hour-blocks/${hour + n}/0`]),
    );
  });
});
