import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseTracking } from '../../src/gateway/chrony-tracking.ts';
import { startClockGauge } from '../../src/gateway/clock-gauge.ts';
import { HOUR_MS } from '../../src/model/time.ts';
import { testFolder } from './gateway-fixture.ts';

/** As chronyc 4.3 prints them: a server, chrony's own clock, and no source. */
const HELD =
  'CB00711E,ntp.example,3,1795545587.077844595,-0.001600000,-0.000020000,0.000040000,-12.345,0.001,0.040,0.021400000,0.003100000,64.5,Normal';
const LOCAL =
  '7F7F0101,,5,1795545587.077844595,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal';
const NONE =
  '00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised';

describe('parseTracking()', () => {
  it('takes offset, and root dispersion with half the root delay as the error', () => {
    expect(parseTracking(`${HELD}\n`)).toEqual({ ok: true, value: { offsetMs: -2, errMs: 14 } });
  });

  it("takes chrony's own clock, and none at all, for a clock that nothing holds", () => {
    expect(parseTracking(LOCAL)).toMatchObject({ reason: 'not-synchronised' });
    expect(parseTracking(NONE)).toMatchObject({ reason: 'not-synchronised' });
  });

  it('takes nothing else for a measurement', () => {
    const broken = ['', '506 Cannot talk to daemon', HELD.replace('0.021400000', ''), 'a,b,c'];
    for (const text of broken) expect(parseTracking(text)).toMatchObject({ reason: 'unreadable' });
  });
});

describe('the clock gauge', () => {
  async function gaugeOf(atFirst: string | null) {
    const chronyc = join(testFolder(), 'chronyc');
    const saying = (text: string | null): void => {
      writeFileSync(chronyc, text === null ? '#!/bin/sh\nexit 1\n' : `#!/bin/sh\necho '${text}'\n`);
      chmodSync(chronyc, 0o755);
    };
    saying(atFirst);
    let nowMs = 0;
    const told: string[] = [];
    const log = pino({}, { write: (line: string) => void told.push(JSON.parse(line).msg) });
    const config = { source: 'ntp', errMs: 30, offsetMs: 0, chronyc } as const;
    const gauge = await startClockGauge(config, log, () => nowMs);
    onTestFinished(gauge.close);
    return {
      gauge,
      told,
      /** What it says now, after so long, when chrony is asked again. */
      async says(text: string | null, ms: number) {
        saying(text);
        nowMs += ms;
        await gauge.follow(config);
        return gauge.state();
      },
    };
  }

  it('claims what the settings claim when nothing measures', async () => {
    const config = { source: 'gps', errMs: 5, offsetMs: 1 } as const;
    const gauge = await startClockGauge(config, pino({ level: 'silent' }));
    expect(gauge.state()).toEqual(config);
  });

  it('says what chrony measured', async () => {
    const { gauge } = await gaugeOf(HELD);
    expect(gauge.state()).toEqual({ source: 'ntp', offsetMs: -2, errMs: 14 });
  });

  it('is free from the moment that chrony loses it, and the further off the longer', async () => {
    const { says, told } = await gaugeOf(HELD);
    const soon = await says(NONE, HOUR_MS);
    expect(soon).toEqual({ source: 'free', offsetMs: -2, errMs: 14 + 360 });
    expect((await says(null, 9 * HOUR_MS)).errMs).toBe(14 + 3_600);
    expect(await says(HELD, HOUR_MS)).toEqual({ source: 'ntp', offsetMs: -2, errMs: 14 });
    expect(told).toEqual([
      'the clock is not held by chrony: it counts as free from now on',
      'the clock is held by chrony',
    ]);
  });

  it('knows nothing of a clock that chrony never held', async () => {
    const { gauge } = await gaugeOf(null);
    expect(gauge.state().source).toBe('free');
    expect(gauge.state().errMs).toBeGreaterThan(300 * 24 * HOUR_MS);
  });
});
