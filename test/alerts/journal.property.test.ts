import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAlerts } from '../../src/alerts/apply.ts';
import { type CluePush, CluePush as CluePushSchema } from '../../src/alerts/clue-body.ts';
import { dueAtMs } from '../../src/alerts/due.ts';
import type { Signal } from '../../src/model/exposure.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createTestDatabase } from '../database/test-database.ts';
import {
  FIRST_POS,
  outputs,
  overLimit,
  projectRegistry,
  SHARD,
  SHIFT_END_MS,
  settings,
  withdrawn,
} from './exceedances.ts';

const SETTINGS = settings();

interface Entry {
  readonly afterMinutes: number;
  readonly signal: Signal | null;
}

const signal: fc.Arbitrary<Signal | null> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  {
    weight: 5,
    arbitrary: fc
      .record({
        day: fc.integer({ min: 0, max: 3 }),
        lowerBound: fc.constantFrom(25, 25.1, 30, 40),
        obstacle: fc.constantFrom(null, null, null, 'chain-broken'),
      })
      .map(({ day, lowerBound, obstacle }) =>
        overLimit({ day, lowerBound }, obstacle === null ? [] : [obstacle]),
      ),
  },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }).map((day) => withdrawn({ day })) },
);

const journal: fc.Arbitrary<Entry[]> = fc.array(
  fc.record({ afterMinutes: fc.constantFrom(1, 30, 400, 1_500), signal }),
  { minLength: 3, maxLength: 14 },
);

interface Told {
  readonly body: CluePush;
  readonly releasedAtMs: number;
}

/** Applies a journal to an empty database; a last entry much later releases what waits. */
async function run(entries: readonly Entry[]): Promise<{ told: Told[]; alarms: number }> {
  const database = await createTestDatabase();
  let alarms = 0;
  try {
    await projectRegistry(database.db);
    const alerts = createAlerts(SETTINGS, {
      onAlarm: () => {
        alarms += 1;
      },
      onPostponed: () => {
        alarms += 1;
      },
    });
    let receivedAtMs = SHIFT_END_MS;
    const times = new Map<number, number>();
    for (const [i, entry] of [...entries, { afterMinutes: 50_000, signal: null }].entries()) {
      receivedAtMs += entry.afterMinutes * MINUTE_MS;
      const at = { shard: SHARD, pos: FIRST_POS + i, receivedAtMs, kind: 'batch' } as const;
      times.set(at.pos, receivedAtMs);
      const given = entry.signal === null ? [] : outputs(entry.signal);
      await database.db.transaction().execute((tx) => alerts.apply(tx, at, given));
    }
    const rows = await database.db
      .selectFrom('enforcement.outbox')
      .select(['body', 'created_pos'])
      .orderBy('created_pos')
      .orderBy('revision')
      .execute();
    const told = rows.map(({ body, created_pos }) => ({
      body: CluePushSchema.parse(body),
      releasedAtMs: times.get(created_pos) ?? 0,
    }));
    return { told, alarms };
  } finally {
    await database.close();
  }
}

/** Days whose exceedance stands and is fit by the last word on each, and those ever fit. */
function standingDays(entries: readonly Entry[]): Set<number> {
  const days = new Set<number>();
  for (const { signal } of entries) {
    if (signal?.kind === 'OVER_LIMIT' && signal.obstacles.length === 0) {
      days.add(signal.result.subject.shift.startMs);
    } else if (signal?.kind === 'OVER_LIMIT' || signal?.kind === 'OVER_LIMIT_WITHDRAWN') {
      days.delete(signal.result.subject.shift.startMs);
    }
  }
  return days;
}

/**
 * When the platform may first hear that a shift exceeds by so much: the earliest time that any fit
 * signal that says so was due.
 */
function mayHearFrom(entries: readonly Entry[]): Map<string, number> {
  const from = new Map<string, number>();
  let receivedAtMs = SHIFT_END_MS;
  for (const { afterMinutes, signal } of entries) {
    receivedAtMs += afterMinutes * MINUTE_MS;
    if (signal?.kind !== 'OVER_LIMIT' || signal.obstacles.length > 0) continue;
    const { subject, window } = signal.result;
    const said = `${subject.shift.startMs} ${window.lowerBound}`;
    const due = dueAtMs(signal.result, receivedAtMs, SETTINGS.waits);
    from.set(said, Math.min(from.get(said) ?? Number.POSITIVE_INFINITY, due));
  }
  return from;
}

describe('apply() over any journal', () => {
  it('tells the truth of the last word, nothing early, in revisions without holes, twice the same', async () => {
    await fc.assert(
      fc.asyncProperty(journal, async (entries) => {
        const { told, alarms } = await run(entries);
        expect(alarms).toBe(0);

        const last = new Map<string, CluePush>();
        for (const { body } of told) {
          expect(body.revision).toBe((last.get(body.clueNo)?.revision ?? 0) + 1);
          last.set(body.clueNo, body);
        }
        const contrary = (body: CluePush) =>
          new Set(body.contraryEvidence.map(({ resultKey }) => resultKey));
        const standing = [...last.values()].flatMap((body) =>
          body.shifts
            .filter(({ resultKey }) => !contrary(body).has(resultKey))
            .map(({ start }) => start),
        );
        expect(standing.sort()).toEqual([...standingDays(entries)].sort());

        const heardFrom = mayHearFrom(entries);
        for (const { body, releasedAtMs } of told) {
          for (const { resultKey, start, lowerBound } of body.shifts) {
            if (contrary(body).has(resultKey)) continue;
            expect(releasedAtMs).toBeGreaterThanOrEqual(
              heardFrom.get(`${start} ${lowerBound}`) ?? Number.POSITIVE_INFINITY,
            );
          }
        }
        expect((await run(entries)).told).toEqual(told);
      }),
      { numRuns: 15, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('lets a clue that never stands in the end leave nothing at the platform', async () => {
    const day = { day: 0 };
    const entries: Entry[] = [
      { afterMinutes: 1, signal: overLimit(day) },
      { afterMinutes: HOUR_MS / MINUTE_MS / 2, signal: withdrawn(day) },
      { afterMinutes: (2 * DAY_MS) / MINUTE_MS, signal: null },
    ];
    expect((await run(entries)).told).toEqual([]);
  });
});
