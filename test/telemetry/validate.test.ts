import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_BYTES_MAX, BATCH_VALUES_MAX, Batch } from '../../src/model/batch.ts';
import { FLAGS } from '../../src/model/flags.ts';
import { validateBatch, validateBatchValue } from '../../src/telemetry/validate.ts';

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/),
  fc.constantFrom('constructor', 'toString', 'valueOf', 'hasOwnProperty', 'laeq', 'co'),
);
const flag = fc.constantFrom(...Object.keys(FLAGS));
const frame = fc
  .record({
    device: name,
    at: fc.integer({ min: 0, max: 2 ** 31 }).map((s) => s * 1_000),
    spanMs: fc.integer({ min: 1, max: 3_600 }).map((s) => s * 1_000),
    cells: fc.dictionary(
      name,
      fc.tuple(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })), fc.option(flag)),
      { maxKeys: 4, noNullPrototype: true },
    ),
    readAt: fc.option(fc.nat(), { nil: undefined }),
    hasFlags: fc.boolean(),
  })
  .map(({ cells, hasFlags, ...rest }) => {
    const entries = Object.entries(cells);
    const flags = entries.flatMap(([metric, [value, given]]) =>
      value === null
        ? [[metric, given === 'N' ? 'B' : (given ?? 'B')]]
        : given === null
          ? []
          : [[metric, given]],
    );
    return {
      ...rest,
      values: Object.fromEntries(entries.map(([metric, [value]]) => [metric, value])),
      ...(hasFlags || flags.length > 0 ? { flags: Object.fromEntries(flags) } : {}),
    };
  });
const epoch = { epoch: '01JDA8ZZZZZZZZZZZZZZZZZZZZ', seq: 7, prev: 'a'.repeat(64) };
const batch = fc
  .record({
    v: fc.constant(1),
    gateway: name,
    chained: fc.boolean(),
    createdAt: fc.nat(),
    clock: fc.option(fc.constant({ source: 'ntp', offsetMs: -3.5, errMs: 2 }), { nil: undefined }),
    meta: fc.option(fc.constant({ template: 't@1', build: '1', more: [1] }), { nil: undefined }),
    frames: fc.array(frame, { minLength: 1, maxLength: 4 }),
    extra: fc.jsonValue(),
  })
  .map(({ chained, ...rest }) => ({ ...rest, ...(chained ? epoch : {}) }));

/** Any JSON value that may stand in the place of another. */
const replacement = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    ...[
      null,
      -1,
      0,
      0.5,
      1,
      1_000,
      1_500,
      1e300,
      2 ** 53,
      -0,
      '',
      'NaN',
      'N',
      'Z',
      'a b',
      '__proto__',
    ],
    ...[[], {}, { N: 1 }, 'A'.repeat(65), 'A'.repeat(64), true, 3_601_000, 'ntp', 'f'.repeat(64)],
  ),
);

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

/** Replaces, removes or renames members at random places. */
function mutate(value: unknown, moves: readonly [number, string, unknown][]): unknown {
  const copy = structuredClone(value);
  for (const [at, move, other] of moves) {
    const places = placesIn(copy);
    const place = places[at % Math.max(1, places.length)];
    if (place === undefined) continue;
    const { holder, key } = place;
    if (move === 'replace') holder[key] = other;
    else if (move === 'remove') delete holder[key];
    else if (Array.isArray(holder)) holder.push(other);
    else holder[String(other)] = holder[key];
  }
  return copy;
}

const mutated = fc
  .tuple(
    batch,
    fc.array(fc.tuple(fc.nat(10_000), fc.constantFrom('replace', 'remove', 'copy'), replacement), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([value, moves]) => mutate(value, moves as [number, string, unknown][]));

/** As the bytes would be read; `undefined` where JSON has no such text. */
const asJson = (value: unknown): string => JSON.stringify(value);

function expectEqualToSchema(text: string): void {
  const schema = Batch.safeParse(JSON.parse(text));
  const validated = validateBatch(Buffer.from(text));
  expect(validated.kind === 'batch').toBe(schema.success);
  if (validated.kind === 'batch') expect(validated.batch).toEqual(schema.data);
}

describe('validateBatch()', () => {
  it('accepts what the schema accepts, with the same content', () => {
    fc.assert(
      fc.property(batch, (value) => {
        const text = asJson(value);
        expect(validateBatch(Buffer.from(text)).kind).toBe('batch');
        expectEqualToSchema(text);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts and rejects mutated batches as the schema does', () => {
    const seen = { accepted: 0, rejected: 0 };
    fc.assert(
      fc.property(mutated, (value) => {
        const text = asJson(value);
        expectEqualToSchema(text);
        seen[validateBatch(Buffer.from(text)).kind === 'batch' ? 'accepted' : 'rejected'] += 1;
      }),
      { numRuns: 4_000 },
    );
    // Both sides of the line were tried.
    expect(Math.min(seen.accepted, seen.rejected)).toBeGreaterThan(200);
  });

  it('rejects random JSON as the schema does', () => {
    fc.assert(
      fc.property(fc.json(), (text) => expectEqualToSchema(text)),
      { numRuns: 1_000 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(validateBatch(bytes).kind).toMatch(/^(rejected|parked|batch)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  const good = {
    v: 1,
    gateway: 'gw-1',
    createdAt: 1,
    frames: [
      {
        device: 'd',
        at: 1_000,
        spanMs: 1_000,
        values: { laeq: 80, temp: null },
        flags: { temp: 'B' },
      },
    ],
  };
  const withFrame = (change: object): object => ({
    ...good,
    frames: [{ ...good.frames[0], ...change }],
  });
  const textOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));

  it.each([
    [
      'a string for a number',
      withFrame({ values: { laeq: 'NaN', temp: null } }),
      'frames.0.values.laeq',
    ],
    ['null without a flag', withFrame({ flags: {} }), 'frames.0.values.temp'],
    ['null with flag N', withFrame({ flags: { temp: 'N' } }), 'frames.0.values.temp'],
    ['a flag without a value', withFrame({ flags: { temp: 'B', co: 'N' } }), 'frames.0.flags.co'],
    ['`at` off whole seconds', withFrame({ at: 1_500 }), 'frames.0.at'],
    ['an epoch without seq', { ...good, epoch: epoch.epoch }, 'epoch'],
    ['no frames', { ...good, frames: [] }, 'frames'],
  ])('says where %s stands', (_, value, path) => {
    expect(validateBatch(textOf(value))).toMatchObject({ reason: 'invalid-batch', path });
  });

  it('rejects a number that JSON can write and a double can not hold', () => {
    const text = JSON.stringify(good).replace('80', '1e999');
    expect(validateBatch(Buffer.from(text))).toMatchObject({ path: 'frames.0.values.laeq' });
  });

  it('rejects invalid UTF-8, and a byte order mark', () => {
    expect(validateBatch(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject({
      reason: 'invalid-utf8',
    });
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), textOf(good)]);
    expect(validateBatch(marked)).toMatchObject({ reason: 'invalid-json' });
  });

  it('rejects more than 256 KiB and more than 2,000 values', () => {
    const padded = textOf({ ...good, pad: 'x'.repeat(BATCH_BYTES_MAX) });
    expect(validateBatch(padded)).toMatchObject({ reason: 'oversize' });
    const values = Object.fromEntries(
      Array.from({ length: BATCH_VALUES_MAX + 1 }, (_, i) => [`m${i}`, i]),
    );
    expect(validateBatch(textOf(withFrame({ values, flags: {} })))).toMatchObject({
      path: 'frames',
    });
  });

  it('reads nesting as deep as the bytes allow', () => {
    const depth = 120_000;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(validateBatch(Buffer.from(nested))).toMatchObject({ reason: 'invalid-envelope' });
    const kept = JSON.stringify(good).replace('"v":1', `"v":1,"more":${nested}`);
    expect(validateBatch(Buffer.from(kept)).kind).toBe('batch');
  });

  it('lets no member named __proto__ through to those who read the values', () => {
    const text = JSON.stringify(good)
      .replace('"laeq":80', '"laeq":80,"__proto__":1')
      .replace('"temp":"B"', '"temp":"B","__proto__":"N"');
    const validated = validateBatch(Buffer.from(text));
    if (validated.kind !== 'batch') throw new Error('rejected');
    const [frame] = validated.batch.frames;
    expect(Object.keys(frame?.values ?? {})).toEqual(['laeq', 'temp']);
    expect(Object.keys(frame?.flags ?? {})).toEqual(['temp']);
    expect(validated.readings).toBe(2);
  });

  it('does not take an inherited member for a flag', () => {
    const text = JSON.stringify(withFrame({ values: { constructor: null }, flags: { x: 'B' } }));
    expect(validateBatch(Buffer.from(text)).kind).toBe('rejected');
    expectEqualToSchema(text);
  });

  it('parks a valid envelope of another version, with its position when it names one', () => {
    expect(validateBatchValue({ ...epoch, v: 2, gateway: 'gw-1', frames: 'other' })).toEqual({
      kind: 'parked',
      version: 2,
      gateway: 'gw-1',
      epoch: epoch.epoch,
      seq: 7,
    });
    expect(validateBatchValue({ v: 3, gateway: 'gw-1' })).toMatchObject({ epoch: null, seq: null });
  });

  it.each([[{ v: 2 }], [{ v: '2', gateway: 'gw-1' }], [{ v: 0, gateway: 'gw-1' }], [[]], [null]])(
    'does not park %j',
    (value) => {
      expect(validateBatchValue(value)).toMatchObject({ reason: 'invalid-envelope' });
    },
  );
});
