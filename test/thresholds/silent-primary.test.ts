import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import { CrewId } from '../../src/model/ids.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import {
  channel,
  device,
  hazard,
  journalOf,
  postOf,
  runSite,
  type Site,
  series,
  siteFacts,
} from './site.ts';
import { CO, HEIGHTS_SITE, MIXTURE_SITE, MOVING_SITE, meanSite, NOX_SITE } from './sites.ts';
import {
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  frameOf,
  GATEWAY,
  HOUR,
  MIN,
  minutes,
  type Run,
  runEntries,
  type TestFrame,
  unnumbered,
} from './world.ts';

const primaryA = (rest: object = {}) =>
  hazard('carbon-monoxide', 'a', { backup: channel('b'), feed: 'backup', ...rest });
const backed = (rest: object = {}): Site => ({
  posts: [{ hazards: [primaryA(rest)] }],
  devices: { a: CO, b: CO },
});
const of = (id: string, frames: readonly TestFrame[]) =>
  frames.map((frame) => ({ ...frame, device: id }));

const ofFirstDay = ({ results }: Run) =>
  results.filter(
    ({ subject }) => subject.limitKind === 'PC_TWA' && subject.shift.startMs === DAY_START_MS,
  );

/** What the slow function says of the first day. */
const wanted = (site: Site, frames: readonly TestFrame[]) =>
  evaluateShift({
    facts: siteFacts(site),
    frames: frames.map((frame) => ({ gateway: GATEWAY, frame: frameOf(frame) })),
    crew: CrewId.parse('crew-1'),
    shiftStartMs: DAY_START_MS,
  });

function expectAsWanted(run: Run, site: Site, frames: readonly TestFrame[]): void {
  const last = new Map(
    run.results
      .filter(({ subject }) => subject.shift.startMs === DAY_START_MS)
      .map(({ revision: _, ...result }) => [result.resultKey, result]),
  );
  const byKey = new Map(wanted(site, frames).map((result) => [result.resultKey, result]));
  expect(byKey.size).toBeGreaterThan(0);
  expect(last).toEqual(byKey);
}

describe('a primary that never spoke', () => {
  it('doesn’t hide what its backup, named as proof, shows', () => {
    const frames = series({ b: [[50, 480]] });
    const all = runSite(backed(), frames);
    expect(all.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 50 } });
    expect(all.last('PC_TWA').subject.channel.device).toBe('a');
    expectAsWanted(all, backed(), frames);
  });

  it('doesn’t delay what has become certain before the shift ends', () => {
    const { signals } = runSite(backed(), series({ b: [[100, 480]] }));
    const first = signals.find(({ kind }) => kind === 'OVER_LIMIT');
    if (first?.kind !== 'OVER_LIMIT') throw new Error('no signal');
    expect(first.final).toBe(false);
    expect(first.result.certainAtMs).toBeLessThan(DAY_START_MS + 3 * HOUR);
  });

  it('leaves what its fallback shows suspected, and never a pass', () => {
    const site = backed({ feed: 'primary' });
    const frames = series({ b: [[50, 480]] });
    const all = runSite(site, frames);
    expect(all.last('PC_TWA').verdict).toBe('suspected');
    expectAsWanted(all, site, frames);
    const quiet = series({ b: [[null, 450]] });
    expect(runSite(site, quiet).last('PC_TWA').verdict).toBe('indeterminate');
  });

  it('has one rule with it when it starts later in the shift', () => {
    const late = of('a', minutes([[5, 240]], DAY_START_MS + 4 * HOUR));
    const frames = [...series({ b: [[50, 480]] }), ...late].sort((a, b) => a.at - b.at);
    const all = runSite(backed(), frames);
    const twa = ofFirstDay(all);
    expect(new Set(twa.map(({ resultKey }) => resultKey)).size).toBe(1);
    expect(all.last('PC_TWA')).toMatchObject({ verdict: 'exceeded', window: { lowerBound: 50 } });
    expectAsWanted(all, backed(), frames);
  });

  it('is judged again when its post, and the backup with it, are learnt after the shift', () => {
    const site = backed();
    const frames = series({ b: [[50, 480]] });
    const post = postOf({ id: 'post-1', hazards: [primaryA()] });
    const facts = siteFacts(site).filter(({ entity }) => entity !== 'post');
    const entries = learntLate(facts, frames, [post]);
    const all = runEntries(entries);
    expect(all.last('PC_TWA').verdict).toBe('exceeded');
    expectAsWanted(all, site, frames);
  });

  it('is judged when its own device is learnt after the shift', () => {
    const site = backed();
    const frames = series({ b: [[50, 480]] });
    const facts = siteFacts(site).filter(({ id }) => id !== 'a');
    const all = runEntries(learntLate(facts, frames, [device('a', CO)]));
    expect(all.last('PC_TWA').verdict).toBe('exceeded');
    expectAsWanted(all, site, frames);
  });

  it('revises its one result when the feed is switched by a fact learnt late', () => {
    const frames = series({ b: [[50, 480]] });
    const facts = siteFacts(backed({ feed: 'primary' }));
    const all = runEntries(
      learntLate(facts, frames, [postOf({ id: 'post-1', hazards: [primaryA()] })]),
    );
    const twa = ofFirstDay(all);
    expect(twa.map(({ revision, verdict }) => [revision, verdict])).toEqual([
      [1, 'suspected'],
      [2, 'exceeded'],
    ]);
  });

  it('is told to be silent, as is a backup that never spoke', () => {
    const run = (id: string) => {
      const frames = of(id, minutes([[5, 10]], DAY_START_MS - DAY));
      return runEntries(ticked(siteFacts(backed()), frames, HOUR).entries);
    };
    const silent = ({ signals }: Run) =>
      signals.flatMap((signal) =>
        signal.kind === 'SILENCE' && signal.detail['reason'] === 'never-heard'
          ? [signal.detail['device']]
          : [],
      );
    expect(silent(run('b'))).toEqual(['a']);
    expect(silent(run('a'))).toEqual(['b']);
  });

  it('makes no difference to what is restored at any point', () => {
    const entries = journalOf(backed(), series({ b: [[100, 480]] }));
    const whole = runEntries(entries).outputs;
    for (const cut of [5, 7, 9, entries.length - 30]) {
      const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
      const before = entries.slice(0, cut).flatMap((entry) => engine.step(entry));
      const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      expect([...before, ...entries.slice(cut).flatMap((one) => restored.value.step(one))]).toEqual(
        whole,
      );
    }
  });
});

describe('channels that fall silent', () => {
  it('a backup whose data come after the rules are out of memory is told, never silently dropped', () => {
    const days = [0, 1, 2, 3, 4];
    const alive = days.flatMap((day) => of('a', minutes([[5, 300]], DAY_START_MS + day * DAY)));
    const { journal, entries, now } = ticked(siteFacts(backed({ feed: 'mean' })), alive, HOUR);
    const early = unnumbered([of('b', minutes([[90, 480]]))]);
    entries.push(journal.batch(early[0]!, now), journal.tick(now + MIN));
    const told = runEntries(entries).signals.filter(
      (signal) => signal.kind === 'DATA_GAP' && signal.detail['reason'] === 'beyond-horizon',
    );
    expect(told).toMatchObject([{ detail: { device: 'b' } }]);
  });

  it('close every shift as incomplete by tick, never as a pass', () => {
    const frames = of('b', minutes([[5, 30]], DAY_START_MS - DAY));
    const { entries } = ticked(siteFacts(backed()), frames, 2 * DAY);
    const all = runEntries(entries);
    expect(ofFirstDay(all).map(({ verdict }) => verdict)).toEqual(['indeterminate']);
  });

  it('a primary that is retired leaves its backup’s shifts judged, and out of memory in time', () => {
    const days = [0, 1, 2, 3, 4, 7, 8];
    const frames = [
      ...of('a', minutes([[5, 60]])),
      ...days.flatMap((day) => of('b', minutes([[160, 150]], DAY_START_MS + day * DAY))),
    ].sort((a, b) => a.at - b.at);
    const { entries } = ticked(siteFacts(backed()), frames);
    const all = runEntries(entries);
    const twa = all.results.filter(({ subject }) => subject.limitKind === 'PC_TWA');
    expect(twa.filter(({ verdict }) => verdict === 'exceeded')).toHaveLength(days.length);
    const short = ticked(siteFacts(backed()), frames.slice(0, (frames.length * 4) / 7));
    const bytes = runEntries(short.entries).engine.checkpoint().byteLength;
    expect(all.engine.checkpoint().byteLength).toBeLessThan(bytes * 1.25);
  });
});

describe.each([
  ['a mixture', 'MIXTURE', MIXTURE_SITE, 400, 'suspected'],
  ['nitrogen oxides', 'PC_TWA', NOX_SITE, 50, 'exceeded'],
  ['heat at three heights', 'WBGT', HEIGHTS_SITE, 40, 'indeterminate'],
  ['the mean of two', 'PC_TWA', meanSite('carbon-monoxide', CO), 50, 'exceeded'],
  ['a crew at two posts', 'PC_TWA', MOVING_SITE, 60, 'exceeded'],
] as const)('%s whose first channel never spoke', (_, kind, site, value, verdict) => {
  it(`is judged by the others: ${verdict}`, () => {
    const frames = series({ b: [[value, 480]] });
    const all = runSite(site, frames);
    expect(all.last(kind).verdict).toBe(verdict);
    expectAsWanted(all, site, frames);
  });
});

describe('a post’s sensor that is told late to have been another', () => {
  const site: Site = {
    posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
    devices: { a: CO, b: CO },
  };
  const post = postOf({ id: 'post-1', hazards: [hazard('carbon-monoxide', 'b')] });

  it('has its shift judged from that one, as a revision under the same key', () => {
    const frames = series({ a: [[5, 480]], b: [[50, 480]] });
    const all = runEntries(learntLate(siteFacts(site), frames, [post]));
    const twa = ofFirstDay(all);
    expect(twa.map(({ revision, verdict }) => [revision, verdict])).toEqual([
      [1, 'within'],
      [2, 'exceeded'],
    ]);
    expect(all.last('PC_TWA').subject.channel.device).toBe('b');
    expectAsWanted(all, { ...site, facts: [post] }, frames);
  });

  it('is judged as unseen, and said to be silent, if nothing ever came of that one', () => {
    const frames = series({ a: [[50, 480]] });
    const all = runEntries(learntLate(siteFacts(site), frames, [post]));
    expect(all.last('PC_TWA').verdict).toBe('indeterminate');
    expect(all.last('PC_TWA').caps).not.toContain('not-scheduled');
    expect(all.signals.map(({ kind }) => kind)).toContain('OVER_LIMIT_WITHDRAWN');
    expectAsWanted(all, { ...site, facts: [post] }, frames);
  });
});

/** Minute batches as they come, a tick every 5 min, ending a day after. */
function ticked(facts: ReturnType<typeof siteFacts>, frames: readonly TestFrame[], afterMs = DAY) {
  const journal = createTestJournal();
  const entries: JournalEntry[] = facts.map((one) => journal.fact(one, DAY_START_MS - DAY));
  let now = DAY_START_MS - DAY;
  const tickTo = (untilMs: number): void => {
    for (; now < untilMs; now += 5 * MIN) entries.push(journal.tick(now));
  };
  for (const batch of unnumbered(chunked(frames, 30))) {
    const at = Math.max(...batch.frames.map((frame) => frame.at));
    tickTo(at);
    entries.push(journal.batch(batch, at + 100));
  }
  tickTo(now + afterMs);
  return { journal, entries, now };
}

function learntLate(
  facts: ReturnType<typeof siteFacts>,
  frames: readonly TestFrame[],
  learnt: ReturnType<typeof siteFacts>,
): JournalEntry[] {
  const { journal, entries, now } = ticked(facts, frames);
  for (const one of learnt) entries.push(journal.fact(one, now));
  for (let i = 0; i < 12; i++) entries.push(journal.tick(now + i * 10 * MIN));
  return entries;
}
