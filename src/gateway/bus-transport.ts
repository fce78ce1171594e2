import { z } from 'zod';

const Ms = z.int().min(1);

const anyBus = {
  id: z.string().min(1),
  /** Back-off of connecting: full jitter between 0 and a bound that doubles from min to max. */
  reconnectMsMin: Ms.default(500),
  reconnectMsMax: Ms.default(60_000),
};

const address = {
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(502),
  connectTimeoutMs: Ms.default(3_000),
};

/** The line itself; behind a TCP converter it is what the converter is set to. */
const line = {
  baudRate: z.int().min(300).max(1_000_000).default(9_600),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
};

/** Settings of a bus by its transport, without its devices. */
export const BUS_SHAPES = {
  /** Modbus TCP (MBAP), also of a converter that speaks it. */
  tcp: { ...anyBus, ...address, transport: z.literal('tcp') },
  /** RTU frames in a TCP stream: a transparent converter. */
  'rtu-over-tcp': {
    ...anyBus,
    ...address,
    ...line,
    transport: z.literal('rtu-over-tcp'),
    /** A connection ended after a fault is opened again at once, but not more often than this. */
    reopenMsMin: z.int().min(0).default(100),
  },
  /** RTU on a serial port of the machine. */
  rtu: { ...anyBus, ...line, transport: z.literal('rtu'), path: z.string().min(1) },
} as const;

export type LineSettings = {
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
};

type BusAddress =
  | { readonly transport: 'rtu'; readonly path: string }
  | { readonly transport: 'tcp' | 'rtu-over-tcp'; readonly host: string; readonly port: number };

/** One medium, one address: two buses with the same would take each other's replies. */
export const mediumOf = (bus: BusAddress): string =>
  bus.transport === 'rtu' ? `serial port ${bus.path}` : `tcp ${bus.host}:${bus.port}`;
