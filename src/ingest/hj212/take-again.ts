import { fail, ok, type Result } from '../../model/result.ts';
import { type Judges, judgeFrame } from './judge-frame.ts';
import { keepFrame } from './keep-frame.ts';
import type { FrameSink } from './take-piece.ts';

/**
 * Takes the frame of a dead letter in again, when the registry knows its MN, its codes or its deviations by
 * now. A split packet without a DataTime stays what it is.
 */
export function takeFrameAgain(
  raw: Buffer,
  { sink, now, ...judges }: Judges & { readonly sink: FrameSink; readonly now: () => number },
): Promise<Result<'stored' | 'duplicate', 'not-taken'>> {
  const judged = judgeFrame(raw, null, judges);
  if (judged.kind === 'stray') return Promise.resolve(fail('not-taken', judged.detail));
  if (judged.kind !== 'data') return Promise.resolve(fail('not-taken', 'it brings no data'));
  return new Promise((resolve) => {
    const kept = keepFrame(judged.frame, null, {
      receivedAtMs: now(),
      done: (outcome) =>
        resolve(
          outcome === 'stored' || outcome === 'duplicate'
            ? ok(outcome)
            : fail('not-taken', `the journal says ${outcome}`),
        ),
    });
    if (kept.kind === 'letter') resolve(fail('not-taken', kept.detail));
    else sink.submit(kept.submission);
  });
}
