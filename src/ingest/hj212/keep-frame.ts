import type { Hj212Logger } from '../../devices/hj212-stations.ts';
import { sha256Hex } from '../../model/digest.ts';
import { dataKindOf, parseTime } from '../../telemetry/hj212/data-time.ts';
import { decodeFrame, deviationsOf } from '../../telemetry/hj212/decode-frame.ts';
import type { ReadingContext } from '../../telemetry/hj212/reading-context.ts';
import type { Hj212Reason } from '../../telemetry/hj212/reading-reasons.ts';
import type { BatchSubmission, Outcome, ParkedSubmission } from '../journal/submission.ts';
import type { DataFrame } from './judge-frame.ts';
import { readingContextOf } from './reading-context-of.ts';

/** What is done with a sound frame of a registered device. */
export type KeptFrame =
  | {
      readonly kind: 'batch';
      readonly submission: BatchSubmission;
      readonly deviations: readonly string[];
    }
  | { readonly kind: 'unused'; readonly submission: ParkedSubmission }
  | { readonly kind: 'letter'; readonly reason: Hj212Reason; readonly detail: string };

const contexts = new WeakMap<Hj212Logger, ReadingContext>();

/**
 * The journal entry of a frame: its bytes with the context that they are read with. Data that no channel is
 * registered for (device states) are kept all the same, and evaluated by nobody. A day's means are put aside
 * where an engineer sees them: no second of a shift can be told from them.
 *
 * @param dataTime that of the packets it was split from; null: its own
 */
export function keepFrame(
  { raw, segment, plain, logger }: DataFrame,
  dataTime: string | null,
  { receivedAtMs, done }: { receivedAtMs: number; done: (outcome: Outcome) => void },
): KeptFrame {
  let known = contexts.get(logger);
  if (known === undefined) {
    known = readingContextOf(logger);
    contexts.set(logger, known);
  }
  const context = JSON.stringify({
    ...known,
    ...(plain === null ? {} : { plain }),
    ...(dataTime === null ? {} : { dataTime }),
  });
  // By its text, as a replay will read it.
  const decoded = decodeFrame(raw, JSON.parse(context) as ReadingContext, receivedAtMs);
  if (!decoded.ok) return { kind: 'letter', reason: decoded.reason, detail: decoded.detail };
  const { header } = segment;
  // A resent frame, or one without its own time, says nothing of how fast the device's clock goes.
  const isLive = !header.isResent && parseTime(header.qn ?? '') !== null;
  const base = {
    ...{ raw, sha256: sha256Hex(raw), dialect: 'hj212' as const, context, receivedAtMs, done },
    topic: isLive ? ('live' as const) : ('backfill' as const),
    ...{ gateway: logger.gateway.id, epoch: null, seq: null, found: null },
  };
  if (decoded.value.kind !== 'batch') {
    if (dataKindOf(header.cn) === 'day') return dayLetter(segment);
    return { kind: 'unused', submission: { ...base, kind: 'parked' } };
  }
  const { batch, readings } = decoded.value;
  const submission = { ...base, kind: 'batch' as const, batch, readings };
  return { kind: 'batch', submission, deviations: deviationsOf(batch) };
}

const DAY_CHARS = 8;

function dayLetter({ region }: DataFrame['segment']): KeptFrame {
  const day = (region.fields.get('DataTime') ?? '').slice(0, DAY_CHARS);
  return {
    ...{ kind: 'letter', reason: 'hj212-day' },
    detail: `means of the day ${day}: no shift can be judged by them; expected minute data (CN 2051)`,
  };
}
