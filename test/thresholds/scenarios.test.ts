import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { EngineOutput } from '../../src/model/exposure.ts';
import { ExposureBasis } from '../../src/model/facts.ts';
import { CrewId } from '../../src/model/ids.ts';
import { LimitKind } from '../../src/model/limits.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import { expectResult, expectSignals, isMeant, lastResults, signalsOf } from './scenario-expect.ts';
import { scenarioJournal, scenarioReadings } from './scenario-journal.ts';
import { Scenario } from './scenario-schema.ts';
import { scenarioFacts, wallInstant } from './scenario-world.ts';
import { frameOf, GATEWAY } from './world.ts';

const FOLDER = 'test/thresholds/scenarios';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const readText = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8');
const read = (name: string): Scenario => Scenario.parse(parse(readText(name)));
const all = files.map((name) => ({ name, scenario: read(name) }));

/** What the engine has said by each time that the file names. */
function play(scenario: Scenario): {
  readonly outputs: readonly EngineOutput[];
  saidBy(at: string): readonly EngineOutput[];
} {
  const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
  const said: { readonly atMs: number; readonly output: EngineOutput }[] = [];
  for (const entry of scenarioJournal(scenario)) {
    for (const output of engine.step(entry)) said.push({ atMs: entry.receivedAtMs, output });
  }
  const until = (ms: number) => said.filter(({ atMs }) => atMs <= ms).map(({ output }) => output);
  return {
    outputs: until(Number.POSITIVE_INFINITY),
    saidBy: (at) => until(at === 'end' ? Number.POSITIVE_INFINITY : wallInstant(scenario, at)),
  };
}

const clockClassOf = ({ clock }: Scenario): 0 | 1 | 2 => {
  if (clock === undefined) return 0;
  const errorMs = Math.abs(clock.offsetMs) + clock.errMs;
  if (errorMs > 60_000) return 2;
  return clock.source === 'free' || errorMs > 2_000 ? 1 : 0;
};

describe.each(all)('$name: $scenario.title.en', ({ name, scenario }) => {
  const { outputs, saidBy } = play(scenario);

  it.each(scenario.expected)('at $at', (expectation) => {
    const said = saidBy(expectation.at);
    for (const wanted of expectation.results) expectResult(scenario, wanted, lastResults(said));
    expectSignals(scenario, expectation, signalsOf(said));
  });

  it('accuses and suspects nobody that the file does not name', () => {
    const wanted = scenario.expected.flatMap(({ results }) => results);
    for (const result of lastResults(outputs)) {
      if (result.verdict !== 'exceeded' && result.verdict !== 'suspected') continue;
      const isNamed = wanted.some((one) => isMeant(scenario, one, result));
      expect(isNamed, `${result.subject.limitKind} ${result.verdict} is expected`).toBe(true);
    }
  });

  it('is judged the same by evaluateShift() from the readings alone', () => {
    const facts = scenarioFacts(scenario).map(({ fact }) => fact);
    const clock = clockClassOf(scenario);
    const frames = scenarioReadings(scenario).map(({ frame }) => ({
      gateway: GATEWAY,
      frame: frameOf(frame),
      clock,
    }));
    const results = lastResults(outputs);
    const shifts = new Map(
      results.map(({ subject: { crew, shift } }) => [
        `${crew} ${shift.startMs}`,
        { crew: CrewId.parse(crew), shiftStartMs: shift.startMs },
      ]),
    );
    const slow = [...shifts.values()].flatMap((shift) =>
      evaluateShift({ facts, frames, ...shift }).map((result) => result.resultHash),
    );
    expect(results.map(({ resultHash }) => resultHash).sort()).toEqual(slow.sort());
  });

  it('shows its arithmetic', () => {
    expect(readText(name)).toMatch(/^#.*\d/m);
  });
});

describe('the scenarios', () => {
  const results = all.flatMap(({ scenario }) => scenario.expected.flatMap((one) => one.results));

  it('have names of their own in both languages', () => {
    for (const language of ['zh', 'en'] as const) {
      const titles = all.map(({ scenario }) => scenario.title[language]);
      expect(new Set(titles).size).toBe(titles.length);
    }
  });

  it.each(LimitKind.options)('show %s fire, nearly fire and not be evaluable', (kind) => {
    const verdicts = results.filter(({ rule }) => rule === kind).map(({ verdict }) => verdict);
    // Recommended rules never accuse.
    const fires = kind === 'PEAK' || kind === 'MIXTURE' ? 'suspected' : 'exceeded';
    expect(verdicts).toContain(fires);
    expect(verdicts.some((one) => one === 'within' || one === 'borderline')).toBe(true);
    expect(verdicts).toContain('indeterminate');
  });

  it.each(ExposureBasis.options)('show the basis %s', (basis) => {
    const crews = all.flatMap(({ scenario: { crew, furtherCrews } }) => [
      crew,
      ...Object.values(furtherCrews),
    ]);
    expect(crews.some((crew) => crew.basis === basis)).toBe(true);
  });
});
