import { LOADS } from '../../simulators/fleet-member.ts';
import { createRandom } from '../../simulators/seeded-random.ts';
import { Batch } from '../../src/model/batch.ts';
import { validateBatch } from '../../src/telemetry/validate.ts';

export interface FuzzReport {
  readonly inputs: number;
  readonly batches: number;
  readonly rejected: number;
  readonly parked: number;
  /** What must never happen, with the input. */
  readonly wrong: readonly string[];
}

const PIECES = [
  ...['null', 'true', '-0', '1e999', '-1e-999', '9'.repeat(400), '0x10', 'NaN', '"NaN"', '""'],
  ...['[]', '{}', '{"__proto__":1}', '"__proto__":1,', '"constructor":0,', '"N"', '"T"', '"Z"'],
  ...[',', ':', '"', '{', '}', '[', ']', '\\', '\\ud800', '\u0000', '\ufeff', '噪声', ' '],
  ...['"v":2', '"seq":0', '"seq":9007199254740993', '"at":1500', '"spanMs":0', '"flags":{'],
  ...['['.repeat(5_000), '{"a":'.repeat(5_000)],
];

/** Batches of each load with and without a chain, values that are missing and flags. */
function seeds(): string[] {
  return Object.values(LOADS).flatMap(({ frames, metrics }) =>
    [true, false].map((isChained) =>
      JSON.stringify({
        ...{ v: 1, gateway: 'gw-330106-0001', createdAt: 1_763_794_800_123 },
        ...(isChained ? { epoch: '01JDA8ZZZZZZZZZZZZZZZZZZZZ', seq: 7, prev: 'a'.repeat(64) } : {}),
        clock: { source: 'ntp', offsetMs: -3.5, errMs: 2 },
        frames: Array.from({ length: frames }, (_, n) => ({
          ...{ device: 'noise-07', at: 1_763_794_800_000 + n * 1_000, spanMs: 1_000 },
          values: {
            ...Object.fromEntries(Array.from({ length: metrics }, (_, m) => [`m${m}`, m + 0.5])),
            temp: null,
          },
          flags: { m0: 'M', temp: 'B' },
        })),
      }),
    ),
  );
}

/**
 * Changes batches at random, text and bytes, and reads what comes of it. Every input is judged as the
 * published schema judges it.
 */
export function fuzzBatches(inputs: number, seed: number): FuzzReport {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const originals = seeds();
  const wrong: string[] = [];
  const count = { batch: 0, rejected: 0, parked: 0 };

  const mutated = (): Buffer => {
    let text = pick(originals);
    for (let changes = 1 + below(4); changes > 0; changes -= 1) {
      const at = below(text.length + 1);
      const end = Math.min(text.length, at + below(random() < 0.9 ? 4 : 200));
      const put = random() < 0.5 ? pick(PIECES) : String.fromCharCode(below(128));
      text = text.slice(0, at) + (random() < 0.3 ? '' : put) + text.slice(end);
    }
    const bytes = Buffer.from(text);
    // Bits change too: text that is no UTF-8.
    if (random() < 0.2 && bytes.length > 0) {
      const at = below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << below(8));
    }
    return bytes;
  };

  for (let n = 0; n < inputs; n += 1) {
    const raw = mutated();
    const validated = validateBatch(raw);
    count[validated.kind] += 1;
    const isBatch = validated.kind === 'batch';
    if (isBatch !== isBatchBySchema(raw)) wrong.push(`${validated.kind}: ${raw.toString()}`);
  }
  const { batch: batches, rejected, parked } = count;
  return { inputs, batches, rejected, parked, wrong };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isBatchBySchema(raw: Uint8Array): boolean {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(raw));
  } catch {
    // Neither text nor JSON.
    return false;
  }
  return Batch.safeParse(value).success;
}
