import type { Batch } from '../../model/batch.ts';
import type { Hj212Deviation, Hj212Station } from '../../model/hj212.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import { type DataKind, dataKindOf, parseTime, resolveHalfDay, spanOf } from './data-time.ts';
import { openFrame } from './open-frame.ts';
import { type Header, parseSegment, type Segment, versionOf } from './parse-segment.ts';
import { readFrames, takes } from './read-frames.ts';
import type { ReadingContext } from './reading-context.ts';
import type { Hj212Reason } from './reading-reasons.ts';

/** What a frame holds: a batch, or nothing that a channel is registered for. */
export type DecodedFrame =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly readings: number }
  | { readonly kind: 'unused' };

/** Opens a frame and takes its segment apart; `deviations` are those of both. */
export function readSegment(
  raw: Uint8Array,
  secrets: { readonly plain?: string | undefined; readonly key?: Uint8Array | undefined },
): Result<Segment & { readonly plain: string | null }, Hj212Reason> {
  const opened = openFrame(raw, secrets);
  if (!opened.ok) return opened;
  const parsed = parseSegment(opened.value.segment);
  if (!parsed.ok) return parsed;
  const deviations = [...opened.value.deviations, ...parsed.value.deviations];
  return ok({ ...parsed.value, deviations, plain: opened.value.plain });
}

/**
 * One frame of a registered device → the batch that it stands for, or why it can't be used. Pure: the
 * same bytes with the same context give the same batch. Never throws on what a device sent.
 */
export function decodeFrame(
  raw: Uint8Array,
  context: ReadingContext,
  receivedAtMs: number,
): Result<DecodedFrame, Hj212Reason> {
  const read = readSegment(raw, { plain: context.plain });
  if (!read.ok) return read;
  const segment = read.value;
  const { header } = segment;
  const deviations = new Set([...segment.deviations, ...headerDeviations(header, context.edition)]);
  const early = refusal(deviations, context);
  if (early !== null) return early;
  const kind = dataKindOf(header.cn);
  if (kind === undefined || kind === 'day' || !isRegistered(context, header.st, kind)) {
    return ok({ kind: 'unused' });
  }
  const dataTime = segment.region.fields.get('DataTime') ?? context.dataTime ?? '';
  const dataTimeMs = timeOf(dataTime, context, receivedAtMs, deviations);
  if (dataTimeMs === null) return fail('hj212-time', 'expected a DataTime of 14 digits');
  const fault = periodFault(kind, dataTimeMs, context, deviations);
  if (fault !== null) return fault;
  const { frames, readings, eFlags } = readFrames(
    segment,
    context,
    { kind, dataTimeMs },
    deviations,
  );
  const late = refusal(deviations, context);
  if (late !== null) return late;
  if (readings === 0) return unmapped(segment);
  const { qn, st, cn, mn } = header;
  const used = { deviations: [...deviations].sort(), ...(isEmpty(eFlags) ? {} : { eFlags }) };
  const { errMs, source } = context.clock;
  const batch: Batch = {
    v: 1,
    gateway: context.gateway,
    createdAt: parseTime(qn ?? '') ?? receivedAtMs,
    clock: { source, offsetMs: 0, errMs },
    meta: { hj212: { qn, st, cn, mn, dataTime, ...used } },
    frames,
  };
  return ok({ kind: 'batch', batch, readings });
}

/** The deviations that were taken of a batch that `decodeFrame` made. */
export const deviationsOf = ({ meta }: Batch): readonly string[] =>
  (meta as { hj212: { deviations: readonly string[] } }).hj212.deviations;

const isEmpty = (fields: object): boolean => Object.keys(fields).length === 0;

/** Version bits of Flag (HJ 212-2017 6.3.3). */
const VERSIONS: Readonly<Record<Hj212Station['edition'], number>> = { 2005: 0, 2017: 1, 2025: 2 };

function headerDeviations(
  { qn, flag }: Header,
  edition: Hj212Station['edition'],
): readonly Hj212Deviation[] {
  const deviations: Hj212Deviation[] = [];
  // Devices of 2005 send data without both.
  if (qn === null && edition !== 2005) deviations.push('no-qn');
  if (qn !== null && (qn.length !== 17 || parseTime(qn) === null)) deviations.push('qn-form');
  if (flag === null && edition !== 2005) deviations.push('no-flag');
  if (flag !== null && versionOf(flag) !== VERSIONS[edition]) deviations.push('flag-version');
  return deviations;
}

function refusal(
  deviations: ReadonlySet<Hj212Deviation>,
  context: ReadingContext,
): Result<never, 'hj212-deviation'> | null {
  const refused = [...deviations].filter((name) => !context.deviations.includes(name));
  if (refused.length === 0) return null;
  return fail(
    'hj212-deviation',
    `expected ${refused.join(', ')} among the gateway's hj212.deviations`,
  );
}

const isRegistered = (
  { devices }: ReadingContext,
  st: string,
  kind: Exclude<DataKind, 'day'>,
): boolean =>
  devices.some(
    (device) =>
      takes(device, st) &&
      Object.values(device.channels).some((channels) => channels[kind] !== null),
  );

function timeOf(
  text: string,
  context: ReadingContext,
  receivedAtMs: number,
  deviations: Set<Hj212Deviation>,
): number | null {
  if (text.length === 17) deviations.add('datatime-17');
  const timeMs = parseTime(text);
  if (timeMs === null || !context.deviations.includes('clock-12h')) return timeMs;
  deviations.add('clock-12h');
  return resolveHalfDay(timeMs, receivedAtMs);
}

function periodFault(
  kind: Exclude<DataKind, 'day'>,
  dataTimeMs: number,
  { minuteIntervalMin }: ReadingContext,
  deviations: Set<Hj212Deviation>,
): Result<never, 'hj212-time'> | null {
  if (kind === 'realtime') return null;
  if (kind === 'minute' && minuteIntervalMin === null) {
    return fail('hj212-time', "expected the gateway's hj212.minuteIntervalMin for CN 2051");
  }
  const { isAligned } = spanOf(kind, dataTimeMs, (minuteIntervalMin ?? 0) * 60_000);
  if (!isAligned) deviations.add('period-unaligned');
  return null;
}

const CODES_SHOWN_MAX = 8;

function unmapped({ region }: Segment): Result<never, 'hj212-unmapped'> {
  const codes = [...region.items.keys()].slice(0, CODES_SHOWN_MAX).join(', ').slice(0, 100);
  return fail('hj212-unmapped', `expected a code of the registered devices, found ${codes}`);
}
