import type { Hj212Deviation } from '../../model/hj212.ts';
import { fail, ok, type Result } from '../../model/result.ts';
import { parseRegion, type Region } from './parse-region.ts';

/** A data segment (HJ 212-2017 6.3.3). */
export interface Segment {
  readonly header: Header;
  readonly region: Region;
  readonly deviations: readonly Hj212Deviation[];
}

export interface Header {
  /** 请求编码, as it came; null: none. It repeats on a resend and is no key. */
  readonly qn: string | null;
  readonly st: string;
  readonly cn: string;
  readonly pw: string;
  readonly mn: string;
  /** Null: none, as devices of 2005 send it. */
  readonly flag: number | null;
  /** Number of packets and the packet's own number, from 1; null: one packet is all. */
  readonly split: { readonly pnum: number; readonly pno: number } | null;
  /** RF=1 of 2025: sent again. */
  readonly isResent: boolean;
}

/** Bits of Flag (6.3.3): A, an answer is wanted; D, PNUM and PNO are there; above them the version. */
const ANSWER = 1;
const SPLIT = 2;
export const wantsAnswer = ({ flag }: Header): boolean => flag !== null && (flag & ANSWER) !== 0;
export const versionOf = (flag: number): number => flag >> 2;

const OPENING = 'CP=&&';
const CLOSING = '&&';
const NAMES = ['QN', 'ST', 'CN', 'PW', 'MN', 'Flag', 'PNUM', 'PNO', 'RF'];
const NAME_BY_LOWER = new Map(NAMES.map((name) => [name.toLowerCase(), name]));
const SPLIT_MAX = 9_999;

/** Takes a data segment apart: first CP is cut out, then the header is split. Never throws. */
export function parseSegment(segment: string): Result<Segment, 'hj212-malformed'> {
  const deviations = new Set<Hj212Deviation>();
  const at = segment.search(/CP=&&/i);
  if (at < 0) return malformed(`${OPENING} in the data segment`);
  if (!segment.startsWith(OPENING, at)) deviations.add('header-case');
  const isClosed =
    segment.endsWith(CLOSING) && segment.length >= at + OPENING.length + CLOSING.length;
  if (!isClosed) deviations.add('no-closing');
  const until = isClosed ? -CLOSING.length : segment.length;
  const fields = parseHeader(segment.slice(0, at), deviations);
  if (!fields.ok) return fields;
  const region = parseRegion(segment.slice(at + OPENING.length, until), deviations);
  const header = headerOf(fields.value, region, deviations);
  return header.ok ? ok({ header: header.value, region, deviations: [...deviations] }) : header;
}

function parseHeader(
  text: string,
  deviations: Set<Hj212Deviation>,
): Result<Map<string, string>, 'hj212-malformed'> {
  const fields = new Map<string, string>();
  for (const field of text.split(';')) {
    if (field === '') continue;
    const equals = field.indexOf('=');
    if (equals < 0) return malformed('name=value in the header');
    const sent = field.slice(0, equals);
    const name = NAME_BY_LOWER.get(sent.trim().toLowerCase()) ?? sent;
    if (sent.trim() !== sent) deviations.add('blanks');
    if (name !== sent.trim()) deviations.add('header-case');
    if (fields.has(name)) return malformed(`${name.slice(0, 8)} once`);
    fields.set(name, field.slice(equals + 1).trim());
  }
  return ok(fields);
}

function headerOf(
  fields: ReadonlyMap<string, string>,
  region: Region,
  deviations: Set<Hj212Deviation>,
): Result<Header, 'hj212-malformed'> {
  const cn = fields.get('CN') ?? '';
  if (!/^\d{4}$/.test(cn)) return malformed('CN of four digits');
  const mn = fields.get('MN') ?? '';
  if (mn === '') return malformed('MN');
  const flag = integerOf(fields.get('Flag'));
  if (Number.isNaN(flag) || (flag ?? 0) > 0xff) return malformed('Flag of 0 to 255');
  const st = fields.get('ST') ?? '';
  if (!/^[0-9A-Z]{2}$/.test(st)) deviations.add('st-form');
  return ok({
    qn: fields.get('QN') ?? null,
    ...{ st, cn, mn, flag },
    pw: fields.get('PW') ?? '',
    split: splitOf(fields, flag, deviations),
    isResent: fields.get('RF') === '1' || region.fields.get('RF') === '1',
  });
}

function splitOf(
  fields: ReadonlyMap<string, string>,
  flag: number | null,
  deviations: Set<Hj212Deviation>,
): Header['split'] {
  const pnum = integerOf(fields.get('PNUM'));
  const pno = integerOf(fields.get('PNO'));
  const isSplit = ((flag ?? 0) & SPLIT) !== 0;
  if (pnum === null && pno === null) {
    if (isSplit) deviations.add('split-fields');
    return null;
  }
  const isCounted = pnum !== null && pno !== null && pno >= 1 && pno <= pnum && pnum <= SPLIT_MAX;
  if (!isSplit || !isCounted) deviations.add('split-fields');
  return isCounted && pnum > 1 ? { pnum, pno } : null;
}

/** Null: no text; NaN: no integer. */
function integerOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  return /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
}

const malformed = (expected: string): Result<never, 'hj212-malformed'> =>
  fail('hj212-malformed', `expected ${expected}`);
