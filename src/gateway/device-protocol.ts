import { z } from 'zod';
import { needsOf, type PointConfig } from './point-config.ts';
import {
  Address,
  ByteOrder,
  isBitTable,
  ordersOf,
  PointType,
  placeOf,
  type RegisterSpan,
  RegisterTable,
  rawLimitsOf,
  spansMeet,
  TYPE_WORDS,
} from './point-types.ts';

const WordTable = RegisterTable.extract(['input', 'holding']);

/** Registers `from` to `to`, both included. */
const RegisterRange = z
  .strictObject({ table: RegisterTable.default('holding'), from: Address, to: Address })
  .refine(({ from, to }) => from <= to, 'expected from ≤ to');
export type RegisterRange = z.infer<typeof RegisterRange>;

export const spanOfRange = ({ table, from, to }: RegisterRange): RegisterSpan => ({
  table,
  address: from,
  words: to - from + 1,
});

/** What must stand in registers of the right device: a text, or a number. */
const Identify = z
  .strictObject({
    table: WordTable.default('holding'),
    address: Address,
    type: z.union([PointType.exclude(['bit']), z.literal('string')]).default('uint16'),
    order: ByteOrder.optional(),
    /** Registers of a text. */
    words: z.int().min(1).max(64).optional(),
    textBytes: z.enum(['hi-lo', 'lo-hi', 'hi', 'lo']).default('hi-lo'),
    equals: z.union([z.string().min(1), z.number()]),
  })
  .superRefine((identify, ctx) => {
    const refuse = (path: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [path], message });
    const { type, words, equals, order } = identify;
    const isText = type === 'string';
    if (isText !== (typeof equals === 'string')) refuse('equals', `expected what a ${type} holds`);
    if (isText !== (words !== undefined))
      refuse('words', 'expected for type string, and only there');
    if (identify.address + spanOfIdentify(identify).words > 65_536) {
      refuse('address', 'ends beyond 65535');
    }
    if (type === 'string') {
      const lengthMax = (words ?? 0) * (identify.textBytes.length === 2 ? 1 : 2);
      if (String(equals).length > lengthMax)
        refuse('equals', `longer than ${lengthMax} characters`);
      return;
    }
    if (order !== undefined && !ordersOf(type).includes(order)) {
      refuse('order', `expected ${ordersOf(type).join(', ')} for ${type}`);
    }
    const limits = rawLimitsOf(type);
    const holds =
      limits === null ||
      (Number.isInteger(equals) && BigInt(equals) >= limits[0] && BigInt(equals) <= limits[1]);
    if (typeof equals === 'number' && !holds) refuse('equals', `${type} never holds it`);
  });
export type Identify = z.infer<typeof Identify>;

export const spanOfIdentify = ({
  table,
  address,
  type,
  words,
}: Pick<Identify, 'table' | 'address' | 'type' | 'words'>): RegisterSpan => ({
  table,
  address,
  words: type === 'string' ? (words ?? 0) : TYPE_WORDS[type],
});

/** A register that always holds the same: read along, it proves that a reply is of this request. */
const Canary = z.strictObject({
  table: WordTable.default('holding'),
  address: Address,
  equals: z.int().min(0).max(65_535),
});
export type Canary = z.infer<typeof Canary>;

/** How one model of instrument wants to be asked. */
export const DeviceProtocol = z.strictObject({
  /** Transports it is known to work with; left out: any. */
  modes: z
    .array(z.enum(['rtu', 'rtu-over-tcp', 'mbap']))
    .min(1)
    .optional(),
  maxWordsPerRead: z.int().min(1).max(125).default(125),
  maxBitsPerRead: z.int().min(1).max(2_000).default(2_000),
  /** Registers between points that are read along to save a request; `auto`: by what they cost. */
  maxGapWords: z.union([z.literal('auto'), z.int().min(0).max(124)]).default('auto'),
  /** Refused or dangerous to read: never asked for. */
  unreadable: z.array(RegisterRange).max(100).default([]),
  /** Reading changes them: read for a point only, whole and in one request, never as a gap. */
  readToClear: z.array(RegisterRange).max(100).default([]),
  /** Read in one request: a value torn in two is wrong. */
  atomic: z.array(RegisterRange).max(100).default([]),
  /** How long it thinks before it answers; left out: what is usual for the transport. */
  turnaroundMs: z.number().min(0).max(10_000).optional(),
  /** How long it must be left alone after an answer. */
  interRequestMs: z.number().min(0).max(10_000).default(0),
  afterConnectMs: z.number().min(0).max(60_000).default(0),
  /** Requests at a time, on a TCP bus of its own. */
  maxInFlight: z.int().min(1).max(16).default(1),
  /** Modbus TCP: other unit ids that it answers with, whatever it was asked as. */
  unitAliases: z
    .array(z.union([z.literal(0), z.literal(255)]))
    .max(2)
    .default([]),
  /** A two-wire adapter gives back what it sends. */
  echo: z.boolean().default(false),
  /** Read at the start of a connection: another device at this address gives no readings. */
  identify: z.array(Identify).max(8).default([]),
  canary: z.array(Canary).max(16).default([]),
});
export type DeviceProtocol = z.infer<typeof DeviceProtocol>;

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Everything that makes points impossible to read under a protocol, by paths of the device. */
export function protocolFaults(points: readonly PointConfig[], protocol: DeviceProtocol): Fault[] {
  const { unreadable, readToClear, atomic, identify, canary } = protocol;
  const wordsMaxOf = ({ table }: RegisterSpan): number =>
    isBitTable(table) ? protocol.maxBitsPerRead : protocol.maxWordsPerRead;
  const wanted = [
    ...points.flatMap((point, i) =>
      needsOf(point).map((span) => ({ span, path: ['points', i] as const })),
    ),
    ...identify.map((entry, i) => ({
      span: spanOfIdentify(entry),
      path: ['protocol', 'identify', i] as const,
    })),
    ...canary.map((entry, i) => ({
      span: { ...entry, words: 1 },
      path: ['protocol', 'canary', i] as const,
    })),
  ];
  const whole = [...atomic.entries(), ...readToClear.entries()].map(([i, range], n) => ({
    span: spanOfRange(range),
    path: ['protocol', n < atomic.length ? 'atomic' : 'readToClear', i] as const,
  }));
  return [...wanted, ...whole].flatMap(({ span, path }): Fault[] => {
    const blocked = unreadable.map(spanOfRange).find((range) => spansMeet(range, span));
    const max = wordsMaxOf(span);
    return [
      ...(blocked === undefined
        ? []
        : [{ path, message: `${placeOf(span)} lies in the unreadable ${placeOf(blocked)}` }]),
      ...(span.words > max
        ? [{ path, message: `${placeOf(span)} needs more than ${max} in a read` }]
        : []),
    ];
  });
}
