import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Hj212Deviation } from '../../../src/model/hj212.ts';
import { decodePayload } from '../../../src/telemetry/decode-payload.ts';
import { readSegment } from '../../../src/telemetry/hj212/decode-frame.ts';
import type { ReadingContext } from '../../../src/telemetry/hj212/reading-context.ts';
import { contextOf, EVERY_DEVIATION, piecesOf } from './reading.ts';

interface Expected {
  readonly outcome: 'read' | 'refused' | 'noise' | 'nothing';
  readonly reason?: string;
  readonly edition?: ReadingContext['edition'];
  readonly header?: Readonly<Record<string, string | number | null>>;
  readonly deviations?: readonly Hj212Deviation[];
  /** Fields of CP of a frame that brings no data. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly minuteIntervalMin?: number;
  readonly at?: string;
  readonly spanS?: number;
  readonly values?: Readonly<Record<string, readonly [number | null, string]>>;
  /** Code → SampleTime, where it is not DataTime. */
  readonly sampled?: Readonly<Record<string, string>>;
}

/**
 * Frames found in public: in the standards, in the tests, readmes and logs of others. What is expected of
 * each was computed by another program than ours, and read through.
 */
const FRAMES: readonly { name: string; source: string; raw: string; expected: Expected }[] =
  JSON.parse(readFileSync(new URL('./public-frames.json', import.meta.url), 'utf8'));
const RECEIVED_AT_MS = Date.parse('2026-11-24T00:00:00+08:00');

const decode = (raw: Uint8Array, context: ReadingContext) =>
  decodePayload({
    dialect: 'hj212',
    raw,
    context: JSON.stringify(context),
    receivedAtMs: RECEIVED_AT_MS,
  });

function contextFor({ values = {}, edition = 2017, minuteIntervalMin }: Expected): ReadingContext {
  const interval = minuteIntervalMin ?? 1;
  return contextOf(Object.keys(values), {
    ...{ edition, deviations: EVERY_DEVIATION, minuteIntervalMin: interval },
  });
}

describe.each(FRAMES)('$name of $source', ({ raw, expected }) => {
  const bytes = Buffer.from(raw);
  const pieces = piecesOf([bytes]);

  if (expected.outcome === 'nothing' || expected.outcome === 'noise') {
    it(`is ${expected.outcome}`, () => {
      expect(pieces.map(({ kind }) => kind)).toEqual(expected.outcome === 'noise' ? ['noise'] : []);
      expect(Buffer.concat(pieces.map((piece) => piece.raw))).toEqual(bytes);
    });
    return;
  }

  it('is one frame of the stream', () => {
    expect(pieces).toEqual([{ kind: 'frame', raw: bytes }]);
  });

  if (expected.outcome === 'refused') {
    it(`is refused: ${expected.reason}`, () => {
      expect(
        decode(bytes, contextFor({ ...expected, values: { a34001: [0, 'N'] } })),
      ).toMatchObject({
        kind: 'faulty',
        reason: expected.reason,
      });
    });
    return;
  }

  it('gives its header', () => {
    const read = readSegment(bytes, {});
    expect(read).toMatchObject({ ok: true, value: { header: expected.header } });
  });

  if (expected.values === undefined) {
    it('brings no data', () => {
      const read = readSegment(bytes, {});
      expect(read.ok && Object.fromEntries(read.value.region.fields)).toEqual(expected.fields);
      expect(decode(bytes, contextFor(expected))).toEqual({ kind: 'unused' });
    });
  } else {
    it('gives its values, flags and times', () => {
      const decoded = decode(bytes, contextFor(expected));
      if (decoded.kind !== 'batch') throw new Error(JSON.stringify(decoded));
      const read = decoded.batch.frames.flatMap(({ at, spanMs, values, flags = {} }) =>
        Object.entries(values).map(([metric, value]) => ({
          code: metric.replace(/^m-|-(minute|hour)$/g, ''),
          told: [value, flags[metric as keyof typeof flags] ?? 'N'],
          at,
          spanMs,
        })),
      );
      expect(Object.fromEntries(read.map(({ code, told }) => [code, told]))).toEqual(
        expected.values,
      );
      for (const { code, at, spanMs } of read) {
        const sampled = expected.sampled?.[code]?.replace(
          /^(....)(..)(..)(..)(..)(..)$/,
          '$1-$2-$3T$4:$5:$6+08:00',
        );
        expect(at).toBe(Date.parse(sampled ?? (expected.at as string)));
        expect(spanMs).toBe((expected.spanS as number) * 1_000);
      }
      expect(decoded.batch.meta).toMatchObject({ hj212: { deviations: expected.deviations } });
    });
  }

  it('is taken of a device that may deviate in nothing only if it does not', () => {
    const strict = { ...contextFor(expected), deviations: [] };
    const decoded = decode(bytes, strict);
    if (expected.deviations?.length === 0) expect(decoded.kind).not.toBe('faulty');
    else expect(decoded).toMatchObject({ kind: 'faulty', reason: 'hj212-deviation' });
  });
});
