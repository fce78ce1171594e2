import { describe, expect, it } from 'vitest';
import { type DeviceFrame, deviceFrame } from '../../simulators/hj212-frame.ts';
import type { Hj212Deviation } from '../../src/model/hj212.ts';
import { deviationsOf } from '../../src/telemetry/hj212/decode-frame.ts';
import { batchOf } from '../telemetry/hj212/decode.ts';
import { MN } from '../telemetry/hj212/device-frames.ts';
import { contextOf, EVERY_DEVIATION, piecesOf } from '../telemetry/hj212/reading.ts';

const AT_MS = Date.parse('2026-11-24T14:00:00+08:00');
const FRAME: DeviceFrame = {
  ...{ edition: 2017, mn: MN, st: '39', cn: '2011', wantsAnswer: true },
  ...{ madeMs: AT_MS + 1_123, dataTimeMs: AT_MS },
  items: [
    { code: 'LA', value: 83.2, flag: 'N' },
    { code: 'a34001', value: 0.15, flag: 'N' },
  ],
};
const read = (frame: Buffer, deviations: Hj212Deviation[], receivedAtMs = AT_MS) => {
  expect(piecesOf([frame])).toEqual([{ kind: 'frame', raw: frame }]);
  const batch = batchOf(frame, contextOf(['LA', 'a34001'], { deviations }), receivedAtMs);
  return { told: deviationsOf(batch), frames: batch.frames };
};

/** Only some CRCs have letters, or begin with a zero. */
const SHOWN_BY: Partial<Record<Hj212Deviation, RegExp>> = {
  'crc-lower-case': /&&[0-9a-f]*[a-f][0-9a-f]*\r\n$/,
  'crc-unpadded': /&&.{1,3}\r\n$/,
};

describe('a simulated device', () => {
  it('that deviates in nothing sends frames of the standard', () => {
    expect(read(deviceFrame(FRAME), [])).toEqual({
      told: [],
      frames: [
        {
          device: 'device-1',
          at: AT_MS,
          spanMs: 1_000,
          values: { 'm-LA': 83.2, 'm-a34001': 0.15 },
        },
      ],
    });
  });

  it.each(EVERY_DEVIATION)('shows %s, which alone is told, and the same values', (name) => {
    const isPeriod = name === 'period-unaligned';
    const sent = { ...FRAME, cn: isPeriod ? '2051' : '2011' };
    let frame = deviceFrame(sent, new Set([name]));
    for (let i = 1; !(SHOWN_BY[name] ?? /./).test(frame.toString()); i++) {
      frame = deviceFrame({ ...sent, madeMs: FRAME.madeMs + i }, new Set([name]));
    }
    const { told, frames } = read(frame, [name]);
    expect(told).toEqual([name]);
    const suffix = isPeriod ? '-minute' : '';
    expect(frames).toMatchObject([
      { values: { [`m-LA${suffix}`]: 83.2, [`m-a34001${suffix}`]: 0.15 } },
    ]);
    expect(frames[0]).not.toHaveProperty('flags');
  });

  it('with a 12-hour clock shows the morning, and is put right', () => {
    const frame = deviceFrame(FRAME, new Set(['clock-12h']));
    expect(frame.toString()).toContain('DataTime=20261124020000');
    expect(read(frame, ['clock-12h'])).toMatchObject({
      told: ['clock-12h'],
      frames: [{ at: AT_MS }],
    });
  });
});
