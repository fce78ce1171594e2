import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import { FactorId } from '../../src/model/ids.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import { evaluateRule } from '../../src/thresholds/evaluate-rule.ts';
import { lawFaults } from '../../src/thresholds/limits/law-faults.ts';
import { findLimitSet, loadLimitSet, rowsInForce } from '../../src/thresholds/limits/limit-set.ts';
import { compareEditions, resultsUnder } from '../../src/thresholds/limits/other-edition.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  fact,
  HOUR,
  MIN,
  minutes,
  runEntries,
  type TestJournal,
  type WorldOptions,
  worldFacts,
} from './world.ts';

const BENZENE: WorldOptions = { factor: 'benzene', uncertainty: { abs: 0.1 }, range: [0, 100] };

/** A day at a constant value, and the next ones alike. */
const days = (value: number, count = 1) =>
  Array.from({ length: count }, (_, day) => [
    ...minutes([[value, 480]], DAY_START_MS + day * DAY),
    ...minutes([[0, 5]], DAY_START_MS + day * DAY + 8 * HOUR),
  ]).flat();

interface Told {
  readonly journal: TestJournal;
  readonly entries: JournalEntry[];
}

function toldDays(options: WorldOptions, value: number, count = 1): Told {
  const journal = createTestJournal();
  const entries: JournalEntry[] = worldFacts(options).map((f) =>
    journal.fact(f, DAY_START_MS - DAY),
  );
  for (const batch of chained(chunked(days(value, count), 5))) {
    entries.push(journal.batch(batch, batch.frames.at(-1)!.at));
  }
  return { journal, entries };
}

const confirmation = (row: string, rowValidFrom: string, validFromMs: number, more = {}) =>
  fact(
    'limitConfirmation',
    {
      id: `${row}-read`,
      row,
      rowValidFrom,
      reference: 'GBZ 2.1-2019, printed edition, p. 12',
      by: 'administrator',
      ...more,
    },
    validFromMs,
  );

const verdicts = (entries: readonly JournalEntry[]) => {
  const { results } = runEntries(entries);
  return results
    .filter(({ subject }) => subject.limitKind === 'PC_TWA')
    .map(({ verdict, limit, revision }) => [verdict, limit.value, revision]);
};

describe('an unconfirmed amendment (benzene 6/10 → 3/6)', () => {
  it.each([
    // Of either edition, 2.9 + 0.1 complies.
    [2.8, 'within', 3],
    [4, 'suspected', 3],
    [5.9, 'suspected', 3],
    [6.5, 'exceeded', 6],
  ])('judges %d mg/m3 as %s against %d', (value, verdict, limit) => {
    expect(verdicts(toldDays(BENZENE, value).entries)).toEqual([[verdict, limit, 1]]);
  });

  it('accuses by the confirmed limit as soon as that is certain', () => {
    const { signals } = runEntries(toldDays(BENZENE, 12).entries);
    const first = signals.find((signal) => signal.kind === 'OVER_LIMIT');
    expect(first).toMatchObject({ final: false, result: { limit: { value: 10 } } });
    const twa = signals.find(
      (signal) => signal.kind === 'OVER_LIMIT' && signal.result.subject.limitKind === 'PC_TWA',
    );
    // (12 m − 48) / 480 > 6 first after m = 245.
    expect((twa!.atMs - DAY_START_MS) / MIN).toBe(245);
    expect(twa).toMatchObject({ final: false, result: { limit: { value: 6, confirmed: true } } });
  });

  it('gives a stranger the same result from the inputs of the signal alone', () => {
    const { signals } = runEntries(toldDays(BENZENE, 12).entries);
    for (const signal of signals) {
      if (signal.kind !== 'OVER_LIMIT') continue;
      const inputs = JSON.parse(JSON.stringify(signal.inputs)) as RuleInputs;
      expect(evaluateRule(inputs).resultHash).toBe(signal.result.resultHash);
    }
  });
});

describe('a confirmation of a limit row', () => {
  const before = confirmation('benzene', '2022-11-01', 0);

  it('lifts the cap from its date, and says what was read', () => {
    const { journal, entries } = toldDays(BENZENE, 4);
    // As an import before any data has it.
    const confirmed = [journal.fact(before, DAY_START_MS - DAY), ...entries].map((entry, i) => ({
      ...entry,
      pos: i + 1,
    }));
    const result = runEntries(confirmed).last('PC_TWA');
    expect(result).toMatchObject({
      verdict: 'exceeded',
      limit: {
        value: 3,
        confirmed: true,
        confirmation: 'GBZ 2.1-2019, printed edition, p. 12',
      },
    });
  });

  it('rewrites nothing that was judged, though it is dated back', () => {
    const { journal, entries } = toldDays(BENZENE, 4, 2);
    const secondDay = entries.findIndex(
      (entry) => entry.kind === 'batch' && entry.receivedAtMs > DAY_START_MS + 9 * HOUR,
    );
    const learnt = journal.fact(before, DAY_START_MS + 10 * HOUR);
    const all = [
      ...entries.slice(0, secondDay),
      learnt,
      ...entries.slice(secondDay),
      journal.tick(DAY_START_MS + DAY + 12 * HOUR),
      journal.tick(DAY_START_MS + DAY + 13 * HOUR),
    ].map((entry, i) => ({ ...entry, pos: i + 1 }));
    expect(verdicts(all)).toEqual([
      ['suspected', 3, 1],
      ['exceeded', 3, 1],
    ]);
  });

  it('confirms the kinds it names and no other', () => {
    const { journal, entries } = toldDays(BENZENE, 7);
    const ofStel = confirmation('benzene', '2022-11-01', 0, { kinds: ['PC_STEL'] });
    const all = [journal.fact(ofStel, 0), ...entries].map((entry, i) => ({ ...entry, pos: i + 1 }));
    const run = runEntries(all);
    expect(run.last('PC_STEL')).toMatchObject({ verdict: 'exceeded', limit: { value: 6 } });
    // 7 mg/m³ is above 6 as well: by the limit that was confirmed before.
    expect(run.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', limit: { value: 6 } });
  });

  it('of another version of the row, or of another row, lifts nothing', () => {
    for (const other of [
      confirmation('benzene', '2020-04-01', 0),
      confirmation('toluene', '2022-11-01', 0),
    ]) {
      const { journal, entries } = toldDays(BENZENE, 4);
      const all = [journal.fact(other, 0), ...entries].map((entry, i) => ({
        ...entry,
        pos: i + 1,
      }));
      expect(verdicts(all)).toEqual([['suspected', 3, 1]]);
    }
  });
});

describe('a change of the limit set', () => {
  const activate = (set: string, validFromMs: number) =>
    fact('limits', { id: 'limits', set }, validFromMs);

  it('judges later shifts, and leaves what was judged alone, though it is dated back', () => {
    const { journal, entries } = toldDays(BENZENE, 4, 2);
    const secondDay = entries.findIndex(
      (entry) => entry.kind === 'batch' && entry.receivedAtMs > DAY_START_MS + 9 * HOUR,
    );
    const all = [
      ...entries.slice(0, secondDay),
      journal.fact(activate('gbz-2019@2020-04-01', 0), DAY_START_MS + 10 * HOUR),
      ...entries.slice(secondDay),
      journal.tick(DAY_START_MS + DAY + 13 * HOUR),
    ].map((entry, i) => ({ ...entry, pos: i + 1 }));
    expect(verdicts(all)).toEqual([
      ['suspected', 3, 1],
      ['within', 6, 1],
    ]);
  });

  it('to a set that is not known judges nothing', () => {
    const { journal, entries } = toldDays(BENZENE, 4);
    const all = [journal.fact(activate('gbz-2031', 0), 0), ...entries].map((entry, i) => ({
      ...entry,
      pos: i + 1,
    }));
    expect(verdicts(all)).toEqual([]);
  });
});

describe('what the other edition would have said', () => {
  const { entries } = toldDays(BENZENE, 4);
  const now = loadLimitSet();
  const asIssued = findLimitSet('gbz-2019@2020-04-01')!;

  it('is told by a replay, and only where it differs', () => {
    const one = resultsUnder(now, entries, DEFAULT_ENGINE_SETTINGS);
    const other = resultsUnder(asIssued, entries, DEFAULT_ENGINE_SETTINGS);
    const differences = compareEditions(one, other);
    const twa = differences.find((d) => d.one?.subject.limitKind === 'PC_TWA');
    expect(twa).toMatchObject({
      one: { verdict: 'suspected', limit: { value: 3 } },
      other: { verdict: 'within', limit: { value: 6 } },
    });
    expect(compareEditions(one, resultsUnder(now, entries, DEFAULT_ENGINE_SETTINGS))).toEqual([]);
  });

  it('leaves out what only the other has', () => {
    const acetochlor = FactorId.parse('acetochlor');
    const query = { factor: acetochlor, atMs: DAY_START_MS, altitudeM: 0 };
    expect(rowsInForce(now, query)).toHaveLength(1);
    expect(rowsInForce(asIssued, query)).toEqual([]);
  });

  it('touches nothing that was given', () => {
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    const given = runEntries(entries, engine).results.map(({ resultHash }) => resultHash);
    resultsUnder(asIssued, entries, DEFAULT_ENGINE_SETTINGS);
    expect(runEntries(entries).results.map(({ resultHash }) => resultHash)).toEqual(given);
  });

  it.each(['gbz-2019@2019-01-01x', 'gbz-2019@', 'gbz-2007', 'gbz-2019@2001-01-01'])(
    'knows no edition %s',
    (id) => expect(findLimitSet(id)).toBeUndefined(),
  );
});

describe('altitude bands', () => {
  it('give exactly one row of carbon monoxide at any altitude', () => {
    fc.assert(
      fc.property(fc.double({ min: -400, max: 6_000, noNaN: true }), (altitudeM) => {
        const factor = FactorId.parse('carbon-monoxide');
        expect(rowsInForce(loadLimitSet(), { factor, atMs: DAY_START_MS, altitudeM })).toHaveLength(
          1,
        );
      }),
    );
  });
});

describe('what a registry file says of the law', () => {
  const confirmed = (change: object) => ({
    entity: 'limitConfirmation' as const,
    path: 'limitConfirmations.0',
    value: {
      id: 'c',
      row: 'benzene',
      rowValidFrom: '2022-11-01',
      reference: 'r',
      by: 'b',
      ...change,
    },
  });
  const activated = (set: string) => ({
    entity: 'limits' as const,
    path: 'limits',
    value: { id: 'limits', set },
  });

  it('is taken when set and row are known', () => {
    const entities = [activated('gbz-2019'), activated('gbz-2019@2020-04-01'), confirmed({})];
    expect(lawFaults(entities)).toEqual([]);
  });

  it('is refused with what is expected when they are not', () => {
    expect(
      lawFaults([
        activated('gbz-2031'),
        confirmed({ row: 'tvoc' }),
        confirmed({ rowValidFrom: '2022-01-01' }),
        confirmed({ kinds: ['MAC'] }),
      ]),
    ).toEqual([
      'limits: expected a known limit set, gbz-2019 or gbz-2019@YYYY-MM-DD; found "gbz-2031"',
      'limitConfirmations.0.row: expected a row of `wugan limits`; found "tvoc"',
      'limitConfirmations.0.rowValidFrom: expected 2020-04-01 or 2022-11-01; found "2022-01-01"',
      'limitConfirmations.0.kinds: expected PC_TWA, PC_STEL; found ["MAC"]',
    ]);
  });
});
