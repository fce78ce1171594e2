import type { Batch } from '../../../src/model/batch.ts';
import { decodePayload } from '../../../src/telemetry/decode-payload.ts';
import type { ReadingContext } from '../../../src/telemetry/hj212/reading-context.ts';

export const RECEIVED_AT_MS = Date.parse('2026-11-24T08:00:06+08:00');

export const decode = (
  raw: Uint8Array,
  context: ReadingContext,
  receivedAtMs = RECEIVED_AT_MS,
): ReturnType<typeof decodePayload> =>
  decodePayload({ dialect: 'hj212', raw, context: JSON.stringify(context), receivedAtMs });

/** The batch of a frame; throws when there is none. */
export function batchOf(raw: Uint8Array, context: ReadingContext, receivedAtMs?: number): Batch {
  const decoded = decode(raw, context, receivedAtMs);
  if (decoded.kind !== 'batch') throw new Error(JSON.stringify(decoded));
  return decoded.batch;
}

/** `code → [value, flag]` of a frame that is read as one frame. */
export function valuesOf(raw: Uint8Array, context: ReadingContext): Record<string, unknown[]> {
  const { frames } = batchOf(raw, context);
  return Object.fromEntries(
    frames.flatMap(({ values, flags = {} }) =>
      Object.entries(values).map(([metric, value]) => [
        metric.replace(/^m-/, ''),
        [value, flags[metric as keyof typeof flags] ?? 'N'],
      ]),
    ),
  );
}
