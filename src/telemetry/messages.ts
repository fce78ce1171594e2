import { z } from 'zod';
import { GatewayId, Sha256Hex, Ulid } from '../model/ids.ts';

const EpochMs = z.int().min(0);
const Seq = z.int().min(1);
const Signed = { keyId: z.string().length(16), sig: z.string().min(80).max(100) };

/** `gap`: sequence numbers that never come, by the gateway's signed word. */
export const GapMessage = z.looseObject({
  v: z.literal(1),
  gateway: GatewayId,
  epoch: Ulid,
  from: Seq,
  to: Seq,
  reason: z.enum(['spool-full', 'spool-damaged', 'operator']),
  /** Hash of the batch before `from`. */
  prev: Sha256Hex,
  /** Hash of batch `to`: the `prev` of the batch after the gap. */
  hash: Sha256Hex,
  ...Signed,
});
export type GapMessage = z.infer<typeof GapMessage>;

/** `seal`: Ed25519 over the chain head, every 60 s or 100 batches. */
export const SealMessage = z.looseObject({
  v: z.literal(1),
  gateway: GatewayId,
  epoch: Ulid,
  upTo: Seq,
  hash: Sha256Hex,
  ...Signed,
});
export type SealMessage = z.infer<typeof SealMessage>;

/** `status`: retained; the last will is `{"online":false}`. */
export const StatusMessage = z.looseObject({ online: z.boolean() });
export type StatusMessage = z.infer<typeof StatusMessage>;

/** Most stored ranges above `durable` that one ack names; the rest follows when these have closed. */
export const ACK_RANGES_MAX = 64;

/** `ack`: what is durable, by epoch. Retained, signed with the hub's key, which gateways pin. */
export const AckMessage = z.looseObject({
  v: z.literal(1),
  gateway: GatewayId,
  /** Versions of the batch schema that this hub accepts. */
  accepts: z.array(z.int()),
  at: EpochMs,
  epochs: z.array(
    z.strictObject({
      epoch: Ulid,
      /** Every seq from 1 to this one is stored or settled by a gap. */
      durable: z.int().min(0),
      /** Ranges stored above `durable`, inclusive, ascending. */
      stored: z.array(z.tuple([Seq, Seq])).max(ACK_RANGES_MAX),
      /** Highest `upTo` of a stored seal of the epoch; 0: none. The gateway may delete seals up to it. */
      sealed: z.int().min(0),
    }),
  ),
  ...Signed,
});
export type AckMessage = z.infer<typeof AckMessage>;

/** `command`: signed like the ack. */
export const CommandMessage = z.discriminatedUnion('command', [
  z.looseObject({
    v: z.literal(1),
    gateway: GatewayId,
    at: EpochMs,
    command: z.literal('resend'),
    epoch: Ulid,
    from: Seq,
    to: Seq,
    ...Signed,
  }),
  z.looseObject({
    v: z.literal(1),
    gateway: GatewayId,
    at: EpochMs,
    command: z.literal('time'),
    ...Signed,
  }),
  z.looseObject({
    v: z.literal(1),
    gateway: GatewayId,
    at: EpochMs,
    command: z.literal('reload'),
    ...Signed,
  }),
  z.looseObject({
    v: z.literal(1),
    gateway: GatewayId,
    at: EpochMs,
    command: z.literal('self-test'),
    ...Signed,
  }),
]);
export type CommandMessage = z.infer<typeof CommandMessage>;
