import { FLAGS, type Flag } from '../../model/flags.ts';
import type { DataKind } from './data-time.ts';
import type { Item } from './parse-region.ts';

/** A value with its flag; null has a flag other than N. */
export interface FlaggedValue {
  readonly value: number | null;
  readonly flag: Flag;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?$/;

/** Kinds that hold the value, the first that is there; noise has `-Data` for periods (2017, N3.1). */
const VALUE_KINDS: Readonly<Record<DataKind, readonly string[]>> = {
  realtime: ['Rtd'],
  minute: ['Avg', 'Data'],
  hour: ['Avg', 'Data'],
  day: ['Avg', 'Data'],
};

/**
 * The value of an item (HJ 212-2017 6.3.4, Table 8). What is no number, a sentinel, or said twice in
 * different words is null; a missing or unknown flag is U, never N. `Zs…` values are converted to
 * standard oxygen content: they are not what was measured and are never taken.
 */
export function readValue(
  { kinds, ambiguous }: Item,
  kind: DataKind,
  { sentinels, bareFlag }: { sentinels: readonly number[]; bareFlag: string | undefined },
): FlaggedValue {
  const told = ambiguous.has('Flag') ? undefined : (kinds.get('Flag') ?? bareFlag);
  const flag: Flag = told !== undefined && Object.hasOwn(FLAGS, told) ? (told as Flag) : 'U';
  const name = VALUE_KINDS[kind].find((candidate) => kinds.has(candidate));
  const text = name === undefined || ambiguous.has(name) ? '' : (kinds.get(name) as string);
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value) && !sentinels.includes(value)) return { value, flag };
  return { value: null, flag: flag === 'N' ? 'U' : flag };
}
