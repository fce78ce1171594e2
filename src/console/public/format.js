import { currentLanguage, text } from './text.js';

const NONE = '–';
const UNITS = { 'mg/m3': 'mg/m³', 'ug/m3': 'µg/m³', 'ng/m3': 'ng/m³', degC: '°C' };
const MINUS = '−';

export const unitText = (unit) => UNITS[unit] ?? unit ?? '';

/** Three significant digits for concentrations, one decimal for levels and temperatures. */
export function valueText(value, unit) {
  if (value === null || value === undefined) return NONE;
  const plain =
    unit === 'dB(A)' || unit === 'degC' || Math.abs(value) >= 100
      ? value.toFixed(1)
      : String(Number(value.toPrecision(3)));
  return plain.replace('-', MINUS);
}

export function valueWithUnit(value, unit) {
  return value === null || value === undefined
    ? NONE
    : `${valueText(value, unit)} ${unitText(unit)}`;
}

/** A limit as the law prints it: no digits added. */
export const limitText = (limit) =>
  limit === null ? NONE : `${limit.value} ${unitText(limit.unit)}`;

export const countText = (count) =>
  count === null || count === undefined
    ? NONE
    : new Intl.NumberFormat(currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB').format(count);

/** Rounded down: 74.9 % of coverage must not read as the 75 % that it needs. */
export const percentText = (share) =>
  share === null || share === undefined ? NONE : `${Math.floor(share * 100 + 1e-9)} %`;

/**
 * What the number is against its limit: Δ dB, Δ °C, or % of the limit. Close to the limit it gets more
 * digits: what is just over must not read as 100 %.
 */
export function shareText({ ratio, difference }, unit) {
  if (difference !== null && difference !== undefined) {
    const sign = difference > 0 ? '+' : difference < 0 ? MINUS : '±';
    const deltaUnit = unit === 'dB(A)' ? 'dB' : unitText(unit);
    return `${sign}${Math.abs(difference).toFixed(Math.abs(difference) < 0.1 ? 2 : 1)} ${deltaUnit}`;
  }
  if (ratio === null || ratio === undefined) return NONE;
  const distance = Math.abs(ratio - 1);
  return `${(ratio * 100).toFixed(distance < 0.001 ? 3 : distance < 0.05 ? 1 : 0)} %`;
}

const formats = new Map();

function partsOf(timeMs, timeZone) {
  if (!formats.has(timeZone)) {
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const entries = formats.get(timeZone).formatToParts(timeMs);
  return Object.fromEntries(entries.map(({ type, value }) => [type, value]));
}

export function clockText(timeMs, timeZone) {
  if (timeMs === null || timeMs === undefined) return NONE;
  const { hour, minute } = partsOf(timeMs, timeZone);
  return `${hour}:${minute}`;
}

/** `11-24 15:20`: the year is known, the day is not. */
export function momentText(timeMs, timeZone) {
  if (timeMs === null || timeMs === undefined) return NONE;
  const { month, day, hour, minute } = partsOf(timeMs, timeZone);
  return `${month}-${day} ${hour}:${minute}`;
}

export function momentWithYearText(timeMs, timeZone) {
  if (timeMs === null || timeMs === undefined) return NONE;
  return `${partsOf(timeMs, timeZone).year}-${momentText(timeMs, timeZone)}`;
}

/** `11-24 09:12–11:40`, with the second day only when it is another. */
export function periodText(fromMs, toMs, timeZone) {
  if (fromMs === null || fromMs === undefined) return NONE;
  const from = momentText(fromMs, timeZone);
  if (toMs === null || toMs === undefined) return `${from}–`;
  const to = momentText(toMs, timeZone);
  return from.slice(0, 5) === to.slice(0, 5) ? `${from}–${to.slice(6)}` : `${from} – ${to}`;
}

/** `北京时间 UTC+8 (Asia/Shanghai)`. */
export function zoneText(zones) {
  if (zones.length > 1) return text('zoneMixed');
  const zone = zones[0];
  const offset = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' })
    .formatToParts()
    .find((part) => part.type === 'timeZoneName').value;
  const name =
    zone === 'Asia/Shanghai' && currentLanguage() === 'zh'
      ? `北京时间 ${offset.replace('GMT', 'UTC')}`
      : `${zone} ${offset.replace('GMT', 'UTC')}`;
  return text('zone', { zone: name });
}
