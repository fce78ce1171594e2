import { setTimeout as pause } from 'node:timers/promises';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ClueBody } from '../src/alerts/clue-body.ts';
import { EvidenceUpdate } from '../src/alerts/evidence-update.ts';
import { sha256Hex } from '../src/model/digest.ts';
import { describeIssues } from '../src/process/config-file.ts';
import type { Logger } from '../src/process/log.ts';
import { bgSignatureFault } from './platform-signature.ts';
import { createPlatformStore, type ReceivedClue, type ReceivedEvidence } from './platform-store.ts';

/** A body of more bytes is refused with 413. */
const BODY_BYTES_MAX = 1024 * 1024;

/** What the next requests to `POST /clues` meet, each `times` times, in the order given. */
export type PlatformFault =
  | { readonly kind: 'status'; readonly status: 429 | 500 | 503; readonly retryAfterS?: number }
  /** No answer until the client gives up or the platform closes. Nothing is stored. */
  | { readonly kind: 'hang' }
  /** The clue is stored, and the connection dies before the answer. */
  | { readonly kind: 'lose-after-commit' };

export interface PlatformOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly log: Logger;
  /** Schema of the body; absent: the contract's. */
  readonly bodySchema?: z.ZodType;
  /** JSON lines, so that what was received outlives a restart. */
  readonly stateFile?: string;
  readonly delayMs?: number;
  readonly faults?: readonly (PlatformFault & { readonly times: number })[];
  /** Clock of the skew check, UTC ms. */
  readonly now?: () => number;
}

export interface Platform {
  readonly url: string;
  /** Every revision held, in the order of arrival. */
  received(): readonly ReceivedClue[];
  /** What was told of seals, in the order of arrival. */
  evidence(): readonly ReceivedEvidence[];
  /** Puts faults behind those that are still waiting. */
  inject(fault: PlatformFault, times: number): void;
  close(): Promise<void>;
}

const MinimalBody = z.looseObject({ clueNo: z.string().min(1), revision: z.int().min(1) });

/**
 * Starts the simulated enforcement platform (design: our contract with the platform): `POST /clues`,
 * `POST /clues/:clueNo/evidence` and `GET /clues/:clueNo` signed with `X-BG-*`, and an unsigned `GET /clues` to look into it.
 * Throws when the port is taken (EADDRINUSE).
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { log } = options;
  const now = options.now ?? Date.now;
  const store = createPlatformStore(options.stateFile);
  const waiting: PlatformFault[] = [];
  const inject = (fault: PlatformFault, times: number): void => {
    for (let n = 0; n < times; n += 1) waiting.push(fault);
  };
  for (const { times, ...fault } of options.faults ?? []) inject(fault, times);

  const app = Fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  // The bytes are kept: idempotency is a matter of bytes, not of parsed values.
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  const refuseUnsigned = async (request: FastifyRequest, reply: FastifyReply) => {
    const fault = bgSignatureFault(request, options, now());
    if (fault !== null) return reply.code(401).send({ message: fault });
  };

  app.post('/clues', { onRequest: refuseUnsigned }, async (request, reply) => {
    const fault = waiting.shift();
    if (fault?.kind === 'status') {
      if (fault.retryAfterS !== undefined) reply.header('retry-after', fault.retryAfterS);
      return reply.code(fault.status).send({ message: `injected ${fault.status}` });
    }
    if (fault?.kind === 'hang') return reply.hijack();
    if (options.delayMs !== undefined) await pause(options.delayMs);

    const read = readPush(request, options.bodySchema ?? ClueBody);
    if (!read.ok) return reply.code(400).send({ message: 'Invalid clue', faults: read.faults });
    const outcome = store.take({ ...read.push, receivedAtMs: now() });
    const { clueNo, revision, platformNo, behaviorCode } = outcome.clue;
    log.info({ clueNo, revision, platformNo, outcome: outcome.kind }, 'clue received');
    if (fault?.kind === 'lose-after-commit') {
      reply.hijack();
      request.raw.socket.destroy();
      return reply;
    }
    if (outcome.kind === 'other-body') {
      return reply.code(409).send({ message: 'Idempotency-Key was used with another body' });
    }
    return reply.code(outcome.kind === 'created' ? 201 : 200).send({ platformNo, behaviorCode });
  });

  app.post('/clues/:clueNo/evidence', { onRequest: refuseUnsigned }, async (request, reply) => {
    const { clueNo } = request.params as { clueNo: string };
    if (store.latest(clueNo) === undefined)
      return reply.code(404).send({ message: 'No such clue' });
    const bytes = request.body as Buffer;
    const read = EvidenceUpdate.safeParse(JSON.parse(bytes.toString('utf8')));
    if (!read.success || read.data.clueNo !== clueNo) {
      return reply.code(400).send({ message: 'Invalid evidence update' });
    }
    const idempotencyKey = String(request.headers['idempotency-key']);
    const { packageId } = read.data;
    log.info({ clueNo, packageId }, 'seals received');
    const update = { idempotencyKey, bodySha256: sha256Hex(bytes), body: read.data };
    if (store.takeEvidence(update)) return reply.code(204).send();
    return reply.code(409).send({ message: 'Idempotency-Key was used with another body' });
  });

  app.get('/clues/:clueNo', { onRequest: refuseUnsigned }, async (request, reply) => {
    const { clueNo } = request.params as { clueNo: string };
    const clue = store.latest(clueNo);
    return clue ?? reply.code(404).send({ message: 'No such clue' });
  });

  app.get('/clues', async () => ({ clues: store.all() }));

  const url = await app.listen({ host: options.host, port: options.port });
  log.info({ url, held: store.all().length }, 'platform simulator is listening');
  return { url, received: store.all, evidence: store.evidence, inject, close: () => app.close() };
}

type ReadPush =
  | { readonly ok: false; readonly faults: readonly string[] }
  | {
      readonly ok: true;
      readonly push: Pick<
        ReceivedClue,
        'clueNo' | 'revision' | 'idempotencyKey' | 'bodySha256' | 'body'
      >;
    };

function readPush(request: FastifyRequest, schema: z.ZodType): ReadPush {
  const bytes = request.body;
  if (!Buffer.isBuffer(bytes)) return { ok: false, faults: ['body: expected application/json'] };
  let input: unknown;
  try {
    input = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return { ok: false, faults: [`body: ${(error as Error).message}`] };
  }
  const minimal = MinimalBody.safeParse(input);
  if (!minimal.success) return { ok: false, faults: describeIssues(minimal.error, input) };
  const full = schema.safeParse(input);
  if (!full.success) return { ok: false, faults: describeIssues(full.error, input) };
  const { clueNo, revision } = minimal.data;
  const idempotencyKey = `${clueNo}-${revision}`;
  if (request.headers['idempotency-key'] !== idempotencyKey) {
    return { ok: false, faults: [`Idempotency-Key: expected ${idempotencyKey}`] };
  }
  const bodySha256 = sha256Hex(bytes);
  return { ok: true, push: { clueNo, revision, idempotencyKey, bodySha256, body: minimal.data } };
}
