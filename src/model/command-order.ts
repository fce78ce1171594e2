import { z } from 'zod';
import { Ulid } from './ids.ts';

const Seq = z.int().min(1);

/** What a gateway can be told to do; `resend` a range of an epoch. */
export const CommandOrder = z.discriminatedUnion('command', [
  z
    .strictObject({ command: z.literal('resend'), epoch: Ulid, from: Seq, to: Seq })
    .refine(({ from, to }) => from <= to, { path: ['to'], error: 'expected `from` or more' }),
  z.strictObject({ command: z.literal('time') }),
  z.strictObject({ command: z.literal('reload') }),
  z.strictObject({ command: z.literal('self-test') }),
]);
export type CommandOrder = z.infer<typeof CommandOrder>;
