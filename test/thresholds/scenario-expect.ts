import { expect } from 'vitest';
import type { EngineOutput, ShiftResult, Signal } from '../../src/model/exposure.ts';
import type { ExpectedResult, ExpectedSignal, Scenario } from './scenario-schema.ts';
import { wallTime } from './scenario-world.ts';
import { DAY } from './world.ts';

/** Last revision of every result, in the order in which they were first given. */
export function lastResults(outputs: readonly EngineOutput[]): readonly ShiftResult[] {
  const last = new Map<string, ShiftResult>();
  for (const output of outputs) {
    if (output.kind === 'result') last.set(output.result.resultKey, output.result);
  }
  return [...last.values()];
}

export const signalsOf = (outputs: readonly EngineOutput[]): readonly Signal[] =>
  outputs.flatMap((output) => (output.kind === 'signal' ? [output.signal] : []));

/** Whether a result is the one that an expectation means. */
export function isMeant(scenario: Scenario, wanted: ExpectedResult, result: ShiftResult): boolean {
  const { subject } = result;
  const { rule, factor, crew, post, shift, date } = wanted;
  if (subject.limitKind !== rule) return false;
  if (factor !== undefined && subject.factor !== factor) return false;
  if (crew !== undefined && subject.crew !== crew) return false;
  if (post !== undefined && subject.post !== post) return false;
  if (shift !== undefined && subject.shift.name !== shift) return false;
  const startMs = wallTime(scenario, date ?? scenario.date, '00:00');
  return subject.shift.startMs >= startMs && subject.shift.startMs < startMs + DAY;
}

/** Digits that a file gives: three after the point. */
const DIGITS = 3;

function expectNumber(name: string, found: number | null | undefined, wanted: number | null): void {
  if (wanted === null || typeof found !== 'number') expect(found, name).toBe(wanted);
  else expect(found, name).toBeCloseTo(wanted, DIGITS);
}

export function expectResult(
  scenario: Scenario,
  wanted: ExpectedResult,
  results: readonly ShiftResult[],
): void {
  const meant = results.filter((result) => isMeant(scenario, wanted, result));
  if (wanted.verdict === 'none') {
    expect(meant, `${wanted.rule} is not judged yet`).toEqual([]);
    return;
  }
  expect(meant.length, `one result fits ${JSON.stringify(wanted)}`).toBe(1);
  const result = meant[0]!;
  const at = `${wanted.rule} ${result.subject.factor}`;
  expect(result.verdict, at).toBe(wanted.verdict);
  const numbers = {
    lowerBound: result.window.lowerBound,
    estimate: result.window.estimate,
    uncertainty: result.uncertainty,
    limit: result.limit.value,
    ratio: result.ratio,
    difference: result.difference,
    coverage: result.coverage,
    contactMinutes: result.contactMinutes,
    episodes: result.episodes.length,
    revision: result.revision,
  };
  for (const [name, found] of Object.entries(numbers)) {
    const value = wanted[name as keyof typeof numbers];
    if (value !== undefined) expectNumber(`${at} ${name}`, found, value);
  }
  for (const [name, value] of Object.entries(wanted.details ?? {})) {
    expectNumber(`${at} ${name}`, result.details?.[name], value);
  }
  if (wanted.caps) expect(result.caps.toSorted(), at).toEqual(wanted.caps.toSorted());
  if (wanted.notes) expect((result.notes ?? []).toSorted(), at).toEqual(wanted.notes.toSorted());
  if (wanted.excludedSeconds) expect(result.excludedSeconds, at).toEqual(wanted.excludedSeconds);
  if (wanted.certainAt !== undefined) {
    const { certainAt } = wanted;
    const certainMs = certainAt === null ? null : clockMs(scenario, wanted.date, certainAt);
    expect(result.certainAtMs, `${at} certainAt`).toBe(certainMs);
  }
}

const clockMs = (scenario: Scenario, date: string | undefined, clock: string): number =>
  wallTime(scenario, date ?? scenario.date, clock);

const isSignal = (scenario: Scenario, wanted: ExpectedSignal, signal: Signal): boolean => {
  const about =
    'result' in signal ? signal.result : 'standing' in signal ? signal.standing : undefined;
  const { kind, rule, factor, final, reason, obstacles, time } = wanted;
  return (
    signal.kind === kind &&
    (rule === undefined || about?.subject.limitKind === rule) &&
    (factor === undefined || about?.subject.factor === factor) &&
    (final === undefined || (signal.kind === 'OVER_LIMIT' && signal.final === final)) &&
    (reason === undefined || ('detail' in signal && signal.detail['reason'] === reason)) &&
    (obstacles === undefined ||
      ('obstacles' in signal && String(signal.obstacles) === String(obstacles))) &&
    (time === undefined || signal.atMs === clockMs(scenario, undefined, time))
  );
};

export function expectSignals(
  scenario: Scenario,
  { signals, noSignals }: Pick<Scenario['expected'][number], 'signals' | 'noSignals'>,
  given: readonly Signal[],
): void {
  for (const wanted of signals) {
    const found = given.filter((signal) => isSignal(scenario, wanted, signal));
    expect(found.length, `${JSON.stringify(wanted)} among ${summary(given)}`).toBeGreaterThan(0);
  }
  const kinds = new Set(given.map(({ kind }) => kind));
  for (const kind of noSignals) expect(kinds, `no ${kind}`).not.toContain(kind);
}

const summary = (given: readonly Signal[]): string =>
  JSON.stringify(
    given.map((signal) => ({
      kind: signal.kind,
      at: new Date(signal.atMs).toISOString(),
      ...('result' in signal ? { rule: signal.result.subject.limitKind } : {}),
      ...('standing' in signal ? { rule: signal.standing.subject.limitKind } : {}),
      ...('detail' in signal ? { detail: signal.detail } : {}),
      ...('obstacles' in signal ? { obstacles: signal.obstacles } : {}),
    })),
    null,
    1,
  );
