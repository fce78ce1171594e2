import { expect } from 'vitest';
import { createRandom } from '../../../simulators/seeded-random.ts';
import { Batch } from '../../../src/model/batch.ts';
import { decodeMessage } from '../../../src/telemetry/sparkplug/decode-message.ts';
import type { EdgeMessage } from '../../../src/telemetry/sparkplug/edge-message.ts';
import { createEdgeSession } from '../../../src/telemetry/sparkplug/edge-session.ts';
import { readPayload } from '../../../src/telemetry/sparkplug/read-payload.ts';
import {
  CONTEXT,
  declared,
  deviceBirth,
  deviceData,
  deviceDeath,
  float,
  int,
  nodeBirth,
  nodeData,
  nodeDeath,
  T0,
} from './messages.ts';

export interface FuzzReport {
  readonly inputs: number;
  readonly malformed: number;
  readonly batches: number;
  readonly unusable: number;
}

const DEVICES = ['a', 'b'];
/** Batches of which the published schema is asked: it costs ten times the decoder. */
const SCHEMA_EVERY = 64;

/** Messages as edge nodes send them: what is mutated. */
function seeds(): EdgeMessage[] {
  const values = (seq: number) => [
    { alias: 7, timestampMs: T0 + seq * 1_000, value: float(80 + seq) },
    { name: 'Box/Temp', timestampMs: T0, value: int(-seq), quality: 192 },
    { alias: 7, timestampMs: T0 - 60_000, isHistorical: true, value: float(70) },
    { alias: 7, timestampMs: T0 + 1, isNull: true },
    { name: 'Text', value: { kind: 'string' as const, value: 'x'.repeat(40) } },
    { name: 'Count', value: { kind: 'long' as const, value: 2n ** 64n - 5n }, datatype: 4 },
  ];
  return [
    nodeBirth(0, 1, [declared('Noise/LAeq', 7), declared('Box/Temp', null, 'Int16')]),
    ...DEVICES.map((device, i) =>
      deviceBirth(i + 1, device, [declared('Noise/LAeq', 10 + i), declared('Box/Temp', 20 + i)]),
    ),
    ...Array.from({ length: 6 }, (_, i) => nodeData(i + 3, values(i))),
    ...Array.from({ length: 6 }, (_, i) => deviceData(i + 9, DEVICES[i % 2] as string, values(i))),
    deviceDeath(15, 'a'),
    nodeDeath(1),
  ];
}

/**
 * Feeds mutated payloads to decoder and session. Throws on the first that breaks a promise: nothing
 * throws, a value is finite or null with a flag, every message is told of once at most.
 */
export function fuzzSparkplug(inputs: number, seed: number): FuzzReport {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const originals = seeds();
  const session = createEdgeSession({
    ...{ reorderTimeoutMs: 50, rebirthIntervalMs: 100, heldMessagesMax: 8, heldMsMax: 500 },
  });
  let [malformed, batches, unusable] = [0, 0, 0];
  for (let n = 0; n < inputs; n += 1) {
    const original = pick(originals);
    const raw = mutated(original.raw, pick(originals).raw, random);
    const payload = readPayload(raw);
    if (!payload.ok) malformed += 1;
    else {
      const message = { ...original, payload: payload.value, raw };
      const events = [...session.expire(n), ...session.take(message, n)];
      unusable += events.filter(({ kind }) => kind === 'unusable').length;
      if (session.isRebirthDue(n)) session.rebirthRequested(n);
    }
    const decoded = decodeMessage(raw, CONTEXT, T0);
    if (!decoded.ok || decoded.value.kind !== 'batch') continue;
    batches += 1;
    checkBatch(decoded.value.batch, batches % SCHEMA_EVERY === 0);
  }
  return { inputs, malformed, batches, unusable };
}

function checkBatch(batch: Batch, isSchemaAsked: boolean): void {
  for (const { values, flags } of batch.frames) {
    for (const [metric, value] of Object.entries(values)) {
      const flag = flags?.[metric as keyof typeof flags] ?? 'N';
      if (value === null ? flag === 'N' : !Number.isFinite(value)) {
        throw new Error(`${metric}: ${value} with flag ${flag}`);
      }
    }
  }
  if (isSchemaAsked) expect(Batch.safeParse(batch).error?.issues).toBeUndefined();
}

/** One to four changes: bits, bytes, lengths, pieces of another message. */
function mutated(bytes: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  let raw = Buffer.from(bytes);
  const at = (length: number): number => Math.floor(random() * Math.max(1, length));
  for (let change = at(4); change >= 0; change -= 1) {
    const place = at(raw.length);
    switch (at(7)) {
      case 0:
        if (raw.length > 0) raw[place] = (raw[place] as number) ^ (1 << at(8));
        break;
      case 1:
        raw = raw.subarray(0, place);
        break;
      case 2:
        raw = Buffer.concat([raw.subarray(0, place), raw.subarray(place + 1 + at(8))]);
        break;
      case 3: {
        const inserted = Buffer.from(Array.from({ length: 1 + at(10) }, () => at(256)));
        raw = Buffer.concat([raw.subarray(0, place), inserted, raw.subarray(place)]);
        break;
      }
      case 4: {
        const from = at(other.length);
        const piece = other.subarray(from, from + at(40));
        raw = Buffer.concat([raw.subarray(0, place), piece, raw.subarray(place)]);
        break;
      }
      case 5:
        if (raw.length > 0) raw[place] = 0xff;
        break;
      default:
        raw = Buffer.concat([raw, raw.subarray(place)]);
    }
  }
  return raw;
}
