import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { sha256Hex } from '../model/digest.ts';

const PAGE_FOLDER = fileURLToPath(new URL('../console/public', import.meta.url));
const CHART_LIBRARY = 'echarts/dist/echarts.esm.min.mjs';

/** Inline styles only: the chart library sets some on its tooltip. Nothing comes from elsewhere. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

interface Asset {
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

/** The page at `/`, and the chart library from node_modules at `/vendor/echarts.mjs`. */
export function servePage(app: FastifyInstance): void {
  app.register(fastifyStatic, {
    root: PAGE_FOLDER,
    setHeaders: (reply) => {
      reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
    },
  });

  let library: Promise<Asset> | undefined;
  app.get('/vendor/echarts.mjs', { schema: { hide: true } }, async (request, reply) => {
    library ??= readAsset(fileURLToPath(import.meta.resolve(CHART_LIBRARY)));
    const { etag, plain, gzipped } = await library;
    reply
      .header('etag', etag)
      .header('cache-control', 'public, no-cache')
      .header('vary', 'accept-encoding')
      .header('x-content-type-options', 'nosniff')
      .type('text/javascript; charset=utf-8');
    if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
    if (!request.headers['accept-encoding']?.includes('gzip')) return reply.send(plain);
    return reply.header('content-encoding', 'gzip').send(gzipped);
  });
}

async function readAsset(file: string): Promise<Asset> {
  const plain = await readFile(file);
  return { etag: `"${sha256Hex(plain)}"`, plain, gzipped: await promisify(gzip)(plain) };
}
