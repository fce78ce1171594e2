import { HOUR_MS, SECOND_MS } from '../../model/time.ts';

/** Limits of one labour intensity by contact-time rate, ascending by rate, °C. */
export type WbgtRows = readonly { readonly ratePercent: number; readonly valueC: number }[];

/** 接触时间率 is the time of heat exposure in a working day over 8 h. */
const RATE_BASE_S = (8 * HOUR_MS) / SECOND_MS;

/** Longest contact, in seconds of the day, that a row of the table covers. */
export const contactSecondsMax = (ratePercent: number): number => (ratePercent / 100) * RATE_BASE_S;

/**
 * The limit for a time of contact. GBZ 2.2-2007 table 8; between two rows the next stricter one, above
 * 100 % the row of 100 %. Undefined only for an empty table.
 */
export function wbgtLimitC(rows: WbgtRows, contactSeconds: number): number | undefined {
  const row = rows.find(({ ratePercent }) => contactSeconds <= contactSecondsMax(ratePercent));
  return (row ?? rows.at(-1))?.valueC;
}
