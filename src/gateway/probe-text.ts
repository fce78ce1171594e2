import { type FlagSource, flagsOf } from './flag-source.ts';
import { isBitTable, ordersOf, type PointType, placeOf, TYPE_WORDS } from './point-types.ts';
import type { PointProbe, Probed, ProbeReport } from './probe.ts';
import { rawOf, textOf } from './raw-value.ts';

const hex = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(4, '0')).join(' ');

const wordsOf = ({ span, words, fault }: Probed): string =>
  words === null ? fault : isBitTable(span.table) ? words.join(' ') : hex(words);

const ADDRESS_ADVICE =
  '    addresses here count from 0: a manual that counts from 1, or from 40001, is one off';

/** A probe as the installer reads it. */
export const probeLines = ({ identity, points, extra }: ProbeReport): string[] => [
  ...identity.map(({ identify, probed, isRight }) => {
    const found =
      probed.words === null ? probed.fault : `${hex(probed.words)} ${asText(probed.words)}`;
    const verdict = isRight ? 'right' : `WRONG: expected ${JSON.stringify(identify.equals)}`;
    return `identity ${placeOf(probed.span)}: ${found}: ${verdict}`;
  }),
  ...points.flatMap(pointLines),
  ...extra.flatMap(extraLines),
  ...adviceOnSilence({ identity, points, extra }),
];

/** Nothing at all came: what to look at first. */
function adviceOnSilence({ identity, points, extra }: ProbeReport): string[] {
  const all = [...identity.map(({ probed }) => probed), ...points.map(({ own }) => own), ...extra];
  if (all.some(({ isAnswered }) => isAnswered)) return [];
  return [
    'It answered nothing. Look at: the unit id; A and B exchanged; baud rate and parity; power; timeoutMs.',
  ];
}

const asText = (words: readonly number[]): string =>
  JSON.stringify(textOf(words, 'hi-lo').replace(/[^\x20-\x7e]/g, '·'));

function pointLines({ point, own, decodings, statuses, reading }: PointProbe): string[] {
  const unit = point.unit ?? '';
  const by = point.scale === 1 ? '' : ` × ${point.scale}`;
  const scale = point.offset === 0 ? by : `${by} + ${point.offset}`;
  const range = `expected ${point.range.join(' to ')} ${unit}`.trimEnd();
  const made =
    reading.value === null
      ? `no value, flag ${reading.flag}`
      : `${`${reading.value} ${unit}`.trimEnd()}, flag ${reading.flag}`;
  return [
    `${point.metric}: ${placeOf(own.span)} ${point.type}${scale}, words ${wordsOf(own)}, ${range}`,
    ...decodings.map(({ order, value, fits, isSet }) => {
      const mark = `${isSet ? 'set' : ''}${fits ? ' in range' : ''}`.trim();
      return `    ${order.padEnd(4)} ${String(value ?? 'no value').padEnd(24)} ${mark}`.trimEnd();
    }),
    ...statuses.map((probed, i) => statusLine(point.flagFrom[i]!, probed)),
    `    gives ${made}`,
    ...adviceOn(decodings),
    ...(own.fault.startsWith('exception 2') ? [ADDRESS_ADVICE] : []),
  ];
}

function statusLine(source: FlagSource, probed: Probed): string {
  const { words } = probed;
  if (words === null) return `    status ${placeOf(probed.span)}: ${probed.fault}`;
  const raw = isBitTable(source.table)
    ? words[0]!
    : Number(rawOf(source.type, source.order ?? ordersOf(source.type)[0], words));
  const flags = flagsOf(source, raw);
  const said = flags.length === 0 ? 'nothing special' : flags.join(' ');
  return `    status ${placeOf(probed.span)}: ${wordsOf(probed)} ${said}`;
}

/** The commonest mistake of the field: the right registers in the wrong order. */
function adviceOn(decodings: PointProbe['decodings']): string[] {
  const set = decodings.find(({ isSet }) => isSet);
  const fitting = decodings.filter(({ fits }) => fits).map(({ order }) => order);
  if (set === undefined || set.fits) return [];
  if (fitting.length === 0) return ['    no order lies in the range: see address, type and scale'];
  const advice = `in range in the order ${fitting.join(' or ')}, not ${set.order}`;
  return [`    ${advice}: see the instrument's display`];
}

const GUESSES: readonly PointType[] = ['int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'];

/** Registers of which nothing is known: every type that fits, in every order. */
function extraLines(probed: Probed): string[] {
  const { span, words } = probed;
  const head = `${placeOf(span)}: ${wordsOf(probed)}`;
  if (words === null || isBitTable(span.table)) return [head];
  const guesses = GUESSES.filter((type) => TYPE_WORDS[type] === words.length);
  return [
    `${head} ${asText(words)}`,
    ...guesses.map((type) => {
      const values = ordersOf(type).map((order) => `${order} ${rawOf(type, order, words)}`);
      return `    ${type}: ${values.join('  ')}`;
    }),
  ];
}
