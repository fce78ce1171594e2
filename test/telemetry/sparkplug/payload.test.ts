import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATATYPES, type Datatype, numberOf } from '../../../src/telemetry/sparkplug/datatypes.ts';
import type { MetricValue, SparkplugMetric } from '../../../src/telemetry/sparkplug/payload.ts';
import { readPayload } from '../../../src/telemetry/sparkplug/read-payload.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';

const read = (raw: Uint8Array) => {
  const payload = readPayload(raw);
  if (!payload.ok) throw new Error(payload.detail);
  return payload.value;
};

/** Written by the npm package sparkplug-payload 1.0.3 of Eclipse Tahu. */
const FOREIGN = Buffer.from(
  [
    '08819bf3d2aa3312130a02693818809bf3d2aa33200150fbffffff0f120d0a03693136200250d4fdffff0f120d',
    '0a0369333220035090ddfbff0f12120a03693634200458809ce8afedffffffff01120d0a0375333220075880d0',
    'acf30e120c0a016610072009656666a64212070a016e20093801121c0a017120094a100a075175616c69747912',
    '05080318f403650000803f12170a02647320108a010e0801120161180c22050a03320178120c0a016820092801',
    '65000000401803',
  ].join(''),
  'hex',
);

describe('readPayload()', () => {
  it('reads what another implementation wrote', () => {
    const payload = read(FOREIGN);
    expect(payload).toMatchObject({ timestampMs: 1_763_794_800_001, seq: 3 });
    const values = payload.metrics.map(({ name, value, datatype }) => [
      name,
      value && numberOf(value, datatype as number),
    ]);
    expect(Object.fromEntries(values)).toEqual({
      ...{ i8: -5, i16: -300, i32: -70_000, i64: -5_000_000_000, u32: 4_000_000_000 },
      ...{ f: 83.2, n: null, q: 1, ds: null, h: 2 },
    });
    const by = (name: string) => payload.metrics.find((metric) => metric.name === name);
    expect(by('i8')).toMatchObject({ timestampMs: 1_763_794_800_000, alias: null });
    expect(by('f')).toMatchObject({ alias: 7, timestampMs: null, quality: null });
    expect(by('n')).toMatchObject({ isNull: true, value: null });
    expect(by('q')).toMatchObject({ quality: 500 });
    expect(by('ds')).toMatchObject({ value: { kind: 'other' } });
    expect(by('h')).toMatchObject({ isHistorical: true });
  });

  it('reads field by field what the format says', () => {
    // timestamp 1, metric {name "a", alias 2^64-1, int 5}, seq 200
    const raw = '0801' + '12' + '10' + '0a0161' + '10ffffffffffffffffff01' + '5005' + '18c801';
    expect(read(Buffer.from(raw, 'hex'))).toEqual({
      timestampMs: 1,
      seq: 200,
      metrics: [
        {
          ...{ name: 'a', alias: 2n ** 64n - 1n, timestampMs: null, datatype: null },
          ...{ isHistorical: false, isNull: false, quality: null },
          value: { kind: 'int', value: 5 },
        },
      ],
    });
  });

  it.each([
    ['a length that is longer than the bytes', '120a0a0161'],
    ['a tag that ends in the middle', '08'],
    ['a field number 0', '0000'],
    ['no wire type', '0f'],
    ['a group that never ends', '33'.repeat(200)],
  ])('refuses %s', (_, hex) => {
    expect(readPayload(Buffer.from(hex, 'hex'))).toMatchObject({ reason: 'sparkplug-malformed' });
  });

  it('refuses what is larger than any batch', () => {
    expect(readPayload(Buffer.alloc(262_145))).toMatchObject({ reason: 'oversize' });
  });

  it('takes nothing as an empty payload', () => {
    expect(read(Buffer.alloc(0))).toEqual({ timestampMs: null, seq: null, metrics: [] });
  });

  it('does not follow property sets inside of properties, however deep', () => {
    const wrapped = (tag: number, bytes: Buffer): Buffer => {
      const length: number[] = [];
      for (let left = bytes.length; ; left >>>= 7) {
        length.push(left < 128 ? left : (left & 127) | 128);
        if (left < 128) return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
      }
    };
    let set = wrapped(0x0a, Buffer.from('Quality'));
    // values (2) of a set, propertyset_value (9) of a value
    for (let depth = 0; depth < 10_000; depth += 1) set = wrapped(0x12, wrapped(0x4a, set));
    const payload = read(
      wrapped(0x12, Buffer.concat([wrapped(0x4a, set), wrapped(0x0a, Buffer.from('a'))])),
    );
    expect(payload.metrics).toMatchObject([{ name: 'a', quality: null }]);
  });
});

describe('the property Quality', () => {
  const withProperties = (keys: string[], values: string[]): Buffer => {
    const set = Buffer.concat([
      ...keys.map((key) => Buffer.from([0x0a, key.length, ...Buffer.from(key)])),
      ...values.map((hex) => Buffer.from([0x12, hex.length / 2, ...Buffer.from(hex, 'hex')])),
    ]);
    const metric = Buffer.concat([Buffer.from([0x0a, 1, 0x61, 0x4a, set.length]), set]);
    return Buffer.concat([Buffer.from([0x12, metric.length]), metric]);
  };
  const quality = (raw: Buffer) => read(raw).metrics[0]?.quality;

  it('is an Int32 under its name, wherever it stands', () => {
    expect(quality(withProperties(['Quality'], ['080318c001']))).toBe(192);
    expect(quality(withProperties(['engUnit', 'Quality'], ['080c42026462', '08031800']))).toBe(0);
  });

  it('is null when there is none', () => {
    expect(quality(withProperties(['engUnit'], ['080c42026462']))).toBeNull();
  });

  it.each([
    ['of another type', ['Quality'], ['080c4203313932']],
    ['of no type', ['Quality'], ['18c001']],
    ['without a value', ['Quality'], ['0803']],
    ['that is null', ['Quality'], ['0803100118c001']],
    ['without its value', ['Quality', 'x'], ['080318c001']],
  ])('is neither good nor absent: %s', (_, keys, values) => {
    expect(quality(withProperties(keys, values))).toBeNaN();
  });
});

describe('writePayload()', () => {
  const metric = fc.record({
    name: fc.option(fc.string({ minLength: 1 }), { nil: null }),
    alias: fc.option(fc.nat(), { nil: null }),
    timestampMs: fc.option(fc.nat({ max: 2 ** 31 }), { nil: null }),
    datatype: fc.option(fc.nat({ max: 34 }), { nil: null }),
    isHistorical: fc.boolean(),
    isNull: fc.boolean(),
    quality: fc.constantFrom(null, 0, 192, 500),
    value: fc.oneof(
      fc.constant(null),
      fc.record({ kind: fc.constant('int' as const), value: fc.nat() }),
      fc.record({ kind: fc.constant('long' as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
      fc.record({ kind: fc.constant('double' as const), value: fc.double() }),
      fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
      fc.record({ kind: fc.constant('string' as const), value: fc.string() }),
    ),
  });

  it('gives the bytes from which the same is read', () => {
    fc.assert(
      fc.property(
        fc.record({
          timestampMs: fc.option(fc.nat({ max: 2 ** 31 }), { nil: null }),
          seq: fc.option(fc.nat({ max: 255 }), { nil: null }),
          metrics: fc.array(metric),
        }),
        (payload) => {
          expect(read(writePayload(payload))).toEqual(payload);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('numberOf()', () => {
  const numberIn = (type: Datatype, value: MetricValue) => numberOf(value, DATATYPES[type]);
  const int = (value: number): MetricValue => ({ kind: 'int', value });
  const long = (value: bigint): MetricValue => ({ kind: 'long', value });

  it.each<[Datatype, MetricValue, number | null]>([
    ['Int8', int(0xff), -1],
    ['Int8', int(0xffff_ffff), -1],
    ['Int8', int(0x7f), 127],
    ['Int8', int(0xffff_ff80), -128],
    ['Int8', int(0x1ff), null],
    ['Int16', int(0xfff6), -10],
    ['Int16', int(0xffff_fff6), -10],
    ['Int16', int(0x1_0000), null],
    ['Int32', int(0xffff_fff6), -10],
    ['Int32', long(2n ** 64n - 10n), -10],
    ['Int32', long(2n ** 33n), null],
    ['Int64', long(2n ** 64n - 10n), -10],
    ['Int64', int(10), 10],
    ['UInt8', int(255), 255],
    ['UInt8', int(256), null],
    ['UInt16', int(65_535), 65_535],
    ['UInt32', int(4_294_967_295), 4_294_967_295],
    ['UInt32', long(4_294_967_296n), null],
    ['UInt64', long(2n ** 63n), 2 ** 63],
    ['Float', { kind: 'float', value: Math.fround(83.2) }, 83.2],
    ['Float', { kind: 'double', value: 83.2 }, 83.2],
    ['Double', { kind: 'double', value: 83.2 }, 83.2],
    ['Float', { kind: 'float', value: Number.NaN }, null],
    ['Double', { kind: 'double', value: Number.POSITIVE_INFINITY }, null],
    ['Float', int(83), null],
    ['Int32', { kind: 'float', value: 83 }, null],
    ['Boolean', { kind: 'boolean', value: true }, 1],
    ['Boolean', { kind: 'boolean', value: false }, 0],
    ['Boolean', int(1), null],
    ['Float', { kind: 'string', value: '83.2' }, null],
    ['Float', { kind: 'other' }, null],
  ])('%s %o is %s', (type, value, number) => {
    expect(numberIn(type, value)).toBe(number);
  });

  it('has none for types that are no numbers', () => {
    for (const datatype of [0, 12, 13, 14, 15, 16, 17, 18, 19, 22, 34, 1_000]) {
      expect(numberOf({ kind: 'long', value: 5n }, datatype)).toBeNull();
    }
  });

  it('reads every negative number that two’s complement can write, padded or filled up', () => {
    const bits = { Int8: 8, Int16: 16, Int32: 32 } as const;
    fc.assert(
      fc.property(
        fc.constantFrom('Int8' as const, 'Int16' as const, 'Int32' as const),
        fc.integer(),
        (type, seed) => {
          const width = bits[type];
          const value = Number(BigInt.asIntN(width, BigInt(seed)));
          const padded = Number(BigInt.asUintN(width, BigInt(value)));
          expect(numberIn(type, int(padded))).toBe(value);
          expect(numberIn(type, int(value >>> 0))).toBe(value);
        },
      ),
    );
  });
});

it('metrics are plain: a missing member is null, not a default of the library', () => {
  const [metric] = read(writePayload({ metrics: [{}] })).metrics as [SparkplugMetric];
  expect(Object.values(metric)).toEqual([null, null, null, null, false, false, null, null]);
});
