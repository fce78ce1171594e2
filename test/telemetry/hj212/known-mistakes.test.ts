import { describe, expect, it } from 'vitest';
import { answerFrame } from '../../../src/telemetry/hj212/answer-frame.ts';
import { crc16, crc16Modbus, crcText } from '../../../src/telemetry/hj212/crc16.ts';
import { readSegment } from '../../../src/telemetry/hj212/decode-frame.ts';
import { encodeFrame } from '../../../src/telemetry/hj212/encode-frame.ts';
import { wantsAnswer } from '../../../src/telemetry/hj212/parse-segment.ts';
import { batchOf, decode, RECEIVED_AT_MS, valuesOf } from './decode.ts';
import { altered, frameOf } from './device-frames.ts';
import { contextOf, piecesOf } from './reading.ts';

const AT = 'DataTime=20261124080000';
const ONE = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N`);
const NOISE = contextOf(['LA']);
const deviating = (
  ...deviations: NonNullable<Parameters<typeof contextOf>[1]>['deviations'] & {}
) => contextOf(['LA', 'a34001', 'a34002'], { deviations });
const segmentOf = (raw: Uint8Array) => {
  const read = readSegment(raw, {});
  if (!read.ok) throw new Error(read.detail);
  return read.value;
};

describe('mistakes that parsers of HJ 212 make', () => {
  it('1. the CRC is that of Annex A, not that of Modbus', () => {
    const segment = Buffer.from(
      'QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&',
    );
    expect(crcText(crc16(segment))).toBe('1C80');
    expect(crcText(crc16Modbus(segment))).toBe('0759');
    expect(crcText(crc16(Buffer.alloc(0)))).toBe('FFFF');
    expect(crcText(crc16(Buffer.of(0)))).toBe('4040');
  });

  it('2. CRC and length are of bytes, not of characters', () => {
    const chinese = Buffer.from(`${AT};i12001-Info=噪声监测仪,LA-Rtd=83.2,LA-Flag=N`);
    const frame = frameOf(chinese.toString('latin1'));
    expect(Number(frame.toString('latin1', 2, 6))).toBe(frame.length - 12);
    expect(frame.toString().length).toBe(frame.length - 10);
    expect(valuesOf(frame, NOISE)).toEqual({ LA: [83.2, 'N'] });
  });

  it('3. a CRC in lower case or without leading zeros is the same number, and a deviation', () => {
    const lower = altered(ONE, /....\r\n$/, `${ONE.toString().slice(-6, -2).toLowerCase()}\r\n`);
    expect(lower).not.toEqual(ONE);
    expect(decode(lower, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(valuesOf(lower, deviating('crc-lower-case'))).toEqual({ LA: [83.2, 'N'] });
    let padded = ONE;
    for (let i = 0; !/&&0...\r\n$/.test(padded.toString()); i++) {
      padded = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N,LA-Max=${i}`);
    }
    const unpadded = altered(padded, /&&0+/, '&&');
    expect(decode(padded, NOISE).kind).toBe('batch');
    expect(valuesOf(unpadded, deviating('crc-unpadded'))).toEqual({ LA: [83.2, 'N'] });
  });

  it('4. a length is not trusted: a wrong one costs no frame behind it', () => {
    const wrong = altered(ONE, /##\d{4}/, '##0450');
    const pieces = piecesOf([Buffer.concat([wrong, ONE])]);
    expect(pieces.map(({ raw }) => raw)).toEqual([wrong, ONE]);
    expect(decode(wrong, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(valuesOf(wrong, deviating('length'))).toEqual({ LA: [83.2, 'N'] });
  });

  it('5. a frame comes in as many pieces as the network makes', () => {
    const bytes = Array.from(ONE, (_, at) => ONE.subarray(at, at + 1));
    expect(piecesOf(bytes)).toEqual([{ kind: 'frame', raw: ONE }]);
  });

  it('6. frames stick together, and ## may stand in one', () => {
    const inside = frameOf(`${AT};LA-Info=##0042,LA-Rtd=83.2,LA-Flag=N`);
    const pieces = piecesOf([Buffer.concat([inside, ONE, inside])]);
    expect(pieces.map(({ raw }) => raw)).toEqual([inside, ONE, inside]);
    expect(valuesOf(inside, NOISE)).toEqual({ LA: [83.2, 'N'] });
  });

  it('7. CP is cut out before anything is split; fields end at their first =', () => {
    const frame = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N;a34001-Info=a=b`, { more: 'X=1;' });
    expect(segmentOf(frame).header.mn).toBe('010000A8900016F000169DC0');
    expect(segmentOf(frame).region.items.get('a34001')?.kinds.get('Info')).toBe('a=b');
    const trailing = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N;`);
    expect(decode(trailing, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(valuesOf(trailing, deviating('trailing-separator'))).toEqual({ LA: [83.2, 'N'] });
  });

  it.each([
    ['0', false],
    ['4', false],
    ['5', true],
    ['6', false],
    ['7', true],
    ['8', false],
    ['9', true],
    ['11', true],
  ])('8. Flag is read by its bits: %s wants an answer: %s', (flag, wanted) => {
    expect(wantsAnswer(segmentOf(frameOf(AT, { flag })).header)).toBe(wanted);
  });

  it('9. PNUM and PNO are told by their names, and belong to bit D', () => {
    const swapped = frameOf(AT, { flag: '7', more: 'PNO=1;PNUM=2;' });
    expect(segmentOf(swapped)).toMatchObject({
      header: { split: { pnum: 2, pno: 1 } },
      deviations: [],
    });
    const without = frameOf(`${AT};LA-Rtd=1,LA-Flag=N`, { flag: '4', more: 'PNUM=2;PNO=1;' });
    expect(decode(without, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(segmentOf(frameOf(AT, { flag: '7', more: 'PNUM=2;PNO=3;' })).deviations).toEqual([
      'split-fields',
    ]);
  });

  it('10. Flag of the header, of an item, and a bare one in CP are three things', () => {
    const bare = frameOf(`${AT};LA-Rtd=83.2;a34001-Rtd=92,a34001-Flag=D;Flag=N`, { flag: '4' });
    expect(segmentOf(bare).header.flag).toBe(4);
    expect(decode(bare, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(valuesOf(bare, deviating('bare-flag'))).toEqual({ LA: [83.2, 'N'], a34001: [92, 'D'] });
  });

  it('11. QN is neither a key nor the time of the data', () => {
    const late = frameOf('DataTime=20261123080000;LA-Rtd=83.2,LA-Flag=N');
    const [frame] = batchOf(late, NOISE).frames;
    expect(frame?.at).toBe(Date.parse('2026-11-23T08:00:00+08:00'));
    const odd = frameOf(`${AT};LA-Rtd=83.2,LA-Flag=N`, { qn: '201909262113836CST' });
    expect(valuesOf(odd, deviating('qn-form'))).toEqual({ LA: [83.2, 'N'] });
    expect(batchOf(odd, deviating('qn-form')).createdAt).toBe(RECEIVED_AT_MS);
  });

  it.each([
    ['2011', 'LA-Rtd=83.2', '2026-11-24T08:00:00+08:00', 1_000],
    ['2051', 'LA-Data=83.2', '2026-11-24T08:10:00+08:00', 600_000],
    ['2051', 'LA-Avg=83.2', '2026-11-24T08:10:00+08:00', 600_000],
    ['2061', 'LA-Avg=83.2', '2026-11-24T09:00:00+08:00', 3_600_000],
  ])('12. DataTime of %s is the instant, or the start of the period', (cn, item, at, spanMs) => {
    const context = contextOf(['LA'], { minuteIntervalMin: 10 });
    const [frame] = batchOf(frameOf(`${AT};${item},LA-Flag=N`, { cn }), context).frames;
    expect(frame).toMatchObject({ at: Date.parse(at), spanMs });
  });

  it('12. a 12-hour clock is put right by the arrival, or the frame is not used', () => {
    const context = deviating('clock-12h');
    const frame = frameOf('DataTime=20261124020000;LA-Rtd=83.2,LA-Flag=N');
    const arrived = (text: string) => Date.parse(`2026-11-24T${text}+08:00`);
    expect(batchOf(frame, context, arrived('14:00:05')).frames[0]?.at).toBe(arrived('14:00:00'));
    expect(batchOf(frame, context, arrived('02:00:05')).frames[0]?.at).toBe(arrived('02:00:00'));
    expect(decode(frame, context, arrived('08:00:00'))).toMatchObject({ reason: 'hj212-time' });
    const noon = frameOf('DataTime=20261124120500;LA-Rtd=83.2,LA-Flag=N');
    expect(batchOf(noon, context, arrived('00:05:05')).frames[0]?.at).toBe(arrived('00:05:00'));
  });

  it.each([
    '20261324080000',
    '20260230080000',
    '20261124240000',
    '2026112408000',
    '20261124T80000',
    '',
  ])('12. a DataTime that is no time is not guessed: %s', (time) => {
    const frame = frameOf(`DataTime=${time};LA-Rtd=83.2,LA-Flag=N`);
    expect(decode(frame, NOISE)).toMatchObject({ reason: 'hj212-time' });
  });

  it.each([
    '',
    'null',
    'NaN',
    'Infinity',
    '--',
    '1e999',
    '0x10',
    '83,2',
    '83.2dB',
    '-9999',
    '-9999.0',
  ])('13. what is no number, or the sentinel of the device, is null: "%s"', (text) => {
    const context = contextOf(['LA'], {
      sentinels: [-9_999],
      deviations: ['stray-text'],
    });
    const frame = frameOf(`${AT};LA-Rtd=${text},LA-Flag=N`);
    expect(valuesOf(frame, context)).toEqual(
      text === '83,2' ? { LA: [83, 'N'] } : { LA: [null, 'U'] },
    );
  });

  it('13. a flag beside null stays, but for N', () => {
    const frame = frameOf(`${AT};LA-Rtd=,LA-Flag=D;a34001-Rtd=0`);
    expect(valuesOf(frame, deviating())).toEqual({ LA: [null, 'D'], a34001: [0, 'U'] });
  });

  it('14. a value is as the device sent it: its unit is that of the registry, never inferred', () => {
    const nano = frameOf(`${AT};a34001-Rtd=178000.000,a34001-Flag=N`);
    const micro = frameOf(`${AT};a34001-Rtd=67.04,a34001-Flag=N`);
    expect(valuesOf(nano, deviating())).toEqual({ a34001: [178_000, 'N'] });
    expect(valuesOf(micro, deviating())).toEqual({ a34001: [67.04, 'N'] });
  });

  it('15. realtime data renamed to minute data is another channel, and starts on no minute', () => {
    const renamed = frameOf('DataTime=20261124080009;LA-Avg=83.2,LA-Flag=N', { cn: '2051' });
    expect(decode(renamed, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    expect(Object.keys(valuesOf(renamed, deviating('period-unaligned')))).toEqual(['LA-minute']);
  });

  it('16. no value is made up: what a device does not give is null or not there', () => {
    const frame = frameOf(`${AT};a34001-Flag=N;a34002-Rtd=32767,a34002-Flag=N`);
    expect(valuesOf(frame, deviating())).toEqual({ a34001: [null, 'U'], a34002: [32_767, 'N'] });
  });

  it('17. an old value with a new DataTime keeps the time of its sample', () => {
    const item = 'LA-SampleTime=20261124075900,LA-Rtd=83.2,LA-Flag=N';
    const [frame] = batchOf(frameOf(`${AT};${item}`), NOISE).frames;
    expect(frame?.at).toBe(Date.parse('2026-11-24T07:59:00+08:00'));
    const [again] = batchOf(frameOf(`DataTime=20261124080030;${item}`), NOISE).frames;
    expect(again?.at).toBe(frame?.at);
    const ahead = frameOf(`${AT};LA-SampleTime=20261124090000,LA-Rtd=83.2,LA-Flag=N`);
    expect(valuesOf(ahead, NOISE)).toEqual({ LA: [null, 'U'] });
  });

  it('20. other case is taken of devices that are known for it, and told', () => {
    const upper = frameOf('DATATIME=20261124080000;La-RTD=83.2,LA-FLAG=N');
    expect(decode(upper, NOISE)).toMatchObject({ reason: 'hj212-deviation' });
    const two = frameOf(`${AT};la-Rtd=83.2,la-Flag=N`);
    expect(valuesOf(two, deviating('item-case'))).toEqual({ LA: [83.2, 'N'] });
    expect(batchOf(two, deviating('item-case')).meta).toMatchObject({
      hj212: { deviations: ['item-case'] },
    });
    const both = frameOf(`${AT};la-Rtd=83.2,la-Flag=N;LA-Rtd=70,LA-Flag=N`);
    expect(valuesOf(both, deviating('item-case', 'duplicate-field'))).toEqual({ LA: [null, 'U'] });
  });
});

describe('an answer', () => {
  it('names the frame by QN, PW and MN, and wants none itself (C.14)', () => {
    const asked =
      '##0453QN=20160801085000001;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=7;CP=&&&&';
    const { header } = segmentOf(encodeFrame(asked.slice(6)));
    expect(answerFrame(header).toString()).toBe(
      '##0087QN=20160801085000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&C241\r\n',
    );
  });

  it('has the version of the device, and is 9013 to a notice', () => {
    const answerTo = (cn: string, flag: string): string =>
      answerFrame(segmentOf(frameOf('', { cn, flag })).header).toString();
    expect(answerTo('9015', '9')).toContain(';CN=9013;');
    expect(answerTo('1013', '5')).toContain(';CN=9013;');
    expect(answerTo('2061', '9')).toContain(';Flag=8;');
    expect(answerTo('2061', '1')).toContain(';Flag=0;');
  });
});
