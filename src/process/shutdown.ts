/** A part that can be stopped, by the name that the operator reads. */
interface Closer {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

export interface CloseReport {
  readonly name: string;
  readonly tookMs: number;
  readonly error?: string;
}

/**
 * Stopping stands beside starting: whatever a part starts, it pushes the close of it. `closeAll` runs
 * them in reverse, each once, within one bounded time; what is still running then is reported as late.
 */
export interface ShutdownStack {
  push(name: string, close: () => Promise<void> | void): void;
  closeAll(timeoutMs: number): Promise<readonly CloseReport[]>;
}

export function createShutdownStack(): ShutdownStack {
  const closers: Closer[] = [];
  let closing: Promise<readonly CloseReport[]> | undefined;

  async function closeInReverse(timeoutMs: number): Promise<readonly CloseReport[]> {
    const reports: CloseReport[] = [];
    const deadlineMs = Date.now() + timeoutMs;
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      const startedMs = Date.now();
      const error = await closeWithin(closer, Math.max(0, deadlineMs - startedMs));
      const tookMs = Date.now() - startedMs;
      reports.push({ name: closer.name, tookMs, ...(error === undefined ? {} : { error }) });
    }
    return reports;
  }

  return {
    push(name, close) {
      closers.push({ name, close });
    },
    closeAll(timeoutMs) {
      closing ??= closeInReverse(timeoutMs);
      return closing;
    },
  };
}

/** For a part that has a stack of its own: throws when some of it did not close in time or failed. */
export function throwIfLate(reports: readonly CloseReport[]): void {
  const late = reports.filter((report) => report.error !== undefined);
  if (late.length === 0) return;
  throw new Error(late.map((report) => `${report.name}: ${report.error}`).join('; '));
}

async function closeWithin(closer: Closer, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`still closing after ${timeoutMs} ms`), timeoutMs);
  });
  const closed = (async () => {
    try {
      await closer.close();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  })();
  const outcome = await Promise.race([closed, late]);
  clearTimeout(timer);
  return outcome;
}
