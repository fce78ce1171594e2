import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/alerts/backoff.ts';
import { composeBody } from '../../src/alerts/compose.ts';
import { dueAtMs } from '../../src/alerts/due.ts';
import { mergeEpisodes } from '../../src/alerts/episode.ts';
import { evidenceCheck } from '../../src/alerts/evidence-check.ts';
import { keptResult } from '../../src/alerts/ledger.ts';
import { CLUE_MOVES, type ClueMove, type ClueState, step } from '../../src/alerts/lifecycle.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import { signRequest } from '../../src/alerts/signer.ts';
import type { ExceedanceEpisode } from '../../src/model/exposure.ts';
import type { AppliedLimit } from '../../src/model/limits.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { overLimit, SHIFT_END_MS, SHIFT_START_MS, settings, shiftResult } from './exceedances.ts';

const STATES = Object.keys(CLUE_MOVES) as ClueState[];
const MOVES: readonly ClueMove[] = [
  'PASS',
  'PARK',
  'WITHDRAW',
  'REOPEN',
  'RELEASE',
  'ACKNOWLEDGE',
  'REFUSE',
  'SETTLE_PENDING',
  'SETTLE_SENT',
  'SETTLE_DEAD',
];

describe('step()', () => {
  it('never sends what the gate did not pass, and withdraws only what was never released', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...MOVES), { maxLength: 40 }), (moves) => {
        let state: ClueState = 'CANDIDATE';
        let passed = false;
        for (const move of moves) {
          const next = step(state, move);
          if (next === null) continue;
          if (move === 'PASS') passed = true;
          if (next === 'PARKED' || next === 'WITHDRAWN') passed = false;
          if (next === 'PUSHING' || next === 'ACKED' || next === 'PUSH_FAILED') {
            expect(passed).toBe(true);
          }
          if (next === 'WITHDRAWN') expect(['PARKED', 'READY']).toContain(state);
          expect(STATES).toContain(next);
          state = next;
        }
      }),
    );
  });

  it('acknowledges only what is being pushed', () => {
    expect(STATES.filter((state) => step(state, 'ACKNOWLEDGE') !== null)).toEqual(['PUSHING']);
    expect(STATES.filter((state) => step(state, 'REFUSE') !== null)).toEqual(['PUSHING']);
  });

  it('leaves no state without a way on', () => {
    expect(STATES.filter((state) => Object.keys(CLUE_MOVES[state]).length === 0)).toEqual([]);
  });
});

describe('evidenceCheck()', () => {
  it('has nothing against a confirmed mandatory exceedance on a known basis', () => {
    expect(evidenceCheck(overLimit())).toEqual([]);
  });

  it.each([
    ['a verdict that only suspects', { verdict: 'suspected' }, 'verdict-suspected'],
    ['a recommended limit', { force: 'RECOMMENDED' }, 'limit-not-mandatory'],
    ['an unconfirmed limit', { confirmed: false }, 'limit-not-confirmed'],
    ['an unknown uncertainty', { uncertainty: null }, 'no-uncertainty'],
    ['an assumed full shift', { basis: 'ASSUMED_FULL_SHIFT' }, 'assumed-full-shift'],
  ] as const)('refuses %s', (_name, options, reason) => {
    expect(evidenceCheck(overLimit(options))).toEqual([reason]);
  });

  it('lets MAC stand without knowing how long the worker was there', () => {
    const signal = overLimit({ limitKind: 'MAC', basis: 'ASSUMED_FULL_SHIFT' });
    expect(evidenceCheck(signal)).toEqual([]);
  });

  it('passes on every obstacle that the engine found', () => {
    expect(evidenceCheck(overLimit({}, ['chain-broken', 'clock']))).toEqual([
      'chain-broken',
      'clock',
    ]);
  });
});

describe('dueAtMs()', () => {
  const { waits } = settings();

  it('waits for the marking window after the shift for TWA, LEX and WBGT', () => {
    for (const limitKind of ['PC_TWA', 'LEX_8H', 'WBGT'] as const) {
      const result = shiftResult({ limitKind, windowEndMs: SHIFT_START_MS + HOUR_MS });
      expect(dueAtMs(result, SHIFT_START_MS, waits)).toBe(SHIFT_END_MS + waits.markingWindowMs);
    }
  });

  it('waits from the end of the window for MAC and STEL', () => {
    for (const limitKind of ['MAC', 'PC_STEL'] as const) {
      const result = shiftResult({ limitKind, windowEndMs: SHIFT_START_MS + HOUR_MS });
      expect(dueAtMs(result, SHIFT_START_MS, waits)).toBe(
        SHIFT_START_MS + HOUR_MS + waits.shortTermWaitMs,
      );
    }
  });

  it('leaves the company the minimum when data come late', () => {
    const learntAtMs = SHIFT_END_MS + 3 * DAY_MS;
    const minimum = learntAtMs + waits.markingMinimumMs;
    expect(dueAtMs(shiftResult(), learntAtMs, waits)).toBe(minimum);
    expect(dueAtMs(shiftResult({ limitKind: 'PC_STEL' }), learntAtMs, waits)).toBe(minimum);
  });

  it('waits a day, and two hours for short-term kinds, when nothing is set', () => {
    const platform = { url: 'http://127.0.0.1:9', accessKey: 'AK', secretKey: 'SK' };
    expect(alertSettings.parse({ platform }).waits).toEqual({
      markingWindowMs: DAY_MS,
      markingMinimumMs: 2 * HOUR_MS,
      shortTermWaitMs: 2 * HOUR_MS,
    });
  });
});

describe('composeBody()', () => {
  /** The priority of a clue on one shift, of a post with so many workers. */
  function priorityOf(
    unit: AppliedLimit['unit'],
    over: { ratio: number | null; difference: number | null },
    exposedWorkers = 12,
  ): string {
    const result = shiftResult();
    const entry = {
      result: { ...keptResult(result), limit: { ...result.limit, unit }, ...over },
      evidence: null,
      standing: true,
      reasons: [],
      dueAtMs: 0,
      releasedIn: null,
      unsent: true,
    };
    const place = {
      enterpriseName: '',
      timeZone: 'Asia/Shanghai',
      postName: '',
      exposedWorkers,
      location: '',
    };
    const told = [entry];
    const clue = { clueNo: 'CL', revision: 1, agency: '', evidenceUrl: null };
    return composeBody({ ...clue, place, told, fresh: told }).priority;
  }

  it.each([
    ['mg/m3', { ratio: 1.99, difference: null }, 'NORMAL'],
    ['mg/m3', { ratio: 2, difference: null }, 'HIGH'],
    ['dB(A)', { ratio: 2.5, difference: 4.9 }, 'NORMAL'],
    ['dB(A)', { ratio: 3.2, difference: 5 }, 'HIGH'],
    ['degC', { ratio: null, difference: 1.9 }, 'NORMAL'],
    ['degC', { ratio: null, difference: 2 }, 'HIGH'],
  ] as const)('gives a clue in %s with %o priority %s', (unit, over, priority) => {
    expect(priorityOf(unit, over)).toBe(priority);
  });

  it('gives HIGH when 50 workers are exposed', () => {
    expect(priorityOf('degC', { ratio: null, difference: 0.5 }, 50)).toBe('HIGH');
  });
});

describe('mergeEpisodes()', () => {
  it('joins exactly those that a walk over the minutes joins', () => {
    const episode = fc
      .record({ start: fc.integer({ min: 0, max: 600 }), length: fc.integer({ min: 1, max: 60 }) })
      .map(({ start, length }) => ({ start, end: start + length }));
    fc.assert(
      fc.property(fc.array(episode, { maxLength: 12 }), (minutes) => {
        const episodes: ExceedanceEpisode[] = minutes.map(({ start, end }) => ({
          startMs: start * MINUTE_MS,
          endMs: end * MINUTE_MS,
          lowerBoundMax: start,
        }));
        const merged = mergeEpisodes(episodes);
        expect(
          merged.map(({ startMs, endMs }) => [startMs / MINUTE_MS, endMs / MINUTE_MS]),
        ).toEqual(byWalking(minutes));
      }),
    );
  });
});

/** Minute by minute: a stretch ends when the next 30 minutes hold no exceedance. */
function byWalking(minutes: readonly { start: number; end: number }[]): number[][] {
  const inside = (t: number): boolean => minutes.some(({ start, end }) => start <= t && t <= end);
  const stretches: number[][] = [];
  for (let t = 0; t <= 700; t += 1) {
    if (!inside(t)) continue;
    const last = stretches.at(-1);
    if (last !== undefined && t - (last[1] as number) <= 30) last[1] = t;
    else stretches.push([t, t]);
  }
  return stretches;
}

describe('backoffMs()', () => {
  const { retry } = settings({ retry: { backoffMsMin: 100, backoffMsMax: 1_000 } });

  it('draws between nothing and a ceiling that doubles up to its maximum', () => {
    expect([1, 2, 3, 4, 5, 50].map((n) => backoffMs(n, null, retry, () => 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(backoffMs(9, null, retry, () => 0)).toBe(0);
  });

  it('adds what the platform asked for, cut to its bound', () => {
    expect(backoffMs(1, 5_000, retry, () => 0)).toBe(5_000);
    expect(backoffMs(1, 9 * HOUR_MS, retry, () => 0)).toBe(retry.retryAfterMsMax);
  });
});

describe('signRequest()', () => {
  it('agrees with the vector of the IRS gateway', () => {
    const headers = signRequest(
      { accessKey: 'AK123', secretKey: 'test-secret' },
      {
        method: 'POST',
        path: '/restapi/prod/IC000/x',
        query: 'a=1&b=2',
        nowMs: Date.UTC(2021, 10, 9, 8, 49, 20),
      },
    );
    expect(headers).toEqual({
      'x-bg-hmac-access-key': 'AK123',
      'x-bg-hmac-algorithm': 'hmac-sha256',
      'x-bg-date-time': 'Tue, 09 Nov 2021 08:49:20 GMT',
      'x-bg-hmac-signature': '9nWG6ULx62oyL6P5MeYRF6jEeaVSRjL9Av39YHGSg1k=',
    });
  });
});

describe('alertSettings', () => {
  const platform = { url: 'https://platform.example/api/', accessKey: 'AK' };

  it('wants the secret in exactly one place', () => {
    expect(alertSettings.safeParse({ platform }).success).toBe(false);
    const both = { ...platform, secretKey: 'a', secretKeyFile: 'b' };
    expect(alertSettings.safeParse({ platform: both }).success).toBe(false);
    expect(alertSettings.parse({ platform: { ...platform, secretKey: 'a' } }).platform.url).toBe(
      'https://platform.example/api',
    );
  });
});
