import type { Hj212Deviation } from '../../model/hj212.ts';

/** What stands in CP (HJ 212-2017 6.3.4), names and values as they came. */
export interface Region {
  /** Fields without a factor code, e.g. DataTime. */
  readonly fields: ReadonlyMap<string, string>;
  /** Factor code → kind (Rtd, Avg, Flag …) → value. */
  readonly items: ReadonlyMap<string, Item>;
}

export interface Item {
  readonly kinds: ReadonlyMap<string, string>;
  /** Kinds that came with different values. */
  readonly ambiguous: ReadonlySet<string>;
}

/** Kinds as the standard writes them (Table 6), to know them in other case. */
const KINDS = [
  ...['Rtd', 'Avg', 'Min', 'Max', 'Cou', 'Data', 'Flag', 'EFlag', 'SampleTime', 'Info', 'RS', 'RT'],
  ...['ZsRtd', 'ZsAvg', 'ZsMin', 'ZsMax', 'SampleRtd'],
];
const KIND_BY_LOWER = new Map(KINDS.map((kind) => [kind.toLowerCase(), kind]));
const FIELDS = ['DataTime', 'BeginTime', 'EndTime', 'Flag', 'RestartTime', 'QnRtn', 'ExeRtn', 'RF'];
const FIELD_BY_LOWER = new Map(FIELDS.map((name) => [name.toLowerCase(), name]));

interface OpenItem {
  readonly kinds: Map<string, string>;
  readonly ambiguous: Set<string>;
}

/** Splits CP at `;` and `,`, each field at its first `=`, names at their last `-`. */
export function parseRegion(text: string, deviations: Set<Hj212Deviation>): Region {
  const fields = new Map<string, string>();
  const items = new Map<string, OpenItem>();
  if (text !== '') {
    for (const part of text.split(/[;,]/)) {
      const field = fieldOf(part, deviations);
      if (field !== undefined) place(field, fields, items, deviations);
    }
  }
  return { fields, items };
}

function fieldOf(part: string, deviations: Set<Hj212Deviation>): [string, string] | undefined {
  if (part === '') {
    deviations.add('trailing-separator');
    return undefined;
  }
  const equals = part.indexOf('=');
  if (equals <= 0) {
    deviations.add('stray-text');
    return undefined;
  }
  const name = part.slice(0, equals);
  const value = part.slice(equals + 1);
  const field: [string, string] = [name.trim(), value.trim()];
  if (field[0] !== name || field[1] !== value) deviations.add('blanks');
  return field;
}

function place(
  [name, value]: readonly [string, string],
  fields: Map<string, string>,
  items: Map<string, OpenItem>,
  deviations: Set<Hj212Deviation>,
): void {
  const dash = name.lastIndexOf('-');
  if (dash <= 0) {
    const known = inCase(name, FIELD_BY_LOWER, deviations);
    if (known === 'Flag') deviations.add('bare-flag');
    if (fields.has(known)) deviations.add('duplicate-field');
    else fields.set(known, value);
    return;
  }
  const code = name.slice(0, dash);
  const kind = inCase(name.slice(dash + 1), KIND_BY_LOWER, deviations);
  let item = items.get(code);
  if (item === undefined) {
    item = { kinds: new Map(), ambiguous: new Set() };
    items.set(code, item);
  }
  const before = item.kinds.get(kind);
  if (before === undefined) item.kinds.set(kind, value);
  else {
    deviations.add('duplicate-field');
    if (before !== value) item.ambiguous.add(kind);
  }
}

function inCase(
  name: string,
  byLower: ReadonlyMap<string, string>,
  deviations: Set<Hj212Deviation>,
): string {
  const known = byLower.get(name.toLowerCase()) ?? name;
  if (known !== name) deviations.add('item-case');
  return known;
}
