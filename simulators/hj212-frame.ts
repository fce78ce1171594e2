import type { Flag } from '../src/model/flags.ts';
import type { Hj212Deviation, Hj212Station } from '../src/model/hj212.ts';
import { MINUTE_MS } from '../src/model/time.ts';
import { crc16, crc16Modbus, crcText } from '../src/telemetry/hj212/crc16.ts';
import { formatTime } from '../src/telemetry/hj212/data-time.ts';
import { sealRegion } from '../src/telemetry/hj212/sm4-region.ts';

/** What a simulated device sends. */
export interface DeviceFrame {
  readonly edition: Hj212Station['edition'];
  readonly mn: string;
  readonly st: string;
  /** 2011, 2051, 2061 or 2031. */
  readonly cn: string;
  /** When it is made (QN), UTC ms. */
  readonly madeMs: number;
  /** DataTime, UTC ms. */
  readonly dataTimeMs: number;
  readonly wantsAnswer: boolean;
  readonly items: readonly DeviceItem[];
  /** SM4 key of 2025. */
  readonly key?: Uint8Array;
}

export interface DeviceItem {
  readonly code: string;
  readonly value: number | null;
  readonly flag: Flag;
}

type Field = [name: string, value: string];
type Deviations = ReadonlySet<Hj212Deviation>;

const VERSIONS = { 2005: 0, 2017: 4, 2025: 8 } as const;
const PASSWORD = '123456';

/** A frame in its envelope, with the deviations that the device is to have. */
export function deviceFrame(frame: DeviceFrame, deviations: Deviations = new Set()): Buffer {
  const header = headerOf(frame, deviations)
    .map(([name, value]) => `${name}=${value};`)
    .join('');
  const region = regionOf(frame, deviations);
  const opening = deviations.has('header-case') ? `${header.toUpperCase()}CP=&&` : `${header}CP=&&`;
  const closing = deviations.has('no-closing') ? '' : '&&';
  const plain = Buffer.from(`${opening}${region}${closing}`, 'latin1');
  const sent = frame.key === undefined ? region : sealRegion(region, frame.key);
  const length = plain.length + (deviations.has('length') ? 6 : 0);
  const end = deviations.has('no-crlf') ? '' : '\r\n';
  return Buffer.from(
    `##${String(length).padStart(4, '0')}${opening}${sent}${closing}${checkOf(plain, deviations)}${end}`,
    'latin1',
  );
}

function checkOf(plain: Buffer, deviations: Deviations): string {
  let text = crcText(crc16(plain));
  if (deviations.has('crc-modbus')) text = crcText(crc16Modbus(plain));
  if (deviations.has('crc-before-closing')) text = crcText(crc16(plain.subarray(0, -2)));
  if (deviations.has('crc-lower-case')) text = text.toLowerCase();
  return deviations.has('crc-unpadded') ? text.replace(/^0+(?=.)/, '') : text;
}

function headerOf(frame: DeviceFrame, deviations: Deviations): Field[] {
  const { edition, mn, cn, madeMs, wantsAnswer } = frame;
  const time = formatTime(madeMs);
  const qn = deviations.has('qn-form') ? time : `${time}${String(madeMs % 1_000).padStart(3, '0')}`;
  const hasQn = edition !== 2005 && !deviations.has('no-qn');
  const hasFlag = edition !== 2005 && !deviations.has('no-flag');
  const version = deviations.has('flag-version') ? 0x40 : VERSIONS[edition];
  const fields: Field[] = [
    ['ST', deviations.has('st-form') ? `${frame.st}1` : frame.st],
    ['CN', cn],
    ['PW', PASSWORD],
    ['MN', mn],
  ];
  if (hasQn) fields.unshift(['QN', qn]);
  if (hasFlag) fields.push(['Flag', String(version + (wantsAnswer ? 1 : 0))]);
  if (deviations.has('split-fields')) fields.push(['PNUM', '1'], ['PNO', '1']);
  return fields;
}

/** Items that no device has: they make a frame long. */
const PADDING = Array.from({ length: 60 }, (_, i) => `z${1_000 + i}-Rtd=0,z${1_000 + i}-Flag=N`);

function regionOf(frame: DeviceFrame, deviations: Deviations): string {
  const kind = frame.cn === '2011' ? 'Rtd' : 'Avg';
  const unaligned = deviations.has('period-unaligned') ? 7_000 : 0;
  const time = formatTime(frame.dataTimeMs + unaligned);
  const shown = deviations.has('clock-12h') ? toHalfDay(time) : time;
  const parts = [`DataTime=${shown}${deviations.has('datatime-17') ? '000' : ''}`];
  for (const { code, value, flag } of frame.items) {
    const fields = [`${code}-${kind}=${value ?? ''}`];
    if (!deviations.has('bare-flag')) fields.push(`${code}-Flag=${flag}`);
    if (deviations.has('duplicate-field')) fields.push(fields[0] as string);
    parts.push(fields.join(','));
  }
  if (deviations.has('bare-flag')) parts.push('Flag=N');
  if (deviations.has('stray-text')) parts.push('OK');
  if (deviations.has('too-long')) parts.push(...PADDING);
  if (deviations.has('trailing-separator')) parts.push('');
  const region = parts.join(deviations.has('blanks') ? '; ' : ';');
  return deviations.has('item-case') ? region.toUpperCase() : region;
}

/** `hh` for `HH`: the afternoon becomes the morning, and midnight 12. */
function toHalfDay(time: string): string {
  const hour = Number(time.slice(8, 10)) % 12 || 12;
  return `${time.slice(0, 8)}${String(hour).padStart(2, '0')}${time.slice(10)}`;
}

/** Start of the latest period of `lengthMs` that has ended. */
export const lastPeriodMs = (nowMs: number, lengthMs = MINUTE_MS): number =>
  Math.floor(nowMs / lengthMs) * lengthMs - lengthMs;
