import { encodeFrame } from './encode-frame.ts';
import { type Header, versionOf } from './parse-segment.ts';

/** System interaction (HJ 212-2017 Table 5). */
const ST_INTERACTION = '91';
const DATA_ANSWER = '9014';
const NOTICE_ANSWER = '9013';
/** Notices of a device: its clock wants to be set; it is there (2025, Table 12). */
const NOTICES: ReadonlySet<string> = new Set(['1013', '9015']);
/** Answers of a device to what a host asked (Table 9). */
const ANSWERS: ReadonlySet<string> = new Set(['9011', '9012', '9013', '9014']);

export type CommandRole = 'data' | 'notice' | 'answer';

/** What a device says by a command: something to keep, a notice, or an answer. */
export function roleOf(cn: string): CommandRole {
  if (ANSWERS.has(cn)) return 'answer';
  return NOTICES.has(cn) ? 'notice' : 'data';
}

/** The command that answers another. */
export const answerCommandOf = (cn: string): string =>
  roleOf(cn) === 'notice' ? NOTICE_ANSWER : DATA_ANSWER;

/**
 * The answer that a frame asks for by bit A of its Flag: 9014 to data, 9013 to a notice. QN, PW and MN
 * are those of the frame, Flag its version without A and D (HJ 212-2017 6.6, C.14).
 */
export function answerFrame({ qn, pw, mn, flag, cn }: Header): Buffer {
  const named = qn === null ? '' : `QN=${qn};`;
  const version = versionOf(flag ?? 0) << 2;
  return encodeFrame(
    `${named}ST=${ST_INTERACTION};CN=${answerCommandOf(cn)};PW=${pw};MN=${mn};Flag=${version};CP=&&&&`,
  );
}

/** What a device's answer says (Tables 10 and 11): a command refused, carried out, failed. */
export interface DeviceAnswer {
  readonly cn: string;
  readonly qn: string | null;
  /** QnRtn of 9011, ExeRtn of 9012; null: 9013, 9014, or no number. */
  readonly code: number | null;
  readonly meaning: string;
}

const QN_RETURNS: ReadonlyMap<number, string> = new Map([
  [1, 'ready'],
  [2, 'refused'],
  [3, 'wrong PW'],
  [4, 'wrong MN'],
  [5, 'wrong ST'],
  [6, 'wrong Flag'],
  [7, 'wrong QN'],
  [8, 'wrong CN'],
  [9, 'wrong CRC'],
  [100, 'unknown'],
]);
const EXE_RETURNS: ReadonlyMap<number, string> = new Map([
  [1, 'done'],
  [2, 'failed, reason unknown'],
  [3, 'failed, wrong condition'],
  [4, 'timed out'],
  [5, 'busy'],
  [6, 'system fault'],
  [100, 'no data'],
]);

/** Reads a frame whose `roleOf` is `answer`. */
export function readAnswer({ cn, qn }: Header, fields: ReadonlyMap<string, string>): DeviceAnswer {
  const [name, meanings] =
    cn === '9011' ? ['QnRtn', QN_RETURNS] : cn === '9012' ? ['ExeRtn', EXE_RETURNS] : ['', null];
  const text = fields.get(name as string) ?? '';
  const code = /^\d{1,3}$/.test(text) ? Number(text) : null;
  if (meanings === null) return { cn, qn, code: null, meaning: 'received' };
  const known = code === null ? undefined : (meanings as ReadonlyMap<number, string>).get(code);
  return { cn, qn, code, meaning: known ?? 'unknown' };
}
