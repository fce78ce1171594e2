import type { Socket } from 'node:net';
import { createFrameStream } from '../../telemetry/hj212/frame-stream.ts';
import { createSplitPackets } from '../../telemetry/hj212/split-packets.ts';
import { createRateBucket } from '../rate-bucket.ts';
import type { DataFrame } from './judge-frame.ts';
import type { Hj212Refusal } from './metrics.ts';
import type { Hj212Settings } from './settings.ts';
import { expireSplits, type PieceSource, type TakingDeps, takePiece } from './take-piece.ts';

/** One device's connection. */
export interface Connection {
  readonly address: string;
  /** Called every second: what is late is read as it is, or given up. */
  tick(): void;
  /** Reads on when its own bounds allow it. */
  resume(): void;
  /** Reads nothing more; what was read is still answered. */
  stopReading(): void;
  /** Ends it at once; null: when the answers that were given are sent. */
  close(reason: Hj212Refusal | null): void;
  destroy(): void;
}

export interface ConnectionDeps extends TakingDeps {
  readonly settings: Hj212Settings;
  readonly address: string;
  /** Whether the bytes of all connections leave room. */
  readonly hasRoom: () => boolean;
  /** Bytes more, or fewer, that wait for their commit. */
  readonly count: (bytes: number) => void;
  readonly onIdentified: (mn: string) => void;
  readonly onClosed: () => void;
}

/** A device that takes no answers is closed. */
const UNREAD_ANSWER_BYTES_MAX = 65_536;

/** Reads one socket: bytes → frames → journal, and answers in the order in which they become durable. */
export function createConnection(socket: Socket, deps: ConnectionDeps): Connection {
  const { settings, address, nowMs, metrics } = deps;
  const stream = createFrameStream();
  const splits = createSplitPackets<DataFrame>();
  const bucket = createRateBucket({
    perSecond: settings.frameRateMax,
    burst: settings.frameBurstMax,
  });
  let waiting = 0;
  let isIdentified = false;
  let isStopped = false;
  /** The device has sent all; it may still wait for answers. */
  let isEnded = false;
  let lastDataMs = nowMs();
  let timer: NodeJS.Timeout | undefined;

  const source: PieceSource = {
    address,
    splits,
    answer(frame) {
      if (socket.destroyed) return;
      socket.write(frame);
      if (socket.writableLength > UNREAD_ANSWER_BYTES_MAX) close('not-reading');
    },
    hold(bytes) {
      waiting += 1;
      deps.count(bytes);
    },
    settle(bytes) {
      waiting -= 1;
      deps.count(-bytes);
      if (isEnded && waiting === 0) socket.end();
      else resume();
    },
    giveUp: () => close('not-kept'),
    identify(mn) {
      isIdentified = true;
      deps.onIdentified(mn);
    },
  };

  function take(pieces: ReturnType<typeof stream.push>): void {
    bucket.take(pieces.length, nowMs());
    for (const piece of pieces) takePiece(piece, source, deps);
    if (mayRead() && bucket.waitMs(nowMs()) === 0) return;
    socket.pause();
    resume();
  }

  const mayRead = (): boolean =>
    !isStopped && waiting < settings.waitingFramesMax && deps.hasRoom();

  /** Whatever else holds it calls again; the rate's own wait is set here, as often as it takes. */
  function resume(): void {
    if (!socket.isPaused() || socket.destroyed) return;
    const waitMs = bucket.waitMs(nowMs());
    if (waitMs > 0) {
      timer ??= setTimeout(() => {
        timer = undefined;
        resume();
      }, waitMs);
    } else if (mayRead()) socket.resume();
  }

  function close(reason: Hj212Refusal | null): void {
    if (socket.destroyed) return;
    if (reason === null) {
      socket.destroySoon();
      return;
    }
    metrics.refused(reason);
    socket.destroy();
  }

  function tick(): void {
    if (socket.isPaused()) return;
    const silentMs = nowMs() - lastDataMs;
    expireSplits(nowMs(), source, deps);
    if (stream.waiting() > 0 && silentMs >= settings.frameTimeoutMs) take(stream.flush());
    if (!isIdentified && silentMs >= settings.unidentifiedTimeoutMs) close('unidentified');
    else if (silentMs >= settings.idleTimeoutMs) close('idle');
  }

  socket.on('data', (bytes) => {
    lastDataMs = nowMs();
    take(stream.push(bytes as Buffer));
  });
  // It ends when it has sent all: what it sent last may lack its line's end.
  socket.on('end', () => {
    take(stream.flush());
    expireSplits(Number.POSITIVE_INFINITY, source, deps);
    isEnded = true;
    if (waiting === 0) socket.end();
  });
  // The close that follows is what counts.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearTimeout(timer);
    deps.onClosed();
  });

  return {
    address,
    tick,
    resume,
    stopReading() {
      isStopped = true;
      socket.pause();
    },
    close,
    destroy: () => socket.destroy(),
  };
}
