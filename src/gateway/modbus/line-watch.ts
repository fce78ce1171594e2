import type { Connection } from './connection.ts';
import { framesIn, type SeenFrame } from './rtu.ts';

/** Bytes kept to see what they were; of more only the number is known. */
const KEPT_BYTES_MAX = 2_048;
/** A line that is not silent once within this is given up. */
const LISTEN_MS_MAX = 5_000;

/** Listens to a line while no request is waiting, and knows when it is quiet. */
export interface LineWatch {
  /** Bytes that nobody waits for. */
  discard(chunk: Uint8Array): void;
  /** True when such bytes have come since the line was last known to be quiet. */
  isDirty(): boolean;
  /**
   * Listens and discards until the line has been silent for `windowMs`. False when it never was within
   * five seconds, or is down.
   */
  untilSilent(windowMs: number): Promise<boolean>;
  /** Ends a wait at once. */
  wake(): void;
}

export interface LineWatchSettings {
  readonly connection: Pick<Connection, 'isUp' | 'catchUp'>;
  /** The line is quiet, and this came before: the bytes as far as they are kept, the frames in them. */
  readonly onDrained: (bytes: Uint8Array, frames: readonly SeenFrame[]) => void;
}

export function createLineWatch({ connection, onDrained }: LineWatchSettings): LineWatch {
  let kept: Uint8Array = new Uint8Array();
  let dirty = false;
  let lastByteMs = Number.NEGATIVE_INFINITY;
  let endWait: (() => void) | undefined;

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(ms));
      endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  function settleSilence(): void {
    if (kept.length > 0) onDrained(kept, framesIn(kept));
    kept = new Uint8Array();
    dirty = false;
  }

  return {
    discard(chunk) {
      dirty = true;
      lastByteMs = performance.now();
      const room = KEPT_BYTES_MAX - kept.length;
      if (room > 0) kept = Buffer.concat([kept, chunk.subarray(0, room)]);
    },
    isDirty: () => dirty,
    async untilSilent(windowMs) {
      const startedMs = performance.now();
      const leftMs = (): number => Math.max(startedMs, lastByteMs) + windowMs - performance.now();
      while (connection.isUp()) {
        if (leftMs() <= 0) {
          await connection.catchUp();
          if (leftMs() > 0) continue;
          settleSilence();
          return true;
        }
        if (performance.now() - startedMs > LISTEN_MS_MAX) break;
        await wait(leftMs());
      }
      settleSilence();
      return false;
    },
    wake: () => endWait?.(),
  };
}
