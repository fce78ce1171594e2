import type { Frame } from '../model/batch.ts';
import type { BatchEntry, GapEntry, ParkedEntry, SealEntry } from '../model/entry.ts';
import { breakSpan, gapSpan, traceLink, traceSeal } from './chain-trace.ts';
import type { Emit, EngineState, GatewayState } from './engine-state.ts';
import { gatewayOf } from './engine-state.ts';
import { findingsOf, type GatewayFinding, hasKey } from './gateway-findings.ts';
import { addRange, type ChainBreak } from './gateway-progress.ts';
import { judgeShift } from './judge-shift.ts';
import { tellAgain } from './push-obstacles.ts';
import { RuleRow } from './rule-row.ts';
import { isPast } from './rule-states.ts';
import { emitOnce } from './signals.ts';
import { addSpan, type TimeSpan } from './time-spans.ts';

/** What a step found against the time of a gateway's data. */
export type Found = readonly [finding: GatewayFinding, span: TimeSpan];

/**
 * Where a batch stands in its gateway's chain; a simple producer has none. Gives what that says against
 * the gateway's data, to be told (`tellFound`) when the batch has been taken.
 */
export function noteChain(
  state: EngineState,
  gateway: GatewayState,
  entry: BatchEntry,
  emit: Emit,
): readonly Found[] {
  const { epoch, seq, batch } = entry;
  const isChained = epoch !== null && seq !== null && !entry.conflict;
  const canSeal = hasKey(state.history, gateway.id, entry.receivedAtMs);
  // A plain gateway without a key: nothing to place, nothing to keep.
  if (!isChained && !canSeal && !entry.conflict) return NOTHING;
  const span = framesSpan(batch.frames);
  let found = NOTHING;
  const isBlind = batch.clock === undefined && canSeal;
  if (isBlind) found = withFinding(found, gateway, 'clock-unknown', span);
  if (!isChained) {
    if (canSeal) found = withFinding(found, gateway, 'unchained', span);
    // The same number with other content: both are kept, the first stands in the chain.
    const detail = { reason: 'batch', epoch: epoch ?? '', seq: seq ?? 0 };
    if (entry.conflict) emitOnce(gateway, 'CONFLICT', batch.frames[0]!.at, detail, emit);
    return found;
  }
  gateway.isNumbered = true;
  const { sha256: hash } = entry;
  const range = { from: seq, to: seq, prev: batch.prev ?? null, hash };
  const breaks = addRange(gateway.progress, epoch, range);
  const { fromMs, untilMs } = span;
  const link = { from: seq, to: seq, hash, fromMs, untilMs };
  const denied = traceLink(gateway.trace, epoch, link, canSeal);
  for (const one of breaks) {
    const of = breakSpan(gateway.trace, one.epoch, one.seq, span.fromMs);
    found = withFinding(found, gateway, 'chain-broken', of);
    tellBreak(gateway, 'prev', one, of, emit);
  }
  for (const of of denied) {
    found = withFinding(found, gateway, 'chain-broken', of);
    tellBreak(gateway, 'seal', { epoch, seq }, of, emit);
  }
  return found;
}

const NOTHING: readonly Found[] = [];

const withFinding = (
  found: readonly Found[],
  gateway: GatewayState,
  finding: GatewayFinding,
  span: TimeSpan,
): readonly Found[] =>
  addSpan(findingsOf(gateway)[finding], span) ? [...found, [finding, span]] : found;

function framesSpan(frames: readonly Frame[]): TimeSpan {
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = 0;
  for (let i = 0; i < frames.length; i++) {
    const { at, spanMs } = frames[i]!;
    if (at - spanMs < fromMs) fromMs = at - spanMs;
    if (at > untilMs) untilMs = at;
  }
  return { fromMs, untilMs };
}

function tellBreak(
  gateway: GatewayState,
  reason: 'prev' | 'seal',
  { epoch, seq }: ChainBreak,
  { fromMs }: TimeSpan,
  emit: Emit,
): void {
  emitOnce(gateway, 'CHAIN_BROKEN', fromMs, { reason, epoch, seq }, emit);
}

/** Tells accused shifts again against which something new was found. */
export function tellFound(
  state: EngineState,
  gateway: GatewayState,
  found: readonly Found[],
  nowMs: number,
  emit: Emit,
): void {
  for (const [finding, span] of found) tellAgain(state, gateway, finding, span, nowMs, emit);
}

/** Sequence numbers that never come: settled, missing from coverage, and said so. */
export const stepGap = (state: EngineState, entry: GapEntry, emit: Emit): void =>
  settleRange(state, entry, entry, emit);

/** A batch that can't be read: its place is settled and its hash known, what it names is missing. */
export function stepParked(state: EngineState, entry: ParkedEntry, emit: Emit): void {
  const { epoch, seq, sha256: hash } = entry;
  if (epoch === null || seq === null) return;
  const range = { epoch, from: seq, to: seq, prev: null, hash, reason: 'unreadable' };
  settleRange(state, entry, range, emit);
}

interface MissingRange {
  readonly epoch: GapEntry['epoch'];
  readonly from: number;
  readonly to: number;
  /** Null: not known, so it can't be checked. */
  readonly prev: GapEntry['prev'] | null;
  readonly hash: GapEntry['hash'];
  readonly reason: string;
}

function settleRange(
  state: EngineState,
  { gateway: id, receivedAtMs }: GapEntry | ParkedEntry,
  range: MissingRange,
  emit: Emit,
): void {
  const gateway = gatewayOf(state, id);
  const { epoch, from, to, prev, hash, reason } = range;
  const wasSettled = gateway.progress.isSettled;
  gateway.isNumbered = true;
  const breaks = addRange(gateway.progress, epoch, { from, to, prev, hash });
  const span = gapSpan(gateway.trace, epoch, range, receivedAtMs);
  const canSeal = hasKey(state.history, gateway.id, receivedAtMs);
  const denied = traceLink(gateway.trace, epoch, { from, to, hash, ...span }, canSeal);
  const broken = breaks.map((one) => breakSpan(gateway.trace, one.epoch, one.seq, span.fromMs));
  const found = noteBroken(gateway, [...broken, ...denied]);
  for (const [i, one] of breaks.entries()) tellBreak(gateway, 'prev', one, broken[i]!, emit);
  for (const of of denied) tellBreak(gateway, 'seal', { epoch, seq: to }, of, emit);
  emitOnce(gateway, 'DATA_GAP', receivedAtMs, { reason, epoch, from, to }, emit);
  tellFound(state, gateway, found, receivedAtMs, emit);
  if (!wasSettled && gateway.progress.isSettled) settle(state, gateway, receivedAtMs, emit);
}

const noteBroken = (gateway: GatewayState, spans: readonly TimeSpan[]): readonly Found[] =>
  spans
    .filter((span) => addSpan(findingsOf(gateway)['chain-broken'], span))
    .map((span): Found => ['chain-broken', span]);

/** A seal over another chain than the one that came is a break of all since the seal before. */
export function stepSeal(state: EngineState, entry: SealEntry, emit: Emit): void {
  if (!entry.verified) return;
  const gateway = gatewayOf(state, entry.gateway);
  const { epoch, upTo, hash, receivedAtMs } = entry;
  const denied = traceSeal(gateway.trace, epoch, upTo, hash);
  const found = noteBroken(gateway, denied);
  for (const of of denied) tellBreak(gateway, 'seal', { epoch, seq: upTo }, of, emit);
  tellFound(state, gateway, found, receivedAtMs, emit);
}

/** Nothing is missing any more: shifts that waited are judged, changed ones at most every 10 min. */
export function settle(state: EngineState, gateway: GatewayState, nowMs: number, emit: Emit): void {
  for (const id of [...(gateway.waiting ?? [])]) {
    const rule = new RuleRow(state, id);
    if (!isPast(state, rule)) continue;
    const isDue = nowMs >= rule.evaluatedAtMs + state.settings.revisionIntervalMs;
    if (!rule.isClosed || isDue) judgeShift(state, rule, nowMs, emit);
  }
}
