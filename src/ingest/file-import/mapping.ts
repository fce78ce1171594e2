import { z } from 'zod';
import { Flag } from '../../model/flags.ts';
import { DeviceId, GatewayId, MetricName, RegionCode } from '../../model/ids.ts';

const Column = z.string().min(1);

/** A value that stands in a column, or is the same in every row. */
const of = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([z.strictObject({ column: Column }), z.strictObject({ value: schema })]);

/** What a file's own flags mean; a flag that is not listed is a fault of its row. */
const FlagMapping = z.strictObject({ column: Column, map: z.record(z.string(), Flag).optional() });

const Quantity = {
  metric: MetricName,
  /** value × scale + offset is in the unit of the device's profile. */
  scale: z.number().default(1),
  offset: z.number().default(0),
};

const Time = z.strictObject({
  column: Column,
  /** `local`: YYYY-MM-DD HH:MM:SS on the clocks of `zone`. */
  format: z.enum(['iso', 'epoch-s', 'epoch-ms', 'local']),
  /** IANA name, for `local`. */
  zone: z.string().default('Asia/Shanghai'),
  /** Whether the time is the start or the end of the span that the value averages over. */
  marks: z.enum(['start', 'end']),
});

/**
 * How the rows of a file become readings of registered devices. One layout: either each metric has a
 * column (`wide`), or one column names the metric (`long`).
 */
export const ImportMapping = z
  .strictObject({
    v: z.literal(1),
    gateway: GatewayId,
    region: RegionCode,
    time: Time,
    /** Span of each value; whole seconds up to an hour. */
    spanMs: z.int().min(1_000).max(3_600_000).multipleOf(1_000),
    device: of(DeviceId),
    wide: z
      .array(z.strictObject({ column: Column, flag: FlagMapping.optional(), ...Quantity }))
      .min(1)
      .optional(),
    long: z
      .strictObject({
        metric: z.strictObject({
          column: Column,
          map: z.record(z.string(), z.strictObject(Quantity)),
        }),
        value: z.strictObject({ column: Column }),
        flag: FlagMapping.optional(),
      })
      .optional(),
    /** Texts that stand for "no value"; the reading is kept as null with the flag of `emptyFlag`. */
    empty: z.array(z.string()).default(['', 'NA', 'NaN', 'null', '-']),
    emptyFlag: Flag.exclude(['N']).default('B'),
  })
  .refine(({ wide, long }) => (wide === undefined) !== (long === undefined), {
    message: 'expected either wide or long',
  });
export type ImportMapping = z.infer<typeof ImportMapping>;
