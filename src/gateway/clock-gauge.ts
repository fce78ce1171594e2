import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ClockState } from '../model/batch.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../model/time.ts';
import type { Logger } from '../process/log.ts';
import { parseTracking } from './chrony-tracking.ts';
import type { GatewayConfig } from './config.ts';

const LOOK_EVERY_MS = MINUTE_MS;
const RUN_MS_MAX = 5 * SECOND_MS;
/** A quartz that nobody corrects runs off by no more than this, warm or cold. */
const DRIFT = 100e-6;
/** Nobody knows how wrong a clock is that was never set. */
const UNKNOWN_ERR_MS = 366 * DAY_MS;

/** How the gateway knows the time, and how wrong that may be. */
export interface ClockGauge {
  state(): ClockState;
  /** Takes over other settings. */
  follow(config: GatewayConfig['clock']): Promise<void>;
  close(): void;
}

interface Good {
  readonly offsetMs: number;
  readonly errMs: number;
  readonly atMs: number;
}

/**
 * The clock's state as the settings claim it, or, with `chronyc`, as chrony measures it every minute. A
 * clock that chrony does not hold is `free`: from its last good state on it may run off. Ends when
 * it was measured for the first time.
 */
export async function startClockGauge(
  config: GatewayConfig['clock'],
  log: Logger,
  monotonicMs: () => number = () => performance.now(),
): Promise<ClockGauge> {
  let settings = config;
  let good: Good | null = null;
  let isHeld = true;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  function state(): ClockState {
    const { source, offsetMs, errMs, chronyc } = settings;
    if (chronyc === undefined) return { source, offsetMs, errMs };
    if (isHeld && good !== null) return { source, offsetMs: good.offsetMs, errMs: good.errMs };
    const ranOffMs = good === null ? UNKNOWN_ERR_MS : (monotonicMs() - good.atMs) * DRIFT;
    const freeMs = Math.ceil((good?.errMs ?? 0) + ranOffMs);
    return {
      source: 'free',
      offsetMs: good?.offsetMs ?? 0,
      errMs: Math.min(UNKNOWN_ERR_MS, freeMs),
    };
  }

  async function measure(chronyc: string): Promise<void> {
    const answer = await promisify(execFile)(chronyc, ['-c', 'tracking'], {
      timeout: RUN_MS_MAX,
    }).then(
      ({ stdout }) => parseTracking(stdout),
      (error: NodeJS.ErrnoException) =>
        ({ ok: false, reason: 'unreadable', detail: error.message }) as const,
    );
    if (answer.ok) good = { ...answer.value, atMs: monotonicMs() };
    if (answer.ok !== isHeld) say(answer.ok ? null : answer.detail);
    isHeld = answer.ok;
  }

  function say(fault: string | null): void {
    if (fault === null) log.info(state(), 'the clock is held by chrony');
    else log.warn({ fault }, 'the clock is not held by chrony: it counts as free from now on');
  }

  async function look(): Promise<void> {
    clearTimeout(timer);
    if (settings.chronyc === undefined) return;
    await measure(settings.chronyc);
    if (!isClosed) timer = setTimeout(look, LOOK_EVERY_MS);
  }

  await look();
  return {
    state,
    follow(next) {
      settings = next;
      return look();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
