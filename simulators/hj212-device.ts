import { connect, type Socket } from 'node:net';
import { readSegment } from '../src/telemetry/hj212/decode-frame.ts';
import { createFrameStream } from '../src/telemetry/hj212/frame-stream.ts';

export interface Hj212Device {
  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void;
  /**
   * Sends a frame and waits for the answer (9014) to its QN; sends it again, on a new connection when the
   * old one has ended, as often as the standard says. False: no answer came.
   */
  deliver(frame: Buffer): Promise<boolean>;
  /** Answers so far, as they came. */
  readonly answers: readonly Buffer[];
  /** True while it is connected. */
  isConnected(): boolean;
  close(): void;
}

export interface Hj212DeviceOptions {
  readonly host: string;
  readonly port: number;
  /** Wait for an answer, and how often a frame is sent again (HJ 212-2017 Table 1). */
  readonly answerTimeoutMs?: number;
  readonly resends?: number;
  readonly onError?: (message: string) => void;
}

const ANSWER_TIMEOUT_MS = 10_000;
const RESENDS = 3;

/** A device as the standard wants it: it connects by itself, sends, waits for the answer, sends again. */
export function createHj212Device(options: Hj212DeviceOptions): Hj212Device {
  const { host, port, answerTimeoutMs = ANSWER_TIMEOUT_MS, resends = RESENDS } = options;
  const answers: Buffer[] = [];
  const waiting = new Map<string, () => void>();
  let socket: Socket | undefined;
  let isClosed = false;

  function open(): Socket {
    if (socket !== undefined && !socket.destroyed) return socket;
    const stream = createFrameStream();
    const opened = connect({ host, port });
    opened.on('data', (bytes) => {
      for (const { kind, raw } of stream.push(bytes as Buffer)) if (kind === 'frame') take(raw);
    });
    // The frame is sent again on the next connection.
    opened.on('error', (error) => options.onError?.(error.message));
    opened.on('end', () => opened.destroy());
    socket = opened;
    return opened;
  }

  function take(raw: Buffer): void {
    answers.push(raw);
    const read = readSegment(raw, {});
    if (read.ok) waiting.get(read.value.header.qn ?? '')?.();
  }

  function answered(qn: string): Promise<boolean> {
    return new Promise((done) => {
      const timer = setTimeout(() => settle(false), answerTimeoutMs);
      const settle = (isAnswered: boolean): void => {
        clearTimeout(timer);
        waiting.delete(qn);
        done(isAnswered);
      };
      waiting.set(qn, () => settle(true));
    });
  }

  return {
    answers,
    write: (bytes) => void open().write(bytes),
    async deliver(frame) {
      const qn = /QN=([^;]*)/i.exec(frame.toString('latin1'))?.[1] ?? '';
      for (let tries = 0; tries <= resends && !isClosed; tries++) {
        const answer = answered(qn);
        open().write(frame);
        if (await answer) return true;
      }
      return false;
    },
    isConnected: () => socket !== undefined && !socket.destroyed && !socket.connecting,
    close() {
      isClosed = true;
      socket?.destroy();
    },
  };
}
