import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
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
  };

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
