import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStepWatch } from '../../src/gateway/clock-step.ts';
import { HEALTH_MOVES, HEALTHY, isProven, stepHealth } from '../../src/gateway/device-health.ts';
import { dueAt, firstDueAt, gridAfter, phaseOf, stampOf } from '../../src/gateway/poll-grid.ts';

const T = 1_763_794_800_000;
const DAY_MS = 86_400_000;
const period = fc.constantFrom(1_000, 2_000, 10_000, 60_000);

describe('the poll grid', () => {
  it('lies on multiples of the period, so on whole seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), period, (nowMs, periodMs) => {
        const next = gridAfter(nowMs, periodMs);
        expect(next % periodMs).toBe(0);
        expect(next).toBeGreaterThan(nowMs);
        expect(next - nowMs).toBeLessThanOrEqual(periodMs);
      }),
    );
  });

  it('keeps a planned time up to half a period late, then takes the next that can be met', () => {
    expect(dueAt(T, T + 500, 1_000)).toBe(T);
    expect(dueAt(T, T + 501, 1_000)).toBe(T + 1_000);
    expect(dueAt(T, T + 7_400, 1_000)).toBe(T + 7_000);
    expect(dueAt(T, T + 7_600, 1_000)).toBe(T + 8_000);
    fc.assert(
      fc.property(fc.nat(10_000_000), period, (lateMs, periodMs) => {
        const plannedMs = Math.ceil(T / periodMs) * periodMs;
        const due = dueAt(plannedMs, plannedMs + lateMs, periodMs);
        expect(due % periodMs).toBe(0);
        expect(due).toBeGreaterThanOrEqual(plannedMs);
        expect(plannedMs + lateMs - due).toBeLessThanOrEqual(periodMs / 2);
      }),
    );
  });

  it('starts after now and after the last time in the spool', () => {
    expect(firstDueAt(T, null, 1_000)).toBe(T + 1_000);
    expect(firstDueAt(T, T - 5_000, 1_000)).toBe(T + 1_000);
    expect(firstDueAt(T, T + 3_600_000, 1_000)).toBe(T + 3_601_000);
  });

  it('leaves no grid time out when one takes over from another', () => {
    expect(firstDueAt(T + 400, T - 1_000, 1_000)).toBe(T);
    expect(firstDueAt(T + 400, T, 1_000)).toBe(T + 1_000);
    expect(firstDueAt(T + 501, T - 1_000, 1_000)).toBe(T + 1_000);
  });

  it('spreads the polls of many devices over a tenth of the period, each always the same', () => {
    const phases = Array.from({ length: 1_000 }, (_, i) => phaseOf(`dev-${i}`, 10_000));
    expect(Math.min(...phases)).toBeLessThan(50);
    expect(Math.max(...phases)).toBeGreaterThan(950);
    expect(Math.max(...phases)).toBeLessThan(1_000);
    expect(phaseOf('dev-7', 10_000)).toBe(phases[7]);
    expect(new Set(phases.map((ms) => Math.floor(ms / 100))).size).toBe(10);
  });

  it('is not held up by a time that a broken clock stamped more than a day ahead', () => {
    expect(firstDueAt(T, T + DAY_MS + 1_000, 1_000)).toBe(T + 1_000);
  });

  it('stamps a reading with the grid time within half a period of its midpoint', () => {
    expect(stampOf(T, T + 3, 1_000)).toBe(T);
    expect(stampOf(T, T + 500, 1_000)).toBe(T);
    expect(stampOf(T, T + 501, 1_000)).toBe(T + 1_000);
  });

  it('does not stamp a reading during which the clock was set', () => {
    expect(stampOf(T, T + 1_001, 1_000)).toBeNull();
    expect(stampOf(T, T - 1_001, 1_000)).toBeNull();
    expect(stampOf(T, T - 900, 1_000)).toBe(T);
  });
});

describe('stepHealth()', () => {
  const middle = () => 0.5;

  it('suspects after one silent cycle, demotes after three, and heals with one answer', () => {
    let health = stepHealth(HEALTHY, 'silent', T, middle);
    expect(health.state).toBe('SUSPECT');
    health = stepHealth(health, 'silent', T, middle);
    expect(health.state).toBe('SUSPECT');
    health = stepHealth(health, 'silent', T, middle);
    expect(health).toMatchObject({ state: 'DEMOTED', nextProbeMs: T + 2_000 });
    health = stepHealth(health, 'answered', T, middle);
    expect(health).toMatchObject({ state: 'HEALTHY', failedCycles: 0, failedProbes: 0 });
  });

  it('has a claim to bus time again after ten answers in a row', () => {
    let health = stepHealth(HEALTHY, 'silent', T, middle);
    for (let answers = 1; answers <= 10; answers += 1) {
      expect(isProven(health)).toBe(false);
      health = stepHealth(health, 'answered', T, middle);
    }
    expect(isProven(health)).toBe(true);
    expect(isProven(HEALTHY)).toBe(true);
  });

  it('doubles the time between probes from 2 s to 300 s, give or take a fifth', () => {
    for (const random of [() => 0, middle, () => 0.999]) {
      let health = HEALTHY;
      const waits: number[] = [];
      for (let i = 0; i < 14; i += 1) {
        health = stepHealth(health, 'silent', T, random);
        if (health.state === 'DEMOTED') waits.push((health.nextProbeMs - T) / 1_000);
      }
      const plan = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300];
      for (const [i, seconds] of waits.entries()) {
        expect(Math.abs(seconds / plan[i]! - 1)).toBeLessThanOrEqual(0.2);
      }
      expect(waits).toHaveLength(plan.length);
    }
  });

  it('makes only the moves of its table', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('answered' as const, 'silent' as const)), (events) => {
        let health = HEALTHY;
        for (const event of events) {
          const next = stepHealth(health, event, T, middle);
          const allowed: readonly string[] = [health.state, ...HEALTH_MOVES[health.state]];
          expect(allowed).toContain(next.state);
          health = next;
        }
      }),
    );
  });
});

describe('the step watch', () => {
  it('tells a clock that was set from one that is slewed', () => {
    let wallMs = T;
    let monotonicMs = 0;
    const watch = createStepWatch({ now: () => wallMs }, () => monotonicMs);
    const pass = (wall: number, monotonic: number): number => {
      wallMs += wall;
      monotonicMs += monotonic;
      return watch.check();
    };
    expect(pass(1_000, 1_000)).toBe(0);
    expect(pass(1_900, 1_000)).toBe(0);
    expect(pass(1_000, 1_000)).toBe(0);
    expect(pass(4_000, 1_000)).toBe(3_000);
    expect(pass(1_000, 1_000)).toBe(0);
    expect(pass(-3_600_000, 1_000)).toBe(-3_601_000);
  });
});
