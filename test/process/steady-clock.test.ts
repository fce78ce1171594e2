import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createSteadyClock } from '../../src/process/steady-clock.ts';

const START_MS = Date.UTC(2026, 0, 5, 8);

/** A machine whose clock can be set while real time goes on. */
function machine(notBeforeMs = 0) {
  const state = { realMs: 0, setMs: 0, asleepMs: 0 };
  const told: [number, boolean][] = [];
  const clock = createSteadyClock({
    wallMs: () => START_MS + state.realMs + state.asleepMs + state.setMs,
    asleepMs: () => state.asleepMs,
    monotonicMs: () => state.realMs,
    notBeforeMs,
    onStep: (stepMs, isTakenOver) => told.push([stepMs, isTakenOver]),
  });
  return { state, told, clock };
}

describe('createSteadyClock()', () => {
  it('follows the machine, and its drift', () => {
    const { state, told, clock } = machine();
    for (let i = 0; i < 100; i++) {
      state.realMs += 1_000;
      state.setMs += 20;
      expect(clock.now()).toBe(START_MS + state.realMs + state.setMs);
    }
    expect(told).toEqual([]);
  });

  it.each([HOUR_MS, -HOUR_MS])('does not follow a step of %i ms that is undone', (step) => {
    const { state, told, clock } = machine();
    state.setMs = step;
    for (let minute = 1; minute < 10; minute++) {
      state.realMs += MINUTE_MS;
      expect(clock.now()).toBe(START_MS + state.realMs);
      expect(clock.stepMs()).toBe(step);
    }
    state.setMs = 0;
    state.realMs += MINUTE_MS;
    expect(clock.now()).toBe(START_MS + state.realMs);
    expect(clock.stepMs()).toBe(0);
    expect(told).toEqual([[step, false]]);
  });

  it('goes on with the clock of a machine that slept, and tells of no step', () => {
    const { state, told, clock } = machine();
    for (const minutes of [20, 5]) {
      state.realMs += MINUTE_MS;
      state.asleepMs += minutes * MINUTE_MS;
      expect(clock.now()).toBe(START_MS + state.realMs + state.asleepMs);
      expect(clock.stepMs()).toBe(0);
    }
    expect(told).toEqual([]);
  });

  it('tells a step from the sleep that it came in', () => {
    const { state, told, clock } = machine();
    state.setMs = HOUR_MS;
    expect(clock.now()).toBe(START_MS);
    state.asleepMs = 20 * MINUTE_MS;
    expect(clock.now()).toBe(START_MS + state.asleepMs);
    expect(clock.stepMs()).toBe(HOUR_MS);
    state.setMs = 0;
    state.realMs += 1_000;
    expect(clock.now()).toBe(START_MS + state.realMs + state.asleepMs);
    expect(told).toEqual([[HOUR_MS, false]]);
  });

  it('follows a step that has stood for ten minutes', () => {
    const { state, told, clock } = machine();
    state.setMs = HOUR_MS;
    for (let minute = 0; minute <= 11; minute++) {
      clock.now();
      state.realMs += MINUTE_MS;
    }
    expect(clock.now()).toBe(START_MS + state.realMs + HOUR_MS);
    expect(told).toEqual([
      [HOUR_MS, false],
      [HOUR_MS, true],
    ]);
  });

  it('stands still after a step back was taken over, and never goes back', () => {
    const { state, clock } = machine();
    clock.now();
    state.setMs = -HOUR_MS;
    let before = 0;
    for (let minute = 0; minute <= 90; minute++) {
      state.realMs += MINUTE_MS;
      const nowMs = clock.now();
      expect(nowMs).toBeGreaterThanOrEqual(before);
      before = nowMs;
      // What others' clocks are compared with goes back when the step is taken over.
      const isTakenOver = minute >= 10;
      const machineMs = START_MS + state.realMs - (isTakenOver ? HOUR_MS : 0);
      expect(clock.machineMs()).toBe(machineMs);
    }
    expect(before).toBe(START_MS + state.realMs - HOUR_MS);
  });

  it('starts no earlier than what was journaled last', () => {
    const { state, clock } = machine(START_MS + MINUTE_MS);
    expect(clock.now()).toBe(START_MS + MINUTE_MS);
    state.realMs = 2 * MINUTE_MS;
    expect(clock.now()).toBe(START_MS + 2 * MINUTE_MS);
  });

  it('is never more than a step of drift from real time while no step stands for long', () => {
    const moves = fc.array(
      fc.record({ pass: fc.nat(200_000), set: fc.integer({ min: -1e7, max: 1e7 }) }),
    );
    fc.assert(
      fc.property(moves, (steps) => {
        const { state, clock } = machine();
        clock.now();
        for (const { pass, set } of steps) {
          state.setMs = Math.abs(set) <= 1_000 ? 2_000 : set;
          state.realMs += pass;
          expect(clock.now()).toBe(START_MS + state.realMs);
          state.setMs = 0;
          state.realMs += 1;
          expect(clock.now()).toBe(START_MS + state.realMs);
        }
      }),
    );
  });
});
