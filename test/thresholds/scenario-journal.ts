import type { JournalEntry } from '../../src/model/entry.ts';
import type { Scenario, Segment } from './scenario-schema.ts';
import { scenarioFacts, wallInstant, wallTime } from './scenario-world.ts';
import { chained, createTestJournal, DAY, MIN, type TestFrame } from './world.ts';

interface Received {
  readonly receivedMs: number;
  readonly frame: TestFrame;
}

/** Every reading of a scenario with the time at which the hub gets it. */
export function scenarioReadings(scenario: Scenario): readonly Received[] {
  return Object.entries(scenario.series).flatMap(([sensor, segments]) => {
    const known = scenario.sensors[sensor];
    if (known === undefined) throw new Error(`A series names no sensor: ${sensor}`);
    return segments.flatMap((segment) =>
      readingsOf(scenario, sensor, known.metric ?? sensor, segment),
    );
  });
}

function readingsOf(
  scenario: Scenario,
  device: string,
  metric: string,
  segment: Segment,
): readonly Received[] {
  const { date = scenario.date, from, to, value, rampTo, flag, every, received } = segment;
  const start = wallTime(scenario, date, from);
  const spanMs = every * 1_000;
  let end = wallTime(scenario, date, to);
  if (end <= start) end += DAY;
  const count = Math.round((end - start) / spanMs);
  if (count * spanMs !== end - start) {
    throw new Error(`${device}: ${from} to ${to} is no whole number of ${every} s`);
  }
  return Array.from({ length: count }, (_, i) => {
    const at = start + (i + 1) * spanMs;
    const step = rampTo === undefined || value === null ? 0 : (rampTo - value) / (count - 1);
    return {
      receivedMs: received === undefined ? at : wallInstant(scenario, received),
      frame: {
        device,
        metric,
        at,
        spanMs,
        value: value === null ? null : value + i * step,
        ...(flag === undefined ? {} : { flag }),
      },
    };
  });
}

/** One batch for each minute of receipt, a tick after each minute, until a day after the last. */
export function scenarioJournal(scenario: Scenario): readonly JournalEntry[] {
  const journal = createTestJournal();
  const facts = scenarioFacts(scenario);
  const byMinute = new Map<number, TestFrame[]>();
  const readings = scenarioReadings(scenario);
  for (const { receivedMs, frame } of readings.toSorted((a, b) => a.receivedMs - b.receivedMs)) {
    const minute = Math.ceil(receivedMs / MIN);
    byMinute.set(minute, [...(byMinute.get(minute) ?? []), frame]);
  }
  const minutes = [...byMinute.keys()].sort((a, b) => a - b);
  const sorted = minutes.map((minute) => byMinute.get(minute)!.toSorted((a, b) => a.at - b.at));
  const batches = chained(sorted);
  const entries: JournalEntry[] = [];
  let learnt = 0;
  const learnUntil = (ms: number): void => {
    for (; learnt < facts.length && facts[learnt]!.learntMs <= ms; learnt++) {
      entries.push(journal.fact(facts[learnt]!.fact, facts[learnt]!.learntMs));
    }
  };
  const first = minutes[0]!;
  const last = minutes.at(-1)! + DAY / MIN;
  learnUntil((first - 1) * MIN);
  for (let minute = first, next = 0; minute <= last; minute++) {
    learnUntil(minute * MIN);
    if (minutes[next] === minute) {
      const { clock } = scenario;
      const batch = { ...batches[next]!, ...(clock === undefined ? {} : { clock }) };
      entries.push(journal.batch(batch, minute * MIN));
      next++;
    }
    entries.push(journal.tick(minute * MIN));
  }
  return entries;
}
