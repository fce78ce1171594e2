import { uptime } from 'node:os';
import { DAY_MS, SECOND_MS } from '../model/time.ts';
import type { Logger } from '../process/log.ts';
import { createSteadyClock, type SteadyClock } from '../process/steady-clock.ts';

/** A receipt further ahead than this was journaled by a clock that was wrong. */
const AHEAD_MS_MAX = DAY_MS;

/** Hub time on this machine, not before the journal's last receipt; its steps go to the log. */
export function createHubClock(lastReceiptMs: number | null, log: Logger): SteadyClock {
  const isUsable = lastReceiptMs !== null && lastReceiptMs <= Date.now() + AHEAD_MS_MAX;
  if (lastReceiptMs !== null && !isUsable) {
    const lastReceipt = new Date(lastReceiptMs).toISOString();
    log.error({ lastReceipt }, 'the journal ends in the future: the clock was or is wrong');
  }
  return createSteadyClock({
    wallMs: Date.now,
    monotonicMs: () => performance.now(),
    // The uptime counts sleep, the monotonic clock doesn't.
    asleepMs: () => uptime() * SECOND_MS - Number(process.hrtime.bigint()) / 1e6,
    notBeforeMs: isUsable ? lastReceiptMs : 0,
    onStep: (stepMs, isTakenOver) =>
      log.error(
        { stepMs: Math.round(stepMs) },
        isTakenOver
          ? "the machine's clock has stood stepped for ten minutes: hub time follows it"
          : "the machine's clock stepped: hub time goes on without it",
      ),
  });
}
