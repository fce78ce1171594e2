import type { Hj212Deviation, Hj212Station } from '../src/model/hj212.ts';
import { type Clock, SECOND_MS } from '../src/model/time.ts';
import { createHj212Device } from './hj212-device.ts';
import { deviceFrame } from './hj212-frame.ts';

export interface Hj212RunOptions {
  readonly host: string;
  readonly port: number;
  readonly edition: Hj212Station['edition'];
  readonly mn: string;
  readonly st: string;
  /** Factor code → value; each reading varies by 1 % around it. */
  readonly values: Readonly<Record<string, number>>;
  readonly intervalMs: number;
  /** Frames to send; 0: until `signal` aborts. */
  readonly frames: number;
  readonly deviations: ReadonlySet<Hj212Deviation>;
  readonly key?: Uint8Array;
}

export interface Hj212Report {
  readonly sent: number;
  /** Answered by 9014. */
  readonly answered: number;
}

/** Sends realtime data (CN 2011) at an interval, and says what became of each frame. */
export async function runHj212Device(
  options: Hj212RunOptions,
  {
    clock,
    signal,
    onFrame,
    onError,
  }: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly onFrame: (frame: Buffer, isAnswered: boolean) => void;
    readonly onError: (message: string) => void;
  },
): Promise<Hj212Report> {
  const device = createHj212Device({ ...options, onError });
  const stop = (): void => device.close();
  signal.addEventListener('abort', stop, { once: true });
  let sent = 0;
  let answered = 0;
  while (!signal.aborted && (options.frames === 0 || sent < options.frames)) {
    const nowMs = clock.now();
    const frame = frameAt(nowMs, options);
    const isAnswered = await device.deliver(frame);
    sent += 1;
    if (isAnswered) answered += 1;
    onFrame(frame, isAnswered);
    const isLast = options.frames > 0 && sent >= options.frames;
    if (!isLast) await clock.sleepUntil(nowMs + options.intervalMs, signal);
  }
  signal.removeEventListener('abort', stop);
  device.close();
  return { sent, answered };
}

function frameAt(nowMs: number, options: Hj212RunOptions): Buffer {
  const { edition, mn, st, values, key, deviations } = options;
  const second = Math.floor(nowMs / SECOND_MS);
  // A slow wave, so that a chart shows life and a flat line is none.
  const share = 1 + 0.01 * Math.sin(second / 7);
  return deviceFrame(
    {
      ...{ edition, mn, st, cn: '2011', wantsAnswer: true },
      ...{ madeMs: nowMs, dataTimeMs: second * SECOND_MS },
      ...(key === undefined ? {} : { key }),
      items: Object.entries(values).map(([code, value]) => ({
        ...{ code, value: Number((value * share).toFixed(3)), flag: 'N' as const },
      })),
    },
    deviations,
  );
}
