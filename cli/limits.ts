import { StartError } from './busy-port.ts';
import { type PrintedRow, type PrintedTable, TABLE_IDS, tableOf } from './limit-rows.ts';

export interface LimitsOptions {
  readonly json: boolean;
  readonly lang: 'zh' | 'en';
  readonly set: string;
}

/** `wugan limits [query]`: the rows whose id, names or CAS number hold the query, with their sources. */
export function printLimits(query: string | undefined, options: LimitsOptions): void {
  console.log(limitsText(query ?? '', options));
}

/** What the command prints. Throws `StartError` when no table has the id. */
export function limitsText(query: string, { json, lang, set }: LimitsOptions): string {
  const table = tableOf(set);
  if (table === undefined) {
    const known = TABLE_IDS.join(', ');
    throw new StartError(
      `Cannot print the table ${JSON.stringify(set)}: known are ${known}, and ` +
        `${TABLE_IDS[0]}@YYYY-MM-DD for the edition of a day`,
    );
  }
  const rows = table.rows
    .filter((row) => rank(row, query) < NO_MATCH)
    .sort((a, b) => rank(a, query) - rank(b, query) || endedLast(a) - endedLast(b));
  if (json) return JSON.stringify(rows, null, 2);
  const words = WORDS[lang];
  if (rows.length === 0) return nothingFound(query, table, lang);
  return [
    lang === 'en' ? table.nameEn : table.nameZh,
    ...rows.map((row) => rowText(row, lang)),
    words.count(rows.length, table.rows.length),
  ].join('\n\n');
}

const endedLast = ({ validTo }: PrintedRow): number => (validTo ? 1 : 0);

/** Case, spaces and hyphens don't matter; nor does how a bracket is written. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\-_,()]/g, '');

const namesOf = ({ id, nameZh, nameEn, cas }: PrintedRow): readonly string[] => [
  id,
  nameZh,
  nameEn,
  ...cas,
];

/** What people type for the gases that most detectors are made for. */
const FORMULAS: Readonly<Record<string, string>> = {
  co: 'carbon-monoxide',
  co2: 'carbon-dioxide',
  h2s: 'hydrogen-sulfide',
  nh3: 'ammonia',
  cl2: 'chlorine',
  so2: 'sulfur-dioxide',
  no2: 'nitrogen-dioxide',
  nox: 'nitrogen-oxides',
  hcl: 'hydrogen-chloride',
  hcn: 'hydrogen-cyanide',
  hf: 'hydrogen-fluoride',
  hcho: 'formaldehyde',
  o3: 'ozone',
  ph3: 'phosphine',
  c6h6: 'benzene',
};

const NO_MATCH = 3;

/** 0: the row's own name or formula; 1: a name begins with the query; 2: one holds it. */
function rank(row: PrintedRow, query: string): number {
  const wanted = plain(query);
  const formula = FORMULAS[wanted];
  if (formula !== undefined && (row.id === formula || row.id.startsWith(`${formula}-`))) return 0;
  const names = namesOf(row).map(plain);
  if (names.includes(wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  return names.some((name) => name.includes(wanted)) ? 2 : NO_MATCH;
}

const WORDS = {
  zh: {
    confirmed: '已核对',
    unconfirmed: '未核对：最多判为疑似',
    unread: '未核对',
    undated: '施行日期未核对：最多判为疑似',
    partly: (kinds: string) => `${kinds} 未核对：最多判为疑似`,
    force: { MANDATORY: '强制', RECOMMENDED: '推荐' } as Record<string, string>,
    valid: (from: string, to: string | null) =>
      to === null ? `${from} 起` : `${from} 至 ${to} 前`,
    byEmployer: '由用人单位设定',
    altitude: '海拔',
    intensity: '劳动强度',
    rate: '接触时间率',
    impulses: '每日脉冲次数',
    condition: '条件',
    expressedAs: (basis: string) => `按 ${basis} 计`,
    notation: '标识',
    source: '来源',
    note: '注',
    count: (n: number, all: number) => `${all} 行中的 ${n} 行`,
    nothing: (query: string, name: string) =>
      `${name} 中没有与 ${JSON.stringify(query)} 相符的行。表中没有的因素不可评价，不等于合格。`,
    nearest: '是否要找：',
  },
  en: {
    confirmed: 'confirmed',
    unconfirmed: 'not confirmed: at most suspected',
    unread: 'not confirmed',
    undated: 'first day not confirmed: at most suspected',
    partly: (kinds: string) => `${kinds} not confirmed: at most suspected`,
    force: { MANDATORY: 'mandatory', RECOMMENDED: 'recommended' } as Record<string, string>,
    valid: (from: string, to: string | null) =>
      to === null ? `from ${from}` : `from ${from} until before ${to}`,
    byEmployer: 'set by the employer',
    altitude: 'altitude',
    intensity: 'labour intensity',
    rate: 'contact-time rate',
    impulses: 'impulses a day',
    condition: 'condition',
    expressedAs: (basis: string) => `as ${basis}`,
    notation: 'notation',
    source: 'source',
    note: 'note',
    count: (n: number, all: number) => `${n} of ${all} rows`,
    nothing: (query: string, name: string) =>
      `No row of ${name} matches ${JSON.stringify(query)}. What is not in the table is not evaluable; ` +
      'that is no pass.',
    nearest: 'Did you mean:',
  },
} as const;

type Lang = keyof typeof WORDS;

function rowText(row: PrintedRow, lang: Lang): string {
  const words = WORDS[lang];
  const name = lang === 'en' ? row.nameEn : row.nameZh;
  const limits = row.limits.map(({ kind, value, unit }) =>
    value === null
      ? `${kindText(kind)} ${words.byEmployer}`
      : `${kindText(kind)} ${value} ${unit.replace('m3', 'm³').replace('degC', '°C')}`,
  );
  const cas = row.cas.length === 0 ? '' : `  CAS ${row.cas.join(', ')}`;
  return [
    `${name}  (${row.id})${cas}`,
    `  ${[limits.join(' · '), ...conditions(row, lang)].join('  ')}`,
    `  ${lawText(row, lang)}`,
    `  ${words.source}: ${row.source}`,
    ...[row.validFromNote, row.note].flatMap((note) =>
      note === undefined ? [] : [`  ${words.note}: ${note}`],
    ),
  ].join('\n');
}

const kindText = (kind: string): string => kind.replaceAll('_', '-').replace('LEX-8H', 'LEX,8h');

function conditions(row: PrintedRow, lang: Lang): readonly string[] {
  const words = WORDS[lang];
  const found: (string | undefined)[] = [
    row.expressedAs ? words.expressedAs(row.expressedAs) : undefined,
    row.altitudeM ? `${words.altitude} ${bandText(row.altitudeM)}` : undefined,
    row.labourIntensity && `${words.intensity} ${row.labourIntensity}`,
    row.contactTimeRatePercent === undefined
      ? undefined
      : `${words.rate} ${row.contactTimeRatePercent} %`,
    row.impulsesPerDay && `${words.impulses} ${row.impulsesPerDay.join('–')}`,
    row.condition && `${words.condition} ${row.condition}`,
    row.notation ? `${words.notation} ${row.notation}` : undefined,
  ];
  return found.filter((text) => text !== undefined);
}

function bandText(band: {
  from?: number | null;
  above?: number;
  below?: number;
  upToInclusive?: number;
}): string {
  const parts = [
    typeof band.from === 'number' ? `≥ ${band.from} m` : undefined,
    band.above === undefined ? undefined : `> ${band.above} m`,
    band.below === undefined ? undefined : `< ${band.below} m`,
    band.upToInclusive === undefined ? undefined : `≤ ${band.upToInclusive} m`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function lawText(row: PrintedRow, lang: Lang): string {
  const words = WORDS[lang];
  const unconfirmed = row.unconfirmedKinds ?? [];
  return [
    [row.edition, row.clause].filter((part) => part !== undefined).join(' '),
    ...(row.force === undefined ? [] : [words.force[row.force] ?? row.force]),
    ...(row.validFrom === undefined ? [] : [words.valid(row.validFrom, row.validTo ?? null)]),
    !row.confirmed
      ? // Only the law's own rows judge; of another table nothing is suspected.
        row.force === undefined
        ? words.unread
        : words.unconfirmed
      : row.validFromNote !== undefined
        ? words.undated
        : unconfirmed.length === 0
          ? words.confirmed
          : words.partly(unconfirmed.map(kindText).join(', ')),
  ].join(' · ');
}

/** Names offered when nothing matches. */
const OFFERED_MAX = 5;

function nothingFound(query: string, table: PrintedTable, lang: Lang): string {
  const words = WORDS[lang];
  const name = lang === 'en' ? table.nameEn : table.nameZh;
  const near = table.rows
    .map((row) => ({ row, likeness: Math.max(...namesOf(row).map((n) => likeness(n, query))) }))
    .filter((candidate) => candidate.likeness > 0.3)
    .sort((a, b) => b.likeness - a.likeness)
    .map(({ row }) => `  ${lang === 'en' ? row.nameEn : row.nameZh}  (${row.id})`);
  const offer =
    near.length === 0 ? [] : [words.nearest, ...[...new Set(near)].slice(0, OFFERED_MAX)];
  return [words.nothing(query, name), ...offer].join('\n');
}

/** Share of pairs of neighbouring characters that two names have in common (Dice). */
function likeness(a: string, b: string): number {
  const pairs = (text: string): string[] =>
    Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2));
  const ofA = pairs(plain(a));
  const ofB = new Set(pairs(plain(b)));
  return ofA.length + ofB.size === 0
    ? 0
    : (2 * ofA.filter((pair) => ofB.has(pair)).length) / (ofA.length + ofB.size);
}
