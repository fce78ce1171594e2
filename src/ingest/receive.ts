import type { z } from 'zod';
import { BATCH_BYTES_MAX } from '../model/batch.ts';
import { sha256Hex } from '../model/digest.ts';
import type { Gateway } from '../model/facts.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { Hj212Reason } from '../telemetry/hj212/reading-reasons.ts';
import { GapMessage, SealMessage, StatusMessage } from '../telemetry/messages.ts';
import { verifyMessage } from '../telemetry/signing.ts';
import type { SparkplugReason } from '../telemetry/sparkplug/edge-message.ts';
import type { GatewayChannel } from '../telemetry/topics.ts';
import { validateBatch } from '../telemetry/validate.ts';
import type { BatchSubmission, Outcome, Submission } from './journal/submission.ts';

/**
 * Why a message goes to the dead letters, the last four once it was judged: a seal by the journal, the
 * outputs of an entry and its fact by the database, lines by InfluxDB.
 */
export type DeadReason =
  | 'oversize'
  | 'invalid-utf8'
  | 'invalid-json'
  | 'invalid-envelope'
  | 'invalid-batch'
  | 'invalid-message'
  | 'other-gateway'
  | 'unknown-gateway'
  | 'bad-signature'
  | 'unbacked-seal'
  | 'output-refused'
  | 'fact-refused'
  | 'sink-refused'
  | Hj212Reason
  | SparkplugReason;

export type Received =
  | { readonly kind: 'submit'; readonly submission: Submission }
  /** A dead letter that has a place in its chain: the place is settled, or it would come for ever. */
  | {
      readonly kind: 'reject';
      readonly reason: DeadReason;
      readonly detail: string;
      readonly submission: Submission;
    }
  | { readonly kind: 'status'; readonly online: boolean };

/** A message of a gateway on one of its own topics. */
export interface Incoming {
  readonly channel: GatewayChannel;
  readonly gateway: Gateway;
  readonly raw: Uint8Array;
  readonly receivedAtMs: number;
  readonly done: (outcome: Outcome) => void;
}

/** Reads one message: what the journal takes, or why it can't be used. Pure but for the hash. */
export function receive(incoming: Incoming): Result<Received, DeadReason> {
  switch (incoming.channel) {
    case 'live':
    case 'backfill':
      return receiveBatch(incoming, incoming.channel);
    case 'gap':
      return receiveGap(incoming);
    case 'seal':
      return receiveSeal(incoming);
    case 'status': {
      const status = readMessage(incoming.raw, StatusMessage);
      return status.ok ? ok({ kind: 'status', online: status.value.online }) : status;
    }
  }
}

function receiveBatch(
  { gateway, raw, receivedAtMs, done }: Incoming,
  topic: 'live' | 'backfill',
): Result<Received, DeadReason> {
  const validated = validateBatch(raw);
  if (validated.kind === 'rejected') {
    const { reason, path, expected, place } = validated;
    const detail = `${path}: expected ${expected}`;
    if (place === null) return fail(reason, detail);
    const parked = { ...payloadOf(raw), receivedAtMs, done, topic, gateway: gateway.id };
    const submission = { ...parked, ...place, kind: 'parked' as const, found: null };
    return ok({ kind: 'reject', reason, detail, submission });
  }
  const from = validated.kind === 'batch' ? validated.batch.gateway : validated.gateway;
  if (from !== gateway.id) return otherGateway(from);
  const base = { ...payloadOf(raw), receivedAtMs, done, topic, gateway: gateway.id };
  if (validated.kind === 'parked') {
    const { epoch, seq } = validated;
    return submit({ ...base, kind: 'parked', epoch, seq, found: null });
  }
  const { batch, readings } = validated;
  const epoch = batch.epoch ?? null;
  // A simple producer's counter may restart: without an epoch it says nothing.
  const seq = epoch === null ? null : (batch.seq ?? null);
  return submit({ ...base, kind: 'batch', epoch, seq, batch, readings, found: null });
}

const payloadOf = (
  raw: Uint8Array,
): Pick<BatchSubmission, 'raw' | 'sha256' | 'dialect' | 'context'> => ({
  ...{ raw, sha256: sha256Hex(raw), dialect: 'json', context: null },
});

function receiveGap({ gateway, raw, receivedAtMs, done }: Incoming): Result<Received, DeadReason> {
  const read = readMessage(raw, GapMessage);
  if (!read.ok) return read;
  const message = read.value;
  if (message.gateway !== gateway.id) return otherGateway(message.gateway);
  if (message.to < message.from) return fail('invalid-message', 'to: expected from or later');
  // A gap takes readings away for good: only the gateway's own key may say so.
  if (!verifiedBy(gateway, message)) return badSignature(gateway);
  const sha256 = sha256Hex(raw);
  return submit({ kind: 'gap', gateway: gateway.id, message, raw, sha256, receivedAtMs, done });
}

function receiveSeal({ gateway, raw, receivedAtMs, done }: Incoming): Result<Received, DeadReason> {
  const read = readMessage(raw, SealMessage);
  if (!read.ok) return read;
  const message = read.value;
  if (message.gateway !== gateway.id) return otherGateway(message.gateway);
  const verified = verifiedBy(gateway, message);
  if (!verified && gateway.publicKey !== null) return badSignature(gateway);
  const base = { raw, sha256: sha256Hex(raw), receivedAtMs, done };
  return submit({ ...base, kind: 'seal', gateway: gateway.id, message, verified });
}

const verifiedBy = (gateway: Gateway, message: Readonly<Record<string, unknown>>): boolean =>
  gateway.publicKey !== null && verifyMessage(message, gateway.publicKey);

const submit = (submission: Submission): Result<Received, DeadReason> =>
  ok({ kind: 'submit', submission });

const badSignature = (gateway: Gateway): Result<never, DeadReason> =>
  fail('bad-signature', `sig: expected one of gateway ${gateway.id}'s registered key`);

const otherGateway = (named: string): Result<never, DeadReason> =>
  fail('other-gateway', `gateway: expected the one that sent it, found ${named}`);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readMessage<Schema extends z.ZodType>(
  raw: Uint8Array,
  schema: Schema,
): Result<z.infer<Schema>, DeadReason> {
  if (raw.byteLength > BATCH_BYTES_MAX) return fail('oversize', `at most ${BATCH_BYTES_MAX} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(raw));
  } catch (error) {
    return fail('invalid-json', (error as Error).message);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return fail('invalid-message', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
