import { z } from 'zod';
import { CommandOrder } from '../model/command-order.ts';

/** What a process without the role ingest asks of the one that has it. */
export const HubRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('command'), gateway: z.string(), order: CommandOrder }),
  z.strictObject({ kind: z.literal('replay-letter'), id: z.int() }),
]);
export type HubRequest = z.infer<typeof HubRequest>;

/** A `Result`, as JSON. */
export const HubAnswer = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), reason: z.string(), detail: z.string() }),
]);
export type HubAnswer = z.infer<typeof HubAnswer>;

/** Heard by the process with the role ingest: the shard that a request is for. */
export const REQUEST_CHANNEL = 'wugan_request';

/** Nobody waits longer for an answer: what was not taken up by then is not done any more. */
export const REQUEST_MS_MAX = 15_000;
