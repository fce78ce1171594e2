import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CrewId } from '../../../src/model/ids.ts';
import type { LimitKind } from '../../../src/model/limits.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS } from '../../../src/thresholds/engine.ts';
import type { RuleResult } from '../../../src/thresholds/evaluate-rule.ts';
import { evaluateShift } from '../../../src/thresholds/evaluate-shift.ts';
import { scenarioJournal, scenarioReadings } from '../scenario-journal.ts';
import { Scenario } from '../scenario-schema.ts';
import { scenarioFacts, wallTime } from '../scenario-world.ts';
import { frameOf, GATEWAY } from '../world.ts';

/** One of the scenario files. */
export const scenarioOf = (name: string): Scenario =>
  Scenario.parse(parse(readFileSync(`test/thresholds/scenarios/${name}.yaml`, 'utf8')));

/** A scenario with some of its parts changed. */
export const changed = (scenario: Scenario, of: object): Scenario =>
  Scenario.parse({ ...scenario, ...of });

/** What the engine says of a rule in the day shift of 08:00 from the readings up to a time. */
export function judgedUntil(
  scenario: Scenario,
  rule: LimitKind,
  untilMs = Number.POSITIVE_INFINITY,
): RuleResult {
  const frames = scenarioReadings(scenario)
    .filter(({ frame }) => frame.at <= untilMs)
    .map(({ frame }) => ({ gateway: GATEWAY, frame: frameOf(frame) }));
  const results = evaluateShift({
    facts: scenarioFacts(scenario).map(({ fact }) => fact),
    frames,
    crew: CrewId.parse('a'),
    shiftStartMs: wallTime(scenario, scenario.date, '08:00'),
  });
  const found = results.find(({ subject }) => subject.limitKind === rule);
  if (found === undefined) throw new Error(`${rule} was not judged`);
  return found;
}

/** Minutes since 08:00 of the scenario's day. */
export const minuteOf = (scenario: Scenario, atMs: number): number =>
  (atMs - wallTime(scenario, scenario.date, '08:00')) / 60_000;

/** Wall time of a minute of a shift that starts at eight. */
export const clock = (minute: number): string =>
  `${String(8 + Math.floor(minute / 60)).padStart(2, '0')}:${String(Math.round(minute % 60)).padStart(2, '0')}`;

/** Each result with the minute of hub time at which it was given. */
export function revisionsOf(scenario: Scenario, rule: LimitKind) {
  const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
  return scenarioJournal(scenario).flatMap((entry) =>
    engine
      .step(entry)
      .flatMap((output) =>
        output.kind === 'result' && output.result.subject.limitKind === rule
          ? [{ minute: minuteOf(scenario, entry.receivedAtMs), result: output.result }]
          : [],
      ),
  );
}
