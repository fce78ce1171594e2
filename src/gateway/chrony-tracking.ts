import { fail, ok, type Result } from '../model/result.ts';

/** Fields of `chronyc -c tracking` (chrony 4), by place. */
const REFERENCE = 0;
const SYSTEM_TIME_S = 4;
const ROOT_DELAY_S = 10;
const ROOT_DISPERSION_S = 11;
const LEAP_STATUS = 13;
const FIELDS = 14;

/** 127.127.1.x: chrony's own `local` directive. It serves a time that nothing holds. */
const LOCAL_REFERENCE = /^7F7F01/i;

export interface Tracking {
  /** What chrony is slewing away at the moment. */
  readonly offsetMs: number;
  /** How wrong the clock may be besides: root dispersion and half the root delay (chronyc(1)). */
  readonly errMs: number;
}

/** Reads a line of `chronyc -c tracking`; a clock that nothing outside holds is a failure. */
export function parseTracking(text: string): Result<Tracking, 'unreadable' | 'not-synchronised'> {
  const fields = text.trim().split('\n')[0]?.split(',') ?? [];
  const [offsetS, delayS, dispersionS] = [SYSTEM_TIME_S, ROOT_DELAY_S, ROOT_DISPERSION_S].map(
    (place) => Number(fields[place] === '' ? Number.NaN : fields[place]),
  );
  const isWhole = fields.length >= FIELDS && [offsetS, delayS, dispersionS].every(Number.isFinite);
  if (!isWhole) return fail('unreadable', `chronyc says ${JSON.stringify(text.slice(0, 200))}`);
  const leap = fields[LEAP_STATUS];
  if (leap === 'Not synchronised') return fail('not-synchronised', 'chrony has no source');
  if (LOCAL_REFERENCE.test(fields[REFERENCE] ?? '')) {
    return fail('not-synchronised', 'chrony serves its own clock (local)');
  }
  return ok({
    offsetMs: Math.round(offsetS! * 1_000),
    errMs: Math.ceil((dispersionS! + delayS! / 2) * 1_000),
  });
}
