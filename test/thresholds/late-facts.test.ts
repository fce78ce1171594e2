import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { Fact } from '../../src/model/facts.ts';
import { channel, crewOf, hazard, runSite, type Site, series, siteFacts } from './site.ts';
import {
  chunked,
  createTestJournal,
  DAY,
  DAY_SHIFT,
  DAY_START_MS,
  fact,
  HOUR,
  MIN,
  minutes,
  runEntries,
  unnumbered,
} from './world.ts';

const SITE: Site = {
  posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
  devices: {
    a: { factor: 'carbon-monoxide' },
    p: { factor: 'presence', unit: '1', range: [0, 1] },
  },
};

/** A shift, judged; then a fact, and time for what follows from it. */
function run(site: Site, value: number, late?: Fact) {
  const journal = createTestJournal();
  const entries: JournalEntry[] = siteFacts(site).map((one) =>
    journal.fact(one, DAY_START_MS - DAY),
  );
  let now = DAY_START_MS;
  for (const batch of unnumbered(chunked(series({ a: [[value, 480]] }), 60))) {
    now = Math.max(...batch.frames.map(({ at }) => at));
    entries.push(journal.batch(batch, now));
  }
  const ticks = (untilMs: number): void => {
    for (; now < untilMs; now += 5 * MIN) entries.push(journal.tick(now));
  };
  ticks(DAY_START_MS + 10 * HOUR);
  if (late !== undefined) entries.push(journal.fact(late, now));
  ticks(DAY_START_MS + 12 * HOUR);
  return runEntries(entries);
}

const told = ({ signals }: ReturnType<typeof run>) =>
  signals.flatMap((signal) => (signal.kind === 'FACT_LATE' ? [signal] : []));

const shorter = crewOf({
  id: 'crew-1',
  shifts: [{ ...DAY_SHIFT, breaks: [{ from: '08:00', to: '12:00' }] }],
});
const mark = fact('mark', {
  id: 'm-1',
  device: 'a',
  fromMs: DAY_START_MS,
  toMs: DAY_START_MS + 4 * HOUR,
  kind: 'CALIBRATION',
  by: '王某',
});

describe('a fact about time that was judged', () => {
  it.each([
    ['a plan', shorter, 'crew', 0],
    ['a mark', mark, 'mark', DAY_START_MS],
  ] as const)(
    'is told with who wrote it, though nothing was exceeded: %s',
    (_, late, entity, atMs) => {
      const found = told(run(SITE, 19.5, late));
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ atMs, detail: { entity, id: late.id, by: 'test' } });
      expect(found[0]!.detail['results']).toBeGreaterThan(0);
    },
  );

  it('takes back what was exceeded in so many words', () => {
    const { signals } = run(SITE, 25, shorter);
    const kinds = signals.map(({ kind }) => kind);
    expect(kinds.indexOf('FACT_LATE')).toBeLessThan(kinds.indexOf('OVER_LIMIT_WITHDRAWN'));
  });

  it('is not told of time to come', () => {
    expect(told(run(SITE, 19.5, crewOf({ id: 'crew-1' }, DAY_START_MS + 3 * DAY)))).toEqual([]);
  });
});

it('a post that produces outside all shifts is told, once a day', () => {
  const site: Site = {
    posts: [
      {
        hazards: [hazard('carbon-monoxide', 'a')],
        production: { channel: channel('p'), above: 0.5 },
      },
    ],
    devices: SITE.devices,
  };
  const unplanned = (fromMs: number, count: number) => {
    const frames = minutes([[1, count]], fromMs).map((one) => ({ ...one, device: 'p' }));
    return runSite(site, frames).signals.flatMap((signal) =>
      signal.kind === 'UNPLANNED_WORK' ? [signal] : [],
    );
  };
  expect(unplanned(DAY_START_MS, 530)).toEqual([]);
  const night = unplanned(DAY_START_MS + 9 * HOUR, 240);
  expect(night.map(({ atMs, detail }) => [atMs, detail['minutes']])).toEqual([
    [DAY_START_MS + 9 * HOUR, 60],
  ]);
});

it('a presence record that never spoke is told to be silent', () => {
  const crew = { basis: 'PRESENCE', presence: channel('p') };
  const { signals } = run({ ...SITE, crew }, 19.5);
  const unheard = signals.flatMap((signal) =>
    signal.kind === 'SILENCE' && signal.detail['reason'] === 'never-heard'
      ? [signal.detail['device']]
      : [],
  );
  expect(unheard).toEqual(['p']);
});
