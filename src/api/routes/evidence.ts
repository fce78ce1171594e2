import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { readSeals } from '../../alerts/evidence-update.ts';
import type { Database } from '../../database/schema.ts';
import { sha256Hex } from '../../model/digest.ts';
import { Sha256Hex } from '../../model/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';

const decompress = promisify(zstdDecompress);

/** A package that unpacks to more is called damaged, so that a bad row can't fill the memory. */
const PACKAGE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * The canonical JSON of a package, byte for byte. Its number is its SHA-256, so the answer is checked
 * before it leaves and may be cached for ever.
 */
export const evidenceRoutes =
  ({ db }: Pick<ApiDeps, 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/evidence/:packageId',
      {
        schema: {
          tags: ['clues'],
          summary: 'An evidence package: canonical JSON whose SHA-256 is the package id',
          params: z.object({ packageId: Sha256Hex }),
        },
      },
      async (request, reply) => {
        const { packageId } = request.params;
        const row = await db
          .selectFrom('enforcement.evidence_package')
          .select(['body', 'clue_no', 'revision'])
          .where('package_id', '=', packageId)
          .executeTakeFirst();
        if (row === undefined) {
          throw new ApiError('EVIDENCE_NOT_FOUND', `No evidence package ${packageId}`);
        }
        const etag = `"${packageId}"`;
        reply.header('etag', etag).header('cache-control', 'private, max-age=31536000, immutable');
        if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
        const name = `${row.clue_no}-${row.revision}.json`;
        return reply
          .type('application/json; charset=utf-8')
          .header('content-disposition', `inline; filename="${name}"`)
          .send(await unpack(packageId, row.body));
      },
    );
    app.get(
      '/evidence/:packageId/seal',
      {
        schema: {
          tags: ['clues'],
          summary: 'The seals that cover the raw messages behind a package',
          params: z.object({ packageId: Sha256Hex }),
          response: { 200: SealState },
        },
      },
      async (request) => readSealState(db, request.params.packageId),
    );
    app.get(
      '/evidence/:packageId/raw',
      {
        schema: {
          tags: ['clues'],
          summary: 'The raw messages behind a package, their chain and its seal, one JSON a line',
          params: z.object({ packageId: Sha256Hex }),
        },
      },
      async (request, reply) => {
        const { packageId } = request.params;
        const claim = await db
          .selectFrom('enforcement.evidence_claim')
          .select('state')
          .where('package_id', '=', packageId)
          .executeTakeFirst();
        if (claim === undefined || claim.state === 'waiting') {
          const why = claim === undefined ? 'there is none' : 'it is not copied yet, ask again';
          throw new ApiError('EVIDENCE_NOT_FOUND', `No raw evidence for ${packageId}: ${why}`);
        }
        return reply
          .type('application/x-ndjson; charset=utf-8')
          .header('x-evidence-state', claim.state)
          .send(Readable.from(rawLines(db, packageId)));
      },
    );
  };

const SealState = z.object({
  packageId: Sha256Hex,
  /** `waiting`: the covering seal may still come; `unsealed`: it did not, or can't. */
  state: z.enum(['waiting', 'sealed', 'unsealed']),
  /** The gateways' signed messages, whole. */
  seals: z.array(z.looseObject({ gateway: z.string(), epoch: z.string(), upTo: z.int() })),
  /** What the platform said of them; null: it was not told (yet). */
  platform: z.enum(['accepted', 'refused']).nullable(),
});

async function readSealState(
  db: Kysely<Database>,
  packageId: string,
): Promise<z.infer<typeof SealState>> {
  const claim = await db
    .selectFrom('enforcement.evidence_claim')
    .select(['state', 'told'])
    .where('package_id', '=', packageId)
    .executeTakeFirst();
  if (claim === undefined) {
    throw new ApiError('EVIDENCE_NOT_FOUND', `No raw evidence for ${packageId}: there is none`);
  }
  const { state, told } = claim;
  const seals = state === 'sealed' ? await readSeals(db, packageId) : [];
  return { packageId, state, seals, platform: told };
}

async function unpack(packageId: string, body: Buffer): Promise<Buffer> {
  let json: Buffer;
  try {
    json = await decompress(body, { maxOutputLength: PACKAGE_BYTES_MAX });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ApiError('EVIDENCE_DAMAGED', `Cannot unpack evidence ${packageId}: ${detail}`);
  }
  if (sha256Hex(json) !== packageId) {
    throw new ApiError('EVIDENCE_DAMAGED', `Evidence ${packageId} has another SHA-256 as stored`);
  }
  return json;
}

/** Entries read at once: a few MiB. */
const ENTRIES_PER_READ = 200;

/**
 * `{pos, kind, gateway, epoch, seq, to, receivedAtMs, sha256, dialect, context, raw}` by position, `raw` in
 * base64.
 */
async function* rawLines(db: Kysely<Database>, packageId: string): AsyncGenerator<string> {
  let after = 0;
  for (;;) {
    const rows = await db
      .selectFrom('enforcement.evidence_use as u')
      .innerJoin('enforcement.evidence_raw as r', (join) =>
        join.onRef('r.shard', '=', 'u.shard').onRef('r.pos', '=', 'u.pos'),
      )
      .selectAll('r')
      .where('u.package_id', '=', packageId)
      .where('u.pos', '>', after)
      .orderBy('u.pos')
      .limit(ENTRIES_PER_READ)
      .execute();
    for (const row of rows) {
      const { pos, kind, gateway, epoch, seq, seq_to: to, sha256, dialect, context } = row;
      const line = { pos, kind, gateway, epoch, seq, to, receivedAtMs: row.received_at_ms, sha256 };
      yield `${JSON.stringify({ ...line, dialect, context, raw: row.raw.toString('base64') })}\n`;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < ENTRIES_PER_READ) return;
    after = last.pos;
  }
}
