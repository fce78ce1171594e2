import { describe, expect, it } from 'vitest';
import { readSegment } from '../../../src/telemetry/hj212/decode-frame.ts';
import { createSplitPackets } from '../../../src/telemetry/hj212/split-packets.ts';
import { batchOf } from './decode.ts';
import { frameOf } from './device-frames.ts';
import { contextOf } from './reading.ts';

const TIME = '20261124080000';
/** A packet of a message that is made at `second` past eight. */
function packet(
  text: string,
  {
    pno = 1,
    pnum = 2,
    second = 5,
    cn = '2011',
  }: { pno?: number; pnum?: number; second?: number; cn?: string } = {},
) {
  const qn = `202611240800${String(second).padStart(2, '0')}${String(pno).padStart(3, '0')}`;
  const frame = frameOf(text, { qn, cn, flag: '7', more: `PNUM=${pnum};PNO=${pno};` });
  const read = readSegment(frame, {});
  if (!read.ok) throw new Error(read.detail);
  return { frame, segment: read.value };
}
const DATED = packet(`DataTime=${TIME};LA-Rtd=83.2,LA-Flag=N`);
const UNDATED = packet('a34001-Rtd=0.3,a34001-Flag=N', { pno: 2 });

function setUp() {
  const packets = createSplitPackets<string>();
  const take = (of: { segment: typeof DATED.segment }, name: string, nowMs = 0) => {
    const outcome = packets.take(of.segment, name, nowMs);
    return outcome.kind === 'held'
      ? 'held'
      : outcome.packets.map((one) => [one.packet, one.dataTime]);
  };
  return { packets, take };
}

describe('packets of a split message', () => {
  it('stand for themselves when each has its DataTime (C.49)', () => {
    const { packets, take } = setUp();
    const second = packet(`DataTime=${TIME};a34001-Rtd=0.3`, { pno: 2 });
    expect(take(DATED, 'one')).toEqual([['one', null]]);
    expect(take(second, 'two')).toEqual([['two', null]]);
    expect(packets.waiting()).toBe(0);
  });

  it('have the DataTime of the packet that has one, whichever came first', () => {
    const forwards = setUp();
    expect(forwards.take(DATED, 'one')).toEqual([['one', null]]);
    expect(forwards.take(UNDATED, 'two')).toEqual([['two', TIME]]);
    const backwards = setUp();
    expect(backwards.take(UNDATED, 'two')).toBe('held');
    expect(backwards.take(DATED, 'one')).toEqual([
      ['one', null],
      ['two', TIME],
    ]);
    expect(backwards.packets.waiting()).toBe(0);
  });

  it('are read with it', () => {
    const context = { ...contextOf(['a34001']), dataTime: TIME };
    expect(batchOf(UNDATED.frame, context).frames).toMatchObject([
      { at: Date.parse('2026-11-24T08:00:00+08:00'), values: { 'm-a34001': 0.3 } },
    ]);
  });

  it('have it again when they are resent', () => {
    const { take } = setUp();
    take(DATED, 'one');
    expect(take(UNDATED, 'two', 10_000)).toEqual([['two', TIME]]);
    expect(take(UNDATED, 'again', 40_000)).toEqual([['again', TIME]]);
  });

  it('never take the time of another message', () => {
    const { take } = setUp();
    take(DATED, 'one');
    const ofNext = packet('a34001-Rtd=0.3', { pno: 2, second: 35 });
    expect(take(ofNext, 'two of the next', 30_000)).toBe('held');
    const otherCommand = packet('a34001-Rtd=0.3', { pno: 2, cn: '2051' });
    expect(take(otherCommand, 'other command')).toBe('held');
    const otherNumber = packet('a34001-Rtd=0.3', { pno: 2, pnum: 3 });
    expect(take(otherNumber, 'other number')).toBe('held');
  });

  it('without a QN find no sibling', () => {
    const { packets, take } = setUp();
    take(DATED, 'one');
    const { header } = UNDATED.segment;
    expect(take({ segment: { ...UNDATED.segment, header: { ...header, qn: null } } }, 'two')).toBe(
      'held',
    );
    expect(packets.expire(60_000)).toEqual(['two']);
  });

  it('are given up after a minute, or at a bound', () => {
    const { packets, take } = setUp();
    take(UNDATED, 'old', 0);
    take(UNDATED, 'young', 30_000);
    expect(packets.expire(59_999)).toEqual([]);
    expect(packets.expire(60_000)).toEqual(['old']);
    expect(packets.waiting()).toBe(1);
    for (let i = 0; i < 40; i++) take(UNDATED, `more ${i}`, 60_000);
    expect(packets.waiting()).toBe(41);
    expect(packets.expire(60_000)).toHaveLength(9);
    expect(packets.waiting()).toBe(32);
  });

  it('of too many messages give up the oldest', () => {
    const { packets, take } = setUp();
    for (let i = 0; i < 17; i++) take(packet('LA-Rtd=1', { pno: 2, pnum: 2 + i }), `message ${i}`);
    expect(packets.expire(0)).toEqual(['message 0']);
  });

  it('leave whole messages alone', () => {
    const { take } = setUp();
    const read = readSegment(frameOf(`DataTime=${TIME}`), {});
    if (!read.ok) throw new Error(read.detail);
    expect(take({ segment: read.value }, 'whole')).toEqual([['whole', null]]);
  });
});
