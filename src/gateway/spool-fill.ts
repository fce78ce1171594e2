import { HOUR_MS, MINUTE_MS } from '../model/time.ts';

/** How full a spool is, and how long it would last if nothing left it. */
export interface SpoolFill {
  /** 0 to 1: of the bytes or of the age that it may hold, whichever is nearer to its bound. */
  readonly share: number;
  /** Until the oldest batches would be given up at the present rate; null: no rate known yet. */
  readonly hoursLeft: number | null;
  /** The highest mark passed, in percent; null: none. It falls again 5 % below. */
  readonly warning: (typeof MARKS)[number] | null;
}

const MARKS = [80, 50] as const;
const HYSTERESIS = 0.05;
/** The rate is that of the last hour of the gateway's clock, known after the first minute. */
const RATE_MS = HOUR_MS;

export interface FillWatch {
  /** Bytes that were added at a time of the gateway's clock. */
  onAdded(bytes: number, nowMs: number): void;
  /** `oldestAtMs` null: it is empty. `bytesMax`: what it may hold now, when that is less. */
  look(
    held: {
      readonly bytes: number;
      readonly oldestAtMs: number | null;
      readonly bytesMax?: number;
    },
    nowMs: number,
  ): SpoolFill;
}

export function createFillWatch(settings: {
  readonly bytesMax: number;
  readonly ageMsMax: number;
}): FillWatch {
  /** Bytes added by minute, oldest first. */
  let minutes: { readonly fromMs: number; bytes: number }[] = [];
  let warning: SpoolFill['warning'] = null;

  function bytesPerHour(nowMs: number): number | null {
    minutes = minutes.filter(({ fromMs }) => nowMs - fromMs <= RATE_MS && fromMs <= nowMs);
    const [first] = minutes;
    if (first === undefined || nowMs - first.fromMs < MINUTE_MS) return null;
    const bytes = minutes.reduce((sum, minute) => sum + minute.bytes, 0);
    return (bytes / (nowMs - first.fromMs)) * HOUR_MS;
  }

  function mark(share: number): void {
    const reached = MARKS.find((percent) => share * 100 >= percent) ?? null;
    const holds = warning !== null && share >= warning / 100 - HYSTERESIS;
    if (reached === null && holds) return;
    if (reached !== null && warning !== null && reached < warning && holds) return;
    warning = reached;
  }

  return {
    onAdded(bytes, nowMs) {
      const last = minutes.at(-1);
      if (last !== undefined && nowMs >= last.fromMs && nowMs - last.fromMs < MINUTE_MS) {
        last.bytes += bytes;
      } else {
        minutes.push({ fromMs: nowMs, bytes });
      }
    },
    look({ bytes, oldestAtMs, bytesMax = settings.bytesMax }, nowMs) {
      const ageMs = oldestAtMs === null ? 0 : Math.max(0, nowMs - oldestAtMs);
      const share = Math.max(bytes / bytesMax, ageMs / settings.ageMsMax);
      mark(share);
      const perHour = bytesPerHour(nowMs);
      const byAgeHours = Math.max(0, settings.ageMsMax - ageMs) / HOUR_MS;
      const bytesLeft = Math.max(0, bytesMax - bytes);
      const hoursLeft =
        perHour === null || perHour === 0 ? null : Math.min(byAgeHours, bytesLeft / perHour);
      return { share, hoursLeft, warning };
    },
  };
}
