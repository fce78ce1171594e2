import { ENTITIES, type EntityKind, Fact } from '../../src/model/facts.ts';
import { instantOf } from '../../src/thresholds/zoned-time.ts';
import type { Scenario, Sensor } from './scenario-schema.ts';
import { readSensor, roleParts } from './scenario-sensor.ts';
import { DAY, GATEWAY, USCC } from './world.ts';

export interface LearntFact {
  readonly learntMs: number;
  readonly fact: Fact;
}

/** UTC ms of a wall time on a day (`HH:MM`, `HH:MM:SS` or `24:00`). */
export function wallTime({ timeZone }: Scenario, date: string, clock: string): number {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const [hours, minutes, seconds = 0] = clock.split(':').map(Number) as [number, number, number?];
  if (hours === 24) return wallTime({ timeZone } as Scenario, date, '00:00') + DAY;
  const time = `${clock.slice(0, 2)}:${String(minutes).padStart(2, '0')}`;
  return instantOf(timeZone, { year, month, day }, time) + seconds * 1_000;
}

/** UTC ms of `YYYY-MM-DD HH:MM`. */
export function wallInstant(scenario: Scenario, when: string): number {
  const [date, clock] = when.split(' ') as [string, string];
  return wallTime(scenario, date, clock);
}

/** The registry of a scenario as facts, in the order in which they are learnt. */
export function scenarioFacts(scenario: Scenario): readonly LearntFact[] {
  const days = Object.values(scenario.series).flatMap((of) => of.map(({ date }) => date ?? ''));
  const firstDay = [scenario.date, ...days].filter((day) => day !== '').sort()[0]!;
  const known = wallTime(scenario, firstDay, '00:00') - 2 * DAY;
  const facts: LearntFact[] = [
    ...initialFacts(scenario).map((fact) => ({ learntMs: known, fact })),
    ...markFacts(scenario, known),
    ...scenario.changes.map((change) => ({
      learntMs: wallInstant(scenario, change.learnt),
      fact: changedFact(scenario, change),
    })),
  ];
  return facts.sort((a, b) => a.learntMs - b.learntMs);
}

function initialFacts(scenario: Scenario): readonly Fact[] {
  const { post, furtherPosts, crew, furtherCrews, sensors } = scenario;
  return [
    factOf('enterprise', USCC, {
      uscc: USCC,
      name: 'E',
      region: '330106',
      timeZone: scenario.timeZone,
    }),
    ...Object.entries({ main: post, ...furtherPosts }).map(([id, fields]) =>
      postFact(scenario, id, fields),
    ),
    ...Object.entries({ a: crew, ...furtherCrews }).map(([id, fields]) =>
      crewFact(scenario, id, fields),
    ),
    ...Object.entries(sensors)
      .filter(([, { registered }]) => registered)
      .map(([id, sensor]) => deviceFact(scenario, id, sensor)),
    ...scenario.confirmations.map((one) =>
      factOf('limitConfirmation', one.id, { ...one, by: 'x' }),
    ),
  ];
}

const markFacts = (scenario: Scenario, known: number): readonly LearntFact[] =>
  scenario.marks.map(({ sensor, kind, from, to, learnt }, i) => ({
    learntMs: learnt === undefined ? known : wallInstant(scenario, learnt),
    fact: factOf('mark', `mark-${i}`, {
      id: `mark-${i}`,
      device: sensor,
      fromMs: wallInstant(scenario, from),
      toMs: wallInstant(scenario, to),
      kind,
      by: 'x',
    }),
  }));

function factOf(entity: EntityKind, id: string, value: object, validFromMs = 0): Fact {
  const parsed = ENTITIES[entity].parse(value);
  const source = { by: 'scenario', sha256: '' };
  return Fact.parse({ v: 1, entity, id, validFromMs, value: parsed, source });
}

function postFact(
  { sensors }: Scenario,
  id: string,
  { hazards, producesAbove, ...fields }: Scenario['post'],
  validFromMs = 0,
): Fact {
  const here = Object.entries(sensors).filter(
    ([, { post, registered }]) => registered && post === id,
  );
  const production = here.find(([, { role }]) => role === 'production');
  return factOf(
    'post',
    id,
    {
      ...fields,
      id,
      enterprise: USCC,
      name: id,
      hazards: here
        .filter(([, { role }]) => role === 'primary')
        .map(([name, sensor]) => hazardOf(here, name, sensor, hazards)),
      ...(production === undefined || producesAbove === undefined
        ? {}
        : { production: { channel: channelOf(production), above: producesAbove } }),
    },
    validFromMs,
  );
}

const channelOf = ([name, { metric }]: readonly [string, Sensor]) => ({
  device: name,
  metric: metric ?? name,
});

function hazardOf(
  here: readonly (readonly [string, Sensor])[],
  name: string,
  sensor: Sensor,
  said: Scenario['post']['hazards'],
): object {
  const factor = sensor.factor;
  if (factor === undefined) throw new Error(`Sensor ${name} is primary of no factor`);
  const others = here.filter(([, other]) => other.factor === factor);
  const backup = others.find(([, { role }]) => role === 'backup');
  return {
    ...said[factor],
    factor,
    primary: channelOf([name, sensor]),
    ...(backup === undefined ? {} : { backup: channelOf(backup) }),
    parts: roleParts(sensor.metric ?? name, others).map(([part, of]) => ({
      role: of.role,
      channel: channelOf([part, of]),
    })),
  };
}

function crewFact(
  { sensors }: Scenario,
  id: string,
  fields: Scenario['crew'],
  validFromMs = 0,
): Fact {
  const presence = Object.entries(sensors).find(
    ([, { role, post }]) => role === 'presence' && post === fields.post,
  );
  const value = {
    ...fields,
    id,
    name: id,
    ...(presence === undefined ? {} : { presence: channelOf(presence) }),
  };
  return factOf('crew', id, value, validFromMs);
}

function deviceFact(scenario: Scenario, id: string, sensor: Sensor, validFromMs = 0): Fact {
  const { certifiedUntil } = sensor;
  const value = {
    id,
    point: 'point',
    gateway: GATEWAY,
    model: 'm',
    serial: 's',
    metrics: [readSensor(id, sensor)],
    certificate:
      certifiedUntil === null
        ? null
        : {
            number: 'JL-1',
            issuer: 'I',
            mode: 'VERIFIED',
            fromMs: 0,
            untilMs: wallTime(scenario, certifiedUntil, '00:00'),
          },
  };
  return factOf('device', id, value, validFromMs);
}

function changedFact(scenario: Scenario, change: Scenario['changes'][number]): Fact {
  const { sensor, crew, post, set } = change;
  const fromMs = wallInstant(scenario, change.from);
  if (sensor !== undefined) {
    const changed = { ...known(scenario.sensors, sensor), ...set } as Sensor;
    return deviceFact(scenario, sensor, changed, fromMs);
  }
  if (crew !== undefined) {
    const crews = { a: scenario.crew, ...scenario.furtherCrews };
    return crewFact(scenario, crew, { ...known(crews, crew), ...set } as Scenario['crew'], fromMs);
  }
  if (post === undefined) throw new Error('A change names a sensor, a crew or a post');
  const posts = { main: scenario.post, ...scenario.furtherPosts };
  return postFact(scenario, post, { ...known(posts, post), ...set } as Scenario['post'], fromMs);
}

function known<T>(of: Readonly<Record<string, T>>, name: string): T {
  const found = of[name];
  if (found === undefined) throw new Error(`The scenario has no ${name}`);
  return found;
}
