import { z } from 'zod';
import { Flag } from '../model/flags.ts';
import {
  Address,
  ByteOrder,
  bitWidthOf,
  isBitTable,
  ordersOf,
  type RegisterSpan,
  RegisterTable,
  TYPE_WORDS,
} from './point-types.ts';

/** A flag that says something is wrong or special: what sentinels and status bits may name. */
const FlagOfReason = Flag.exclude(['N', 'U']);
export type ReasonFlag = z.infer<typeof FlagOfReason>;

/** Words of instrument manuals and the flag of HJ 212-2017 that each comes to. */
const REASONS = {
  WARMUP: 'D',
  SENSOR_FAULT: 'D',
  DEVICE_FAILURE: 'D',
  PUMP_FAIL: 'D',
  LOW_BATTERY: 'D',
  UNDERRANGE: 'D',
  OVERRANGE: 'T',
  CALIBRATING: 'C',
  MAINTENANCE: 'M',
  STOPPED: 'F',
  MANUAL: 'S',
  NO_COMM: 'B',
} as const satisfies Record<string, ReasonFlag>;
type Reason = keyof typeof REASONS;

const isReason = (word: string): word is Reason => Object.hasOwn(REASONS, word);

/** A flag's letter, or the reason that stands for one. */
export const ReasonFlag = z
  .enum([...FlagOfReason.options, ...(Object.keys(REASONS) as Reason[])])
  .transform((word): ReasonFlag => (isReason(word) ? REASONS[word] : word));

const ByBit = z.record(z.string(), ReasonFlag).default({});

/** A status register or bit that qualifies a point: what it says gives the point its flag. */
export const FlagSource = z
  .strictObject({
    table: RegisterTable.default('holding'),
    address: Address,
    /** In a bit table it is the one bit, number 0. */
    type: z.enum(['uint8', 'uint16', 'uint32']).default('uint16'),
    order: ByteOrder.optional(),
    /** Flags of bits that are set, by number from 0, the least significant. */
    bits: ByBit,
    /** Flags of bits that are clear: for bits that say "running" or "valid". */
    bitsClear: ByBit,
    /** Flags of whole values, for a register that holds a state's number. */
    values: z.record(z.string(), ReasonFlag).default({}),
  })
  .superRefine((source, ctx) => {
    const refuse = (path: string[], message: string): void =>
      ctx.addIssue({ code: 'custom', path, message });
    const width = isBitTable(source.table) ? 1 : (bitWidthOf(source.type) ?? 0);
    const said = [source.bits, source.bitsClear, source.values].flatMap(Object.keys);
    if (said.length === 0) refuse(['bits'], 'expected bits, bitsClear or values');
    for (const name of ['bits', 'bitsClear'] as const) {
      for (const bit of Object.keys(source[name])) {
        const isBit = /^\d+$/.test(bit) && Number(bit) < width;
        if (!isBit) refuse([name, bit], `expected a bit, 0 to ${width - 1}`);
      }
    }
    for (const value of Object.keys(source.values)) {
      const isValue = /^\d+$/.test(value) && Number(value) < 2 ** width;
      if (!isValue) refuse(['values', value], `expected a value of ${width} bits`);
    }
    const orders = ordersOf(source.type);
    if (source.order !== undefined && !orders.includes(source.order)) {
      refuse(['order'], `expected ${orders.join(', ')} for ${source.type}`);
    }
    if (source.address + spanOfSource(source).words > 65_536) {
      refuse(['address'], `${source.type} ends beyond 65535`);
    }
  });
export type FlagSource = z.infer<typeof FlagSource>;

export const spanOfSource = ({
  table,
  address,
  type,
}: Pick<FlagSource, 'table' | 'address' | 'type'>): RegisterSpan => ({
  table,
  address,
  words: isBitTable(table) ? 1 : TYPE_WORDS[type],
});

/** Where several are said, the worst counts. */
const WORST_FIRST: readonly ReasonFlag[] = ['D', 'B', 'C', 'M', 'F', 'T', 'S'];

export const worstFlag = (flags: ReadonlySet<ReasonFlag>): ReasonFlag | null =>
  WORST_FIRST.find((flag) => flags.has(flag)) ?? null;

/** What a status says; empty: nothing special. */
export function flagsOf(source: FlagSource, status: number): ReasonFlag[] {
  const isSet = (bit: string): boolean => ((status >>> Number(bit)) & 1) === 1;
  const byValue = source.values[String(status)];
  return [
    ...Object.entries(source.bits).flatMap(([bit, flag]) => (isSet(bit) ? [flag] : [])),
    ...Object.entries(source.bitsClear).flatMap(([bit, flag]) => (isSet(bit) ? [] : [flag])),
    ...(byValue === undefined ? [] : [byValue]),
  ];
}
