import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameStream, SEGMENT_BYTES_MAX } from '../../../src/telemetry/hj212/frame-stream.ts';
import { altered, frameOf } from './device-frames.ts';
import { piecesOf } from './reading.ts';

const FIRST = frameOf('DataTime=20261124080000;a34001-Rtd=0.12,a34001-Flag=N');
const SECOND = frameOf('DataTime=20261124080030;LA-Rtd=83.2,LA-Flag=N', {
  qn: '20261124080035123',
});
const concat = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));
const kindsOf = (bytes: Buffer): string[] => piecesOf([bytes]).map(({ kind }) => kind);
const framesOf = (bytes: Buffer): Buffer[] =>
  piecesOf([bytes]).flatMap(({ kind, raw }) => (kind === 'frame' ? [raw] : []));

/** Streams as lines in the field are, with the frames that are in them. */
const STREAMS: readonly (readonly [name: string, bytes: Buffer, frames: readonly Buffer[]])[] = [
  ['frames that stick together', concat(FIRST, SECOND, FIRST), [FIRST, SECOND, FIRST]],
  [
    'what a modem sends between them',
    concat('+REG 1\r\n', FIRST, '\0\0AT\r\n', SECOND),
    [FIRST, SECOND],
  ],
  ['a third #', concat('#', FIRST, SECOND), [FIRST, SECOND]],
  ['a frame cut off', concat(FIRST.subarray(0, 40), SECOND, FIRST), [SECOND, FIRST]],
  ['a frame without its head', concat(FIRST.subarray(9), SECOND), [SECOND]],
  [
    'a length that reaches into the next frame',
    concat(altered(FIRST, /##\d{4}/, '##0400'), SECOND, SECOND),
    [altered(FIRST, /##\d{4}/, '##0400'), SECOND, SECOND],
  ],
  [
    'a length that ends too early',
    concat(altered(FIRST, /##\d{4}/, '##0020'), SECOND),
    [altered(FIRST, /##\d{4}/, '##0020'), SECOND],
  ],
  ['a length of no digits', concat('##ABCDQN=1;CP=&&&&0000\r\n', SECOND), [SECOND]],
  ['a length that no frame has', concat('##9999QN=1;', FIRST), [FIRST]],
  [
    'frames without CR LF',
    concat(FIRST.subarray(0, -2), SECOND.subarray(0, -2), FIRST),
    [FIRST.subarray(0, -2), SECOND.subarray(0, -2), FIRST],
  ],
  [
    'frames that end in LF',
    concat(FIRST.subarray(0, -2), '\n', SECOND),
    [concat(FIRST.subarray(0, -2), '\n'), SECOND],
  ],
  [
    'frames that are cut off, of a device without CR LF',
    concat(FIRST.subarray(0, 70), SECOND.subarray(0, -2), FIRST),
    [SECOND.subarray(0, -2), FIRST],
  ],
  [
    'a start inside a frame that fits',
    frameOf('DataTime=20261124080000;a34001-Info=##0012,a34001-Rtd=1'),
    [frameOf('DataTime=20261124080000;a34001-Info=##0012,a34001-Rtd=1')],
  ],
  [
    'a frame that only looks as if it held another',
    concat(
      `##${String(30 + SECOND.length - 12).padStart(4, '0')}QN=1;CP=&&lost on the way `,
      SECOND,
    ),
    [SECOND],
  ],
];

describe('the frames of a stream', () => {
  it.each(STREAMS)('are found: %s', (_name, bytes, frames) => {
    expect(framesOf(bytes)).toEqual(frames);
    expect(Buffer.concat(piecesOf([bytes]).map(({ raw }) => raw))).toEqual(bytes);
  });

  it.each(STREAMS)('are the same wherever the stream is cut: %s', (_name, bytes) => {
    const whole = piecesOf([bytes]);
    for (let at = 1; at < bytes.length; at++) {
      expect(piecesOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    expect(piecesOf(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  it('are the same wherever any bytes are cut, and nothing is lost', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '##',
        '##0012',
        '##0000',
        '\r\n',
        '&&',
        '&&1C80',
        'CP=&&',
        '#',
        '\n',
        '{0x',
        '0',
      ),
      fc.constantFrom(FIRST.toString(), SECOND.toString(), FIRST.toString().slice(0, -2)),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(400)), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        const at = [
          0,
          ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        const whole = piecesOf([bytes]);
        expect(piecesOf(chunks)).toEqual(whole);
        expect(Buffer.concat(whole.map(({ raw }) => raw))).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('wait for nothing once they are whole', () => {
    const stream = createFrameStream();
    expect(stream.push(FIRST)).toHaveLength(1);
    expect(stream.waiting()).toBe(0);
    expect(stream.push(FIRST.subarray(0, -1))).toEqual([]);
    expect(stream.push(FIRST.subarray(-1))).toEqual([{ kind: 'frame', raw: FIRST }]);
  });

  it('take an encrypted frame by its end: its length is that of the plain text', () => {
    const sent = Buffer.from('##0095QN=1;CP=&&{0x00,0x01,0x02,0x03}&&B541\r\n');
    expect(framesOf(concat(sent, SECOND))).toEqual([sent, SECOND]);
  });
});

describe('the memory of a stream', () => {
  const waitingMax = (chunk: Buffer, times: number): number => {
    const stream = createFrameStream();
    let max = 0;
    for (let i = 0; i < times; i++) {
      stream.push(chunk);
      max = Math.max(max, stream.waiting());
    }
    return max;
  };

  it.each([
    ['bytes without an end', 'x'.repeat(1_000)],
    ['starts without an end', '##8000'],
    ['a start and digits', `##8192${'0'.repeat(500)}`],
    ['closings', '&&&&'],
  ])('is bounded for %s', (_name, text) => {
    expect(waitingMax(Buffer.from(text), 2_000)).toBeLessThanOrEqual(SEGMENT_BYTES_MAX + 1_100);
  });

  it('cuts noise into pieces of 1 KiB', () => {
    const pieces = piecesOf([Buffer.alloc(5_000, 0x41)]);
    expect(pieces.map(({ raw }) => raw.length)).toEqual([1_024, 1_024, 1_024, 1_024, 904]);
    expect(kindsOf(Buffer.from('\r\n\r\n'))).toEqual(['noise', 'noise']);
  });
});
