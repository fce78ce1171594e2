import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalOf, scaleDecimal } from '../../src/gateway/decimal.ts';
import { createDecoder, FAULTY, type Reading, SILENT } from '../../src/gateway/decode.ts';
import { needsOf, PointConfig } from '../../src/gateway/point-config.ts';
import type { ByteOrder, PointType } from '../../src/gateway/point-types.ts';
import { rawOf, textOf } from '../../src/gateway/raw-value.ts';
import { shortestOfFloat16, shortestOfFloat32 } from '../../src/telemetry/shortest-float.ts';

const point = (overrides: object) =>
  PointConfig.parse({ metric: 'm', address: 0, type: 'int16', range: [-1e9, 1e9], ...overrides });

/** What is read for the point itself, and for each status that qualifies it. */
function decode(overrides: object, ...read: (readonly number[] | Reading)[]): Reading {
  const parsed = point(overrides);
  const needs = needsOf(parsed);
  return createDecoder(parsed).read((span) => {
    const i = needs.findIndex((need) => need.table === span.table && need.address === span.address);
    expect(needs[i]).toEqual(span);
    return read[i] ?? SILENT;
  });
}

/** The value's bytes, most significant first, put on the wire as the order's letters say. */
const WIRE: Record<string, number[]> = {
  AB: [0, 1],
  BA: [1, 0],
  ABCD: [0, 1, 2, 3],
  CDAB: [2, 3, 0, 1],
  BADC: [1, 0, 3, 2],
  DCBA: [3, 2, 1, 0],
};
const WIRE_64: Record<string, number[]> = {
  ABCD: [0, 1, 2, 3, 4, 5, 6, 7],
  CDAB: [6, 7, 4, 5, 2, 3, 0, 1],
  BADC: [1, 0, 3, 2, 5, 4, 7, 6],
  DCBA: [7, 6, 5, 4, 3, 2, 1, 0],
};
function wordsOf(bytes: Buffer, order: ByteOrder): number[] {
  const wire = (bytes.length === 8 ? WIRE_64 : WIRE)[order]!.map((i) => bytes[i]!);
  return Array.from({ length: bytes.length / 2 }, (_, i) => Buffer.from(wire).readUInt16BE(2 * i));
}
const order32 = fc.constantFrom<ByteOrder>('ABCD', 'CDAB', 'BADC', 'DCBA');
const word = fc.integer({ min: 0, max: 0xffff });

describe('rawOf()', () => {
  const wide: [PointType, (bytes: Buffer) => number | bigint][] = [
    ['uint32', (bytes) => bytes.readUInt32BE()],
    ['int32', (bytes) => bytes.readInt32BE()],
    ['float32', (bytes) => bytes.readFloatBE()],
    ['uint64', (bytes) => bytes.readBigUInt64BE()],
    ['int64', (bytes) => bytes.readBigInt64BE()],
    ['float64', (bytes) => bytes.readDoubleBE()],
  ];
  for (const [type, oracle] of wide) {
    it(`reads ${type} in every order as a byte-wise oracle does`, () => {
      const length = type.endsWith('64') ? 8 : 4;
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: length, maxLength: length }),
          order32,
          (a, order) => {
            const bytes = Buffer.from(a);
            expect(rawOf(type, order, wordsOf(bytes, order))).toBe(oracle(bytes));
          },
        ),
      );
    });
  }

  it('reads 16-bit types in both orders, and 8-bit types from both bytes', () => {
    fc.assert(
      fc.property(word, (value) => {
        const bytes = Buffer.alloc(2);
        bytes.writeUInt16BE(value);
        expect(rawOf('uint16', 'AB', [value])).toBe(value);
        expect(rawOf('int16', 'AB', [value])).toBe(bytes.readInt16BE());
        expect(rawOf('uint16', 'BA', [value])).toBe(bytes.readUInt16LE());
        expect(rawOf('int16', 'BA', [value])).toBe(bytes.readInt16LE());
        expect(rawOf('uint8', 'high', [value])).toBe(bytes[0]);
        expect(rawOf('int8', 'high', [value])).toBe(bytes.readInt8(0));
        expect(rawOf('uint8', 'low', [value])).toBe(bytes[1]);
        expect(rawOf('int8', 'low', [value])).toBe(bytes.readInt8(1));
      }),
    );
  });

  it('reads float16 (IEEE 754 binary16)', () => {
    const known: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65_504],
      [0x0001, 2 ** -24],
      [0x7c00, Number.POSITIVE_INFINITY],
    ];
    for (const [bits, value] of known) expect(rawOf('float16', 'AB', [bits])).toBe(value);
    expect(rawOf('float16', 'AB', [0x7e00])).toBeNaN();
  });

  it('reads BCD of 4 and 8 digits in every order, and NaN where a digit is above 9', () => {
    expect(rawOf('bcd16', 'AB', [0x0912])).toBe(912);
    expect(rawOf('bcd16', 'BA', [0x1209])).toBe(912);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999_999 }), order32, (value, order) => {
        const bytes = Buffer.from(String(value).padStart(8, '0'), 'hex');
        expect(rawOf('bcd32', order, wordsOf(bytes, order))).toBe(value);
      }),
    );
    expect(rawOf('bcd16', 'AB', [0x0a12])).toBeNaN();
    expect(decode({ type: 'bcd16', range: [0, 9_999] }, [0xffff])).toEqual(FAULTY);
  });
});

describe('textOf()', () => {
  it('reads both bytes or one, in both orders, up to NUL, without white space around', () => {
    expect(textOf([0x4e4c, 0x3532, 0x2000], 'hi-lo')).toBe('NL52');
    expect(textOf([0x4c4e, 0x3235], 'lo-hi')).toBe('NL52');
    expect(textOf([0x4e00, 0x4c00], 'hi')).toBe('NL');
    expect(textOf([0x004e, 0x004c, 0, 0x0041], 'lo')).toBe('NL');
  });
});

describe('scaling', () => {
  it('prints 912 × 0.1 as 91.2', () => {
    expect(decode({ scale: 0.1 }, [912])).toEqual({ value: 91.2, flag: 'N' });
    expect(JSON.stringify(decode({ scale: 0.001, offset: -0.3 }, [1234]).value)).toBe('0.934');
  });

  it('gives the double nearest to the decimal result, for every integer, scale and offset', () => {
    const decimals = fc.record({
      digits: fc.integer({ min: -99_999, max: 99_999 }),
      places: fc.nat(6),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        decimals.filter(({ digits }) => digits !== 0),
        decimals,
        (raw, a, b) => {
          const scale = Number(`${a.digits}e-${a.places}`);
          const offset = Number(`${b.digits}e-${b.places}`);
          const bytes = Buffer.alloc(4);
          bytes.writeInt32BE(raw);
          const range = [-1e300, 1e300];
          const { value } = decode({ type: 'int32', scale, offset, range }, wordsOf(bytes, 'ABCD'));
          const millionths =
            BigInt(raw) * BigInt(a.digits) * 10n ** BigInt(6 - a.places) +
            BigInt(b.digits) * 10n ** BigInt(6 - b.places);
          expect(value).toBe(Number(`${millionths}e-6`) + 0);
        },
      ),
    );
  });

  it('agrees with exact decimals whatever the magnitudes', () => {
    expect(scaleDecimal(decimalOf(1e-30), decimalOf(1e25), decimalOf(0.5))).toBe(0.50001);
    expect(decimalOf(-1.25e-7)).toEqual({ digits: -125n, exponent: -9 });
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const { digits, exponent } = decimalOf(value);
        expect(Number(`${digits}e${exponent}`)).toBe(value + 0);
      }),
    );
  });

  it('takes a float register for the shortest decimal that is the same float', () => {
    expect(shortestOfFloat32(Math.fround(91.2))).toBe(91.2);
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Math.fround(shortestOfFloat32(value)) + 0).toBe(value + 0);
      }),
    );
    for (let bits = 0; bits < 0x7c00; bits += 1) {
      const value = Number(rawOf('float16', 'AB', [bits]));
      expect(Math.f16round(shortestOfFloat16(value))).toBe(value);
    }
    expect(shortestOfFloat16(Math.f16round(20.9))).toBe(20.9);
  });
});

describe('a reading', () => {
  it('is a finite number with a flag or null with a flag other than N, whatever the words', () => {
    const config = fc.record({
      type: fc.constantFrom('int16', 'uint16', 'int32', 'uint32', 'float32'),
      scale: fc.constantFrom(1, 0.1, -0.01, 1e30),
      range: fc.constantFrom([0, 100], [-5, 1e6]),
      aboveRange: fc.constantFrom('T', 'D'),
      sentinels: fc.constantFrom({}, { '32767': 'T' }),
    });
    fc.assert(
      fc.property(config, word, word, (overrides, a, b) => {
        const { value, flag } = decode(overrides, [a, b]);
        const isNormal =
          value !== null && value >= overrides.range[0]! && value <= overrides.range[1]!;
        expect(value === null || Number.isFinite(value)).toBe(true);
        expect(Object.is(value, -0)).toBe(false);
        expect(flag === 'N').toBe(isNormal);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is null and D for NaN and infinities', () => {
    for (const words of [
      [0x7fc0, 0],
      [0x7f80, 0],
      [0xff80, 0],
    ]) {
      expect(decode({ type: 'float32' }, words)).toEqual({ value: null, flag: 'D' });
    }
  });

  it('is null with the flag of its sentinel, before scaling', () => {
    const sentinels = { '32767': 'T', '-32768': 'D' };
    expect(decode({ scale: 0.1, sentinels }, [0x7fff])).toEqual({ value: null, flag: 'T' });
    expect(decode({ scale: 0.1, sentinels }, [0x8000])).toEqual({ value: null, flag: 'D' });
    const float = { type: 'float32', sentinels: { '-9999.9': 'M' } };
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(-9999.9);
    expect(decode(float, wordsOf(bytes, 'ABCD'))).toEqual({ value: null, flag: 'M' });
  });

  it('is kept out of range, flagged D below and as configured above', () => {
    const range = [0, 130];
    expect(decode({ range }, [140])).toEqual({ value: 140, flag: 'D' });
    expect(decode({ range, aboveRange: 'T' }, [140])).toEqual({ value: 140, flag: 'T' });
    expect(decode({ range, aboveRange: 'T' }, [0xfff0])).toEqual({ value: -16, flag: 'D' });
    expect(decode({ range }, [130])).toEqual({ value: 130, flag: 'N' });
  });

  it('takes the flag of the worst status bit, and D when the status was not read', () => {
    const flagFrom = { address: 9, bits: { '0': 'M', '1': 'C', '15': 'D' } };
    expect(decode({ flagFrom }, [5], [0])).toEqual({ value: 5, flag: 'N' });
    expect(decode({ flagFrom }, [5], [0b01])).toEqual({ value: 5, flag: 'M' });
    expect(decode({ flagFrom }, [5], [0b11])).toEqual({ value: 5, flag: 'C' });
    expect(decode({ flagFrom }, [5], [0x8003])).toEqual({ value: 5, flag: 'D' });
    expect(decode({ flagFrom }, [5], SILENT)).toEqual({ value: 5, flag: 'D' });
    expect(decode({ flagFrom }, SILENT, [0])).toEqual(SILENT);
  });

  it('is under calibration, not above range, when gas of the calibration exceeds the range', () => {
    const overrides = { range: [0, 100], aboveRange: 'T', sentinels: { '32767': 'OVERRANGE' } };
    const flagFrom = { address: 9, bits: { '1': 'CALIBRATING' } };
    expect(decode({ ...overrides, flagFrom }, [120], [2])).toEqual({ value: 120, flag: 'C' });
    expect(decode({ ...overrides, flagFrom }, [0x7fff], [2])).toEqual({ value: null, flag: 'C' });
    expect(decode({ ...overrides, flagFrom }, [120], [0])).toEqual({ value: 120, flag: 'T' });
  });

  it('obeys several statuses: bits set, bits clear, numbers of states, discrete inputs', () => {
    const flagFrom = [
      { address: 9, values: { '2': 'WARMUP', '3': 'CALIBRATING' } },
      { address: 10, type: 'uint32', order: 'CDAB', bitsClear: { '20': 'STOPPED' } },
      { table: 'discrete', address: 9, bits: { '0': 'MAINTENANCE' } },
    ];
    const running = [0, 0x0010];
    expect(decode({ flagFrom }, [5], [0], running, [0])).toEqual({ value: 5, flag: 'N' });
    expect(decode({ flagFrom }, [5], [2], running, [0])).toEqual({ value: 5, flag: 'D' });
    expect(decode({ flagFrom }, [5], [3], running, [1])).toEqual({ value: 5, flag: 'C' });
    expect(decode({ flagFrom }, [5], [0], [0, 0], [0])).toEqual({ value: 5, flag: 'F' });
    expect(decode({ flagFrom }, [5], [0], running, [1])).toEqual({ value: 5, flag: 'M' });
  });

  it('is one bit of a register, one coil, or a field of bits', () => {
    const range = [0, 1];
    expect(decode({ type: 'bit', bit: 3, range }, [0b1000])).toEqual({ value: 1, flag: 'N' });
    expect(decode({ type: 'bit', bit: 3, range }, [0b0111])).toEqual({ value: 0, flag: 'N' });
    expect(decode({ table: 'coil', type: 'bit', range }, [1])).toEqual({ value: 1, flag: 'N' });
    const field = { type: 'uint16', bits: [4, 11], scale: 0.5, range: [0, 127.5] };
    expect(decode(field, [0xfab5])).toEqual({ value: 85.5, flag: 'N' });
    expect(decode({ type: 'uint32', bits: [31, 31], range }, [0x8000, 0]).value).toBe(1);
  });

  it('is exact for 64-bit integers up to 2^53, a fault beyond, and knows 64-bit sentinels', () => {
    const counter = { type: 'uint64', scale: 0.001, range: [0, 1e15] };
    const words = (value: bigint): number[] => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(value);
      return wordsOf(bytes, 'ABCD');
    };
    expect(decode(counter, words(9_007_199_254_740_991n)).value).toBe(Number('9007199254740.991'));
    expect(decode(counter, words(9_007_199_254_740_993n))).toEqual(FAULTY);
    const sentinels = { '18446744073709551615': 'MAINTENANCE' };
    const all = words(2n ** 64n - 1n);
    expect(decode({ ...counter, sentinels }, all)).toEqual({ value: null, flag: 'M' });
    expect(decode({ ...counter, sentinels }, words(2n ** 64n - 2n))).toEqual(FAULTY);
  });
});
