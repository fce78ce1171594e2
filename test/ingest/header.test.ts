import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHeader, encodeHeader, type HeaderRow } from '../../src/ingest/journal/header.ts';

const ofGateway = fc.record({
  kind: fc.constantFrom(
    'live' as const,
    'backfill' as const,
    'gap' as const,
    'seal' as const,
    'parked' as const,
  ),
  gateway: fc.constantFrom('gw-1', 'gw-2', 'constructor'),
  epoch: fc.option(fc.constantFrom('01JDA8ZZZZZZZZZZZZZZZZZZZZ', '01JDA9ZZZZZZZZZZZZZZZZZZZZ')),
  seq: fc.option(fc.integer({ min: 1, max: 2 ** 50 })),
  to: fc.option(fc.integer({ min: 1, max: 2 ** 50 })),
  conflict: fc.boolean(),
  verified: fc.boolean(),
  dialect: fc.constantFrom('json' as const, 'hj212' as const, 'sparkplug' as const),
  context: fc.option(fc.constantFrom('{"mn":"1"}', '')),
});
const ofHub = fc.record({
  kind: fc.constantFrom('fact' as const, 'tick' as const),
  gateway: fc.constant(null),
  epoch: fc.constant(null),
  seq: fc.constant(null),
  to: fc.constant(null),
  conflict: fc.constant(false),
  verified: fc.constant(false),
  dialect: fc.constant('json' as const),
  context: fc.constant(null),
});
const row = fc.tuple(
  fc.oneof(ofGateway, ofHub),
  fc.record({
    receivedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    length: fc.integer({ min: 0, max: 300_000 }),
    at: fc.option(fc.tuple(fc.integer({ min: 0, max: 2 ** 45 }), fc.nat(10_000_000))),
  }),
);

it('decodeHeader() gives back what encodeHeader() was given', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), fc.nat(), (drawn, first) => {
      let offset = 0;
      const rows = drawn.map(([keys, { at, length, ...rest }], i): HeaderRow => {
        const made = {
          ...keys,
          ...rest,
          ...{ pos: first + i, offset, length },
          ...{ atMinMs: at === null ? null : at[0], atMaxMs: at === null ? null : at[0] + at[1] },
        };
        offset += length;
        return made as HeaderRow;
      });
      expect(decodeHeader(encodeHeader('main', rows))).toEqual(rows);
    }),
  );
});

it('decodeHeader() refuses a version that this build does not know', () => {
  expect(() => decodeHeader('{"v":2}')).toThrow('version 2');
});
