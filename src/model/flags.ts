import { z } from 'zod';

/** Data flags of HJ 212-2017 table 8, and our U. */
export const FLAGS = {
  N: 'normal',
  F: 'stopped',
  M: 'under maintenance',
  S: 'entered by hand',
  D: 'fault',
  C: 'calibration',
  T: 'above the measuring range',
  B: 'no communication',
  U: 'unflagged',
} as const;

export type Flag = keyof typeof FLAGS;
export const Flag = z.enum(Object.keys(FLAGS) as [Flag, ...Flag[]]);
