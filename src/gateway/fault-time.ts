/** Of the bus's time, what may be spent on devices that don't answer. */
const SHARE_MAX = 0.1;
/** So much may be spent at once: enough to find several devices dead. */
const BURST_MS_MAX = 3_000;

/**
 * A token bucket of bus time for what does not answer: a tenth of all time, three seconds at once. What
 * costs more than was left makes a debt that is paid before anything else.
 */
export interface FaultTime {
  isLeft(): boolean;
  spend(ms: number): void;
}

export function createFaultTime(realMs: () => number = () => performance.now()): FaultTime {
  let leftMs = BURST_MS_MAX;
  let atMs = realMs();
  const refill = (): void => {
    const nowMs = realMs();
    leftMs = Math.min(BURST_MS_MAX, leftMs + (nowMs - atMs) * SHARE_MAX);
    atMs = nowMs;
  };
  return {
    isLeft() {
      refill();
      return leftMs > 0;
    },
    spend(ms) {
      refill();
      leftMs -= ms;
    },
  };
}
