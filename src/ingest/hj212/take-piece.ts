import { answerCommandOf, answerFrame } from '../../telemetry/hj212/answer-frame.ts';
import type { StreamPiece } from '../../telemetry/hj212/frame-stream.ts';
import { type Header, wantsAnswer } from '../../telemetry/hj212/parse-segment.ts';
import type { Hj212Reason } from '../../telemetry/hj212/reading-reasons.ts';
import type { SplitPackets } from '../../telemetry/hj212/split-packets.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { asText } from '../dead-letters.ts';
import type { Outcome, Submission } from '../journal/submission.ts';
import type { StrayBudget } from '../stray-budget.ts';
import { type DataFrame, type Judges, judgeFrame } from './judge-frame.ts';
import { keepFrame } from './keep-frame.ts';
import type { Hj212Metrics } from './metrics.ts';

/** Topic of dead letters of HJ 212; the MN follows if somebody vouches for it. */
export const HJ212_TOPIC = 'hj212/';

/** Where frames go: the journal and the dead letters, both of which call back when they are durable. */
export interface FrameSink {
  submit(submission: Submission): void;
  putAside(letter: DeadLetter & { readonly reason: Hj212Reason }): void;
}

export interface TakingDeps extends Judges {
  readonly sink: FrameSink;
  readonly strays: StrayBudget;
  readonly metrics: Hj212Metrics;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  /** Monotonic, ms. */
  readonly nowMs: () => number;
}

/** The connection that a piece came on. */
export interface PieceSource {
  readonly address: string;
  readonly splits: SplitPackets<DataFrame>;
  answer(frame: Buffer): void;
  /** `bytes` of a frame wait for being durable, until `settle` is called. */
  hold(bytes: number): void;
  settle(bytes: number): void;
  /** A frame was not kept: the device sends it again to a new connection. */
  giveUp(): void;
  /** A frame of a registered device came. */
  identify(mn: string): void;
}

/** Takes one piece of a connection's stream to where it belongs. */
export function takePiece({ kind, raw }: StreamPiece, source: PieceSource, deps: TakingDeps): void {
  if (kind === 'noise') {
    takeNoise(raw, source, deps);
    return;
  }
  const judged = judgeFrame(raw, source.address, deps);
  switch (judged.kind) {
    case 'stray':
      putStray(raw, judged.reason, judged.detail, source, deps);
      return;
    case 'answer':
      source.identify(judged.mn);
      deps.metrics.frame('answer');
      return;
    case 'notice':
      source.identify(judged.header.mn);
      deps.metrics.frame('notice');
      answer(judged.header, source, deps);
      return;
    case 'data':
      source.identify(judged.frame.segment.header.mn);
      takeData(judged.frame, source, deps);
  }
}

/** Puts packets aside whose siblings did not come. */
export function expireSplits(nowMs: number, source: PieceSource, deps: TakingDeps): void {
  for (const frame of source.splits.expire(nowMs)) {
    const detail = 'DataTime: expected one in the packet or in its siblings';
    putAside(frame, 'hj212-split', detail, source, deps);
  }
}

function takeData(frame: DataFrame, source: PieceSource, deps: TakingDeps): void {
  const outcome = source.splits.take(frame.segment, frame, deps.nowMs());
  if (outcome.kind === 'held') {
    deps.metrics.frame('held');
    return;
  }
  for (const { packet, dataTime } of outcome.packets) keep(packet, dataTime, source, deps);
}

function keep(
  frame: DataFrame,
  dataTime: string | null,
  source: PieceSource,
  deps: TakingDeps,
): void {
  const { header } = frame.segment;
  const bytes = frame.raw.length;
  const done = (outcome: Outcome): void => {
    if (outcome === 'stored' || outcome === 'duplicate') {
      deps.metrics.frame(outcome === 'stored' && kept.kind === 'unused' ? 'unused' : outcome);
      answer(header, source, deps);
    } else {
      deps.metrics.frame('deferred');
      source.giveUp();
    }
    source.settle(bytes);
  };
  const kept = keepFrame(frame, dataTime, { receivedAtMs: deps.now(), done });
  if (kept.kind === 'letter') {
    putAside(frame, kept.reason, kept.detail, source, deps);
    return;
  }
  if (kept.kind === 'batch') for (const name of kept.deviations) deps.metrics.deviation(name);
  source.hold(bytes);
  deps.sink.submit(kept.submission);
}

/** A frame that can't be used is answered once it is kept: else its device would send nothing after it. */
function putAside(
  { raw, segment: { header }, logger }: DataFrame,
  reason: Hj212Reason,
  detail: string,
  source: PieceSource,
  deps: TakingDeps,
): void {
  deps.metrics.frame('dead-letter');
  source.hold(raw.length);
  deps.sink.putAside({
    ...{ reason, detail, raw, source: logger.gateway.id, receivedAtMs: deps.now() },
    topic: `${HJ212_TOPIC}${header.mn}`,
    done: (isKept) => {
      if (isKept) answer(header, source, deps);
      else source.giveUp();
      source.settle(raw.length);
    },
  });
}

function putStray(
  raw: Buffer,
  reason: Hj212Reason,
  detail: string,
  source: PieceSource,
  { strays, metrics, sink, now }: TakingDeps,
): void {
  if (!strays.spend(source.address)) {
    metrics.refused('stray-letters-max');
    return;
  }
  source.hold(raw.length);
  sink.putAside({
    ...{ reason, detail: asText(detail), raw, receivedAtMs: now() },
    source: source.address,
    topic: HJ212_TOPIC,
    done: () => source.settle(raw.length),
  });
}

/** Blank lines, as modems send them to keep a line open, are nothing. */
function takeNoise(raw: Buffer, source: PieceSource, deps: TakingDeps): void {
  if (raw.every((byte) => byte <= 0x20)) return;
  putStray(raw, 'hj212-noise', 'expected ##, four digits and a data segment', source, deps);
}

function answer(header: Header, source: PieceSource, { metrics }: TakingDeps): void {
  if (!wantsAnswer(header)) return;
  metrics.answered(answerCommandOf(header.cn));
  source.answer(answerFrame(header));
}
