/** Hub time: what the journal's receive times and ticks are taken from. */
export interface SteadyClock {
  /** UTC ms; never goes back. */
  now(): number;
  /** UTC ms without a step that has not stood for long, for who compares it with a clock of theirs. */
  machineMs(): number;
  /** How far the machine's clock is from it, ms: positive when the machine's is ahead. */
  stepMs(): number;
}

interface SteadyClockSettings {
  /** The machine's clock, UTC ms; may step. */
  readonly wallMs: () => number;
  /** Time since some moment, ms; never steps, and stands while the machine sleeps. */
  readonly monotonicMs: () => number;
  /** How long the machine has slept since some moment, ms; asked when the clock seems to have stepped. */
  readonly asleepMs: () => number;
  /** Hub time is at least this at the start: the receive time that was journaled last. */
  readonly notBeforeMs: number;
  /** Called once for each step of the machine's clock, and when one is taken over. */
  readonly onStep?: (stepMs: number, isTakenOver: boolean) => void;
}

/** Differences up to this are drift, which is followed. */
const DRIFT_MS_MAX = 1_000;
/** A step that stands for so long was meant: whoever set the clock wrong has set it right by then. */
const TAKE_OVER_MS = 600_000;

/**
 * The machine's clock without its steps. A clock that was set an hour ahead by mistake would close shifts
 * as incomplete; one that was set back would make every reading one from the future, which is never
 * evaluated. So a step is told, and followed only when it has stood for ten minutes; backwards, time
 * then stands until it is reached. A machine that slept has no wrong clock: its clock went on, and readings
 * that came meanwhile are not from the future.
 */
export function createSteadyClock(settings: SteadyClockSettings): SteadyClock {
  const { wallMs, monotonicMs, asleepMs, onStep = () => undefined } = settings;
  let offsetMs = wallMs() - monotonicMs();
  let shownMs = settings.notBeforeMs;
  let sleptMs = asleepMs();
  /** When the machine's clock stepped away, by the steady one; null: it hasn't. */
  let steppedAtMs: number | null = null;
  let stepMs = 0;

  /** Time asleep since the last look. */
  function sleepMs(): number {
    const before = sleptMs;
    sleptMs = asleepMs();
    return sleptMs - before;
  }

  function follow(): void {
    const steadyMs = monotonicMs();
    let awayMs = wallMs() - (steadyMs + offsetMs);
    const isNews = Math.abs(awayMs - stepMs) > DRIFT_MS_MAX;
    if (isNews) {
      const overMs = sleepMs();
      offsetMs += overMs;
      awayMs -= overMs;
    }
    if (Math.abs(awayMs) <= DRIFT_MS_MAX) {
      offsetMs += awayMs;
      stepMs = 0;
      steppedAtMs = null;
      return;
    }
    // Another step starts the ten minutes anew.
    if (steppedAtMs === null || Math.abs(awayMs - stepMs) > DRIFT_MS_MAX) {
      steppedAtMs = steadyMs;
      onStep(awayMs, false);
    }
    stepMs = awayMs;
    if (steadyMs - steppedAtMs < TAKE_OVER_MS) return;
    offsetMs += awayMs;
    stepMs = 0;
    steppedAtMs = null;
    onStep(awayMs, true);
  }

  return {
    now() {
      follow();
      shownMs = Math.max(shownMs, Math.floor(monotonicMs() + offsetMs));
      return shownMs;
    },
    machineMs() {
      follow();
      return Math.floor(monotonicMs() + offsetMs);
    },
    stepMs: () => stepMs,
  };
}
