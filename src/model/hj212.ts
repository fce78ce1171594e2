import { z } from 'zod';
import { MetricName } from './ids.ts';

/**
 * Where devices in the field leave HJ 212. A gateway's registry entry lists those of its own that are
 * taken; a frame with any other is kept as a dead letter. Each one used stands in the batch's `meta`.
 */
export const HJ212_DEVIATIONS = {
  'crc-lower-case': 'CRC in lower-case hex',
  'crc-unpadded': 'CRC without its leading zeros',
  'crc-modbus': 'CRC-16/MODBUS instead of the CRC of Annex A, in either byte order',
  'crc-before-closing': 'CRC taken without the closing &&',
  length: 'length field that is not the number of bytes of the data segment',
  'no-crlf': 'no CR LF at the end, or LF alone',
  'no-closing': 'CP that is not closed by &&',
  'too-long': 'data segment of more than 1,024 bytes',
  'header-case': 'header field names in other case, e.g. FLAG',
  'item-case': 'names in CP in other case, e.g. LEQ-RTD',
  'no-qn': 'no QN (2017, 2025)',
  'qn-form': 'QN that is not 17 digits of a time',
  'no-flag': 'no Flag in the header (2017, 2025)',
  'flag-version': 'version bits of Flag that are not the edition',
  'st-form': 'ST that is not two characters',
  'split-fields': 'PNUM and PNO without bit D of Flag, or bit D without them',
  'trailing-separator': 'empty items in CP, e.g. ;&&',
  blanks: 'blanks around names or values',
  'stray-text': 'text in CP that is no name=value',
  'bare-flag': 'Flag in CP without a factor code: taken for all items without one of their own',
  'duplicate-field': 'one field twice: different values are null',
  'datatime-17': 'DataTime with milliseconds',
  'period-unaligned': 'period that does not start on a multiple of itself',
  'clock-12h': '12-hour clock: the half of the day is that nearer to the arrival',
} as const;

export type Hj212Deviation = keyof typeof HJ212_DEVIATIONS;
export const Hj212Deviation = z.enum(
  Object.keys(HJ212_DEVIATIONS) as [Hj212Deviation, ...Hj212Deviation[]],
);

/** Minute intervals that the standard allows (HJ 212-2017 6.3.5). */
const MINUTE_INTERVALS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30] as const;

const Address = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'expected an IP address or a network like 10.1.0.0/16',
});

/** What a data logger (数采仪) that speaks HJ 212 must be known by; it stands for a gateway. */
export const Hj212Station = z.strictObject({
  /** 设备唯一标识, as the device sends it. */
  mn: z.string().regex(/^[0-9A-Za-z_-]{1,32}$/, 'expected 1-32 of 0-9 A-Z a-z _ -'),
  edition: z.union([z.literal(2005), z.literal(2017), z.literal(2025)]).default(2017),
  deviations: z.array(Hj212Deviation).default([]),
  /** MinInterval set in the device: what a value of CN 2051 is the mean over. */
  minuteIntervalMin: z.literal(MINUTE_INTERVALS).optional(),
  /** Numbers by which the device says that it has no value, e.g. -9999. */
  sentinels: z.array(z.number()).max(8).default([]),
  /** What sets the device's clock, and how wrong it may be. */
  clock: z
    .strictObject({
      source: z.enum(['gps', 'ntp', 'free']),
      errMs: z.number().min(0).default(0),
    })
    .default({ source: 'free', errMs: 0 }),
  /** Where it connects from; anywhere when none is given. PW is sent in clear and proves nothing. */
  addresses: z.array(Address).max(16).default([]),
});
export type Hj212Station = z.infer<typeof Hj212Station>;

/** Suffixes of the channels of period data: other channels than those of realtime data. */
export const HJ212_MINUTE_SUFFIX = '-minute';
export const HJ212_HOUR_SUFFIX = '-hour';

/** How values of a device are found in the frames of its gateway. */
export const Hj212Device = z.strictObject({
  /** Only frames of this system code (系统编码). */
  st: z
    .string()
    .regex(/^[0-9A-Z]{2,3}$/, 'expected a system code like 39')
    .optional(),
  /**
   * Factor code → metric of realtime data (CN 2011). Minute and hour data of the code go to the
   * metric's name with `-minute`, `-hour`. Which of them are taken, `metrics` says.
   */
  codes: z.record(z.string().regex(/^[0-9A-Za-z]{1,16}$/, 'expected a factor code'), MetricName),
  /** Time that a realtime value is the mean over, as the instrument makes it. */
  realtimeSpanS: z.int().min(1).max(3_600).default(1),
});
export type Hj212Device = z.infer<typeof Hj212Device>;
