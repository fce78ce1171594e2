import { z } from 'zod';
import { MetricName } from '../model/ids.ts';
import { FlagSource, ReasonFlag, spanOfSource } from './flag-source.ts';
import {
  Address,
  ByteOrder,
  bitWidthOf,
  isBitTable,
  isFloat,
  ordersOf,
  PointType,
  type RegisterSpan,
  RegisterTable,
  rawLimitsOf,
  spansMeet,
  TYPE_WORDS,
} from './point-types.ts';

/** One quantity of a device, as it stands in registers. */
export const PointConfig = z
  .strictObject({
    metric: MetricName,
    table: RegisterTable.default('holding'),
    address: Address,
    type: PointType,
    order: ByteOrder.optional(),
    /** Type `bit` in a register: which one, 0 (least significant) to 15. */
    bit: z.int().min(0).max(15).optional(),
    /** A field of an unsigned integer: its lowest and highest bit. */
    bits: z.tuple([z.int().min(0).max(31), z.int().min(0).max(31)]).optional(),
    /** value = raw × scale + offset, in decimal arithmetic. */
    scale: z
      .number()
      .refine((scale) => scale !== 0, 'expected a scale other than 0')
      .default(1),
    offset: z.number().default(0),
    /** For the reader: the registry says which unit counts. */
    unit: z.string().max(32).optional(),
    /** Measuring range in the metric's unit; a value outside is kept with a flag. */
    range: z.tuple([z.number(), z.number()]),
    /** Flag of a value above the range; below it is always D. */
    aboveRange: z.enum(['T', 'D']).default('D'),
    /** Raw values that mean something else than a measurement. */
    sentinels: z.record(z.string(), ReasonFlag).default({}),
    /** One or more status registers that qualify the point. */
    flagFrom: z
      .preprocess(
        (sources) => (sources === undefined || Array.isArray(sources) ? sources : [sources]),
        z.array(FlagSource).max(8).default([]),
      )
      .prefault([]),
    /**
     * How readings within one period become its value; left out: `energy` for a unit that starts with
     * dB, else `arithmetic`.
     */
    averaging: z.enum(['last', 'arithmetic', 'energy', 'max']).optional(),
    /** No rule needs it: when the spool is full it goes first. */
    feedsRule: z.boolean().default(true),
    /** Limit of detection in the metric's unit; for the registry's profile, not applied here. */
    lod: z.number().min(0).optional(),
    /** Response time to 90 % in seconds; for the registry's profile. */
    t90S: z.number().min(0).optional(),
    /** False: it also answers to other substances (PID, cross-sensitive cell); for the registry. */
    specific: z.boolean().optional(),
  })
  .superRefine((point, ctx) => {
    for (const { path, message } of pointFaults(point)) {
      ctx.addIssue({ code: 'custom', path: [...path], message });
    }
  });
export type PointConfig = z.infer<typeof PointConfig>;

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Fields = Pick<
  PointConfig,
  | 'table'
  | 'address'
  | 'type'
  | 'order'
  | 'bit'
  | 'bits'
  | 'scale'
  | 'offset'
  | 'range'
  | 'sentinels'
  | 'lod'
>;

function pointFaults(point: Fields): Fault[] {
  const { type, table, order, range, lod } = point;
  const faults: Fault[] = [];
  const refuse = (path: string, message: string): void =>
    void faults.push({ path: [path], message });
  const orders = ordersOf(type);
  if (order !== undefined && !orders.includes(order)) {
    refuse('order', `expected ${orders.join(', ')} for ${type}`);
  }
  const words = isBitTable(table) ? 1 : TYPE_WORDS[type];
  if (point.address + words > 65_536) refuse('address', `${type} ends beyond 65535`);
  if (isBitTable(table) && type !== 'bit') refuse('type', `a ${table} holds a bit, nothing else`);
  if ((type === 'bit' && !isBitTable(table)) !== (point.bit !== undefined)) {
    refuse('bit', 'expected a bit for type bit in a register, and only there');
  }
  if (range[0] >= range[1]) refuse('range', 'expected [low, high] with low < high');
  else if (!reaches(point)) refuse('range', `no ${type} with this scale comes into it`);
  if (lod !== undefined && lod >= range[1]) refuse('lod', 'expected it below the range top');
  return [...faults, ...fieldFaults(point), ...sentinelFaults(point)];
}

function fieldFaults({ bits, type }: Fields): Fault[] {
  if (bits === undefined) return [];
  const width = bitWidthOf(type);
  if (width === null) return [{ path: ['bits'], message: `expected uint8, uint16 or uint32` }];
  const fits = bits[0] <= bits[1] && bits[1] < width;
  const message = `expected [lowest, highest] of ${width} bits`;
  return fits ? [] : [{ path: ['bits'], message }];
}

/** A sentinel that its type can't hold would never be seen: the reading it stands for would count. */
function sentinelFaults({ sentinels, type }: Fields): Fault[] {
  const limits = rawLimitsOf(type);
  return Object.keys(sentinels).flatMap((key): Fault[] => {
    const path = ['sentinels', key];
    const raw = key.trim() === '' ? Number.NaN : Number(key);
    if (!Number.isFinite(raw)) return [{ path, message: 'expected a raw number as key' }];
    if (limits === null) return [];
    const isInteger = /^(-?\d+|0x[\da-f]+)$/i.test(key);
    const holds = isInteger && BigInt(key) >= limits[0] && BigInt(key) <= limits[1];
    return holds ? [] : [{ path, message: `${type} never holds it` }];
  });
}

/** Whether any raw value lies in the range. */
function reaches({ type, scale, offset, range, bits }: Fields): boolean {
  const limits = rawLimitsOf(type);
  if (limits === null || isFloat(type)) return true;
  const high = bits === undefined ? Number(limits[1]) : 2 ** (bits[1] - bits[0] + 1) - 1;
  const ends = [Number(limits[0]), high].map((raw) => raw * scale + offset);
  return Math.max(...ends) >= range[0] && Math.min(...ends) <= range[1];
}

/** The registers that hold a point's value. */
export const spanOf = ({ table, address, type }: PointConfig): RegisterSpan => ({
  table,
  address,
  words: isBitTable(table) ? 1 : TYPE_WORDS[type],
});

/** Everything that must be read for a point: its own registers first, then those that qualify it. */
export const needsOf = (point: PointConfig): readonly RegisterSpan[] => [
  spanOf(point),
  ...point.flagFrom.map(spanOfSource),
];

/** Registers that belong to more than one point; they may be shared by fields, bits and equals only. */
export function overlapFaults(points: readonly PointConfig[]): string[] {
  const faults: string[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) {
      if (!spansMeet(spanOf(a), spanOf(b))) continue;
      const same = a.address === b.address && a.type === b.type && a.order === b.order;
      const bytes = [a, b].every(({ type }) => type === 'int8' || type === 'uint8');
      if (same || (bytes && a.address === b.address)) continue;
      faults.push(`${a.metric} and ${b.metric} overlap at ${a.table} ${b.address}`);
    }
  }
  return faults;
}
