import type { Clock } from '../src/model/time.ts';

/** A task that was woken may hold the clock no longer than this, in real time. */
const HOLD_MS_MAX = 250;
/** Real time that the clock may have fallen behind by, and makes up for. */
const DEBT_MS_MAX = 100;
/** setTimeout can't wait longer than this. */
const TIMEOUT_MS_MAX = 2_000_000_000;

export interface VirtualClockSettings {
  /** Where virtual time starts, UTC ms. */
  readonly startMs: number;
  /** Virtual milliseconds per real one until real time is reached. */
  readonly speed: number;
  /** The real time now, which the clock runs up to and then follows. */
  readonly catchUpTo: () => number;
  /** Monotonic real ms that pace it; without it the machine's own. */
  readonly realMs?: () => number;
}

export interface VirtualClock extends Clock {
  /** True once it has reached real time and follows it. */
  isLive(): boolean;
}

/** Sleepers that give the same signal are one task; those without a signal are one task together. */
interface Task {
  /** How many of its sleepers were woken and have not slept again. */
  running: number;
}

interface Sleeper {
  readonly deadlineMs: number;
  readonly task: Task;
  readonly wake: () => void;
}

/**
 * A clock that runs `speed` times too fast until it reaches real time, and is exact from then on. It
 * stands at its start until somebody first waits on it.
 *
 * It is paced by those who wait on it: it stops at every sleeper's deadline, and stands still while a
 * woken task works, until that task sleeps again, its signal aborts, or 250 ms of real time pass. So
 * a busy machine makes virtual time slower and tears no hole into it. Deadlines that lie closer
 * together than a timer's millisecond are served back to back.
 */
export function createVirtualClock(settings: VirtualClockSettings): VirtualClock {
  const { speed, catchUpTo, realMs = () => performance.now() } = settings;
  const sleepers: Sleeper[] = [];
  const tasks = new WeakMap<AbortSignal, Task>();
  const unnamed: Task = { running: 0 };
  const runningTasks = new Set<Task>();
  /** Virtual time was `settledMs` when `realMs()` was `anchorMs`; infinite: not started. */
  let settledMs = Math.min(settings.startMs, catchUpTo());
  let anchorMs = Number.POSITIVE_INFINITY;
  let heldUntilMs = 0;
  let shownMs = settledMs;
  let live = false;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  const earliestMs = (): number => sleepers[0]?.deadlineMs ?? Number.POSITIVE_INFINITY;

  /** How far virtual time may be by now, sleepers left aside. */
  const reachMs = (): number =>
    Math.min(settledMs + Math.max(0, realMs() - anchorMs) * speed, catchUpTo());

  /** After a stop the clock makes up for at most the allowed debt. */
  const resume = (): void => {
    anchorMs = Math.max(anchorMs, realMs() - DEBT_MS_MAX);
  };

  /** True while a woken task holds the clock. Ends overdue holds, and turns live when it may. */
  function isHeld(): boolean {
    if (live) return false;
    if (runningTasks.size > 0) {
      if (realMs() < heldUntilMs) return true;
      for (const task of runningTasks) task.running = 0;
      runningTasks.clear();
      resume();
    }
    const liveMs = catchUpTo();
    // Not before the last overdue sleeper was served: nobody's deadline is jumped over.
    live = earliestMs() > liveMs && reachMs() >= liveMs;
    return false;
  }

  function now(): number {
    if (!isHeld()) {
      const timeMs = live ? catchUpTo() : Math.min(reachMs(), earliestMs());
      shownMs = Math.max(shownMs, Math.floor(timeMs));
    }
    return shownMs;
  }

  function arm(): void {
    clearTimeout(timer);
    clearImmediate(immediate);
    if (sleepers.length === 0) return;
    const delayMs = isHeld()
      ? heldUntilMs - realMs()
      : live
        ? earliestMs() - catchUpTo()
        : (earliestMs() - reachMs()) / speed;
    if (delayMs <= 0) immediate = setImmediate(advance);
    else timer = setTimeout(advance, Math.min(Math.ceil(delayMs), TIMEOUT_MS_MAX));
  }

  function advance(): void {
    if (!isHeld() && earliestMs() <= (live ? catchUpTo() : reachMs())) wakeEarliest();
    arm();
  }

  /** Wakes all who share the earliest deadline; until live, virtual time is exactly that then. */
  function wakeEarliest(): void {
    const dueMs = earliestMs();
    if (!live) {
      anchorMs += Math.max(0, dueMs - settledMs) / speed;
      settledMs = Math.max(settledMs, dueMs);
      shownMs = Math.max(shownMs, dueMs);
      heldUntilMs = realMs() + HOLD_MS_MAX;
    }
    const end = sleepers.findIndex((sleeper) => sleeper.deadlineMs > dueMs);
    for (const sleeper of sleepers.splice(0, end === -1 ? sleepers.length : end)) {
      if (!live) {
        sleeper.task.running += 1;
        runningTasks.add(sleeper.task);
      }
      sleeper.wake();
    }
  }

  function stopRunning(task: Task, count: number): void {
    if (task.running === 0) return;
    task.running = Math.max(0, task.running - count);
    if (task.running > 0) return;
    runningTasks.delete(task);
    if (runningTasks.size === 0) resume();
  }

  function insert(sleeper: Sleeper): void {
    let at = sleepers.length;
    while (at > 0 && sleepers[at - 1]!.deadlineMs > sleeper.deadlineMs) at -= 1;
    sleepers.splice(at, 0, sleeper);
  }

  function taskOf(signal: AbortSignal | undefined): Task {
    if (signal === undefined) return unnamed;
    let task = tasks.get(signal);
    if (task === undefined) {
      task = { running: 0 };
      tasks.set(signal, task);
      const own = task;
      signal.addEventListener('abort', () => endTask(own), { once: true });
    }
    return task;
  }

  function endTask(task: Task): void {
    stopRunning(task, task.running);
    for (let i = sleepers.length - 1; i >= 0; i -= 1) {
      if (sleepers[i]!.task === task) sleepers.splice(i, 1)[0]!.wake();
    }
    arm();
  }

  return {
    now,
    isLive: () => !isHeld() && live,
    sleepUntil(timeMs, signal) {
      if (signal?.aborted) return Promise.resolve();
      const task = taskOf(signal);
      const wasRunning = task.running > 0;
      if (timeMs <= now()) {
        // It goes on working: a clock that waits for it has to go on waiting.
        if (wasRunning) heldUntilMs = realMs() + HOLD_MS_MAX;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        if (!Number.isFinite(anchorMs)) anchorMs = realMs();
        insert({ deadlineMs: timeMs, task, wake: resolve });
        stopRunning(task, 1);
        arm();
      });
    },
  };
}
