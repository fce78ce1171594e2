import { type SignerKeys, signRequest } from './signer.ts';

/** More of an answer is not read: a receipt has a few hundred bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * What came back; `status` null: nothing did, and the platform may have taken the request or not.
 */
export interface PlatformAnswer {
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** Body, or what went wrong. */
  readonly text: string;
}

export interface PlatformClient {
  /** `POST /clues`; `body` is sent as it is. */
  push(idempotencyKey: string, body: string): Promise<PlatformAnswer>;
  /** `GET /clues/{clueNo}`: the last revision that the platform holds. */
  held(clueNo: string): Promise<PlatformAnswer>;
  /** `POST /clues/{clueNo}/evidence`: the seals of a package; `body` is sent as it is. */
  tellEvidence(clueNo: string, packageId: string, body: string): Promise<PlatformAnswer>;
  /** Ends requests on the way, now and later. */
  abort(): void;
}

/**
 * Client of the contract of design §4.2. Every request is signed anew and ends within `timeoutMs`.
 */
export function createPlatformClient({
  url,
  keys,
  timeoutMs,
  now,
}: {
  readonly url: string;
  readonly keys: SignerKeys;
  readonly timeoutMs: number;
  readonly now: () => number;
}): PlatformClient {
  const aborted = new AbortController();

  async function send(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<PlatformAnswer> {
    const target = new URL(`${url}${path}`);
    const signed = signRequest(keys, {
      method,
      path: target.pathname,
      query: '',
      nowMs: now(),
    });
    try {
      const response = await fetch(target, {
        method,
        headers: { ...headers, ...signed, accept: 'application/json' },
        redirect: 'manual',
        signal: AbortSignal.any([aborted.signal, AbortSignal.timeout(timeoutMs)]),
        ...(body === undefined ? {} : { body }),
      });
      const retryAfter = response.headers.get('retry-after');
      return { status: response.status, retryAfter, text: await readText(response) };
    } catch (error) {
      return { status: null, retryAfter: null, text: describe(error) };
    }
  }

  return {
    push: (idempotencyKey, body) => send('POST', '/clues', jsonHeaders(idempotencyKey), body),
    held: (clueNo) => send('GET', pathOf(clueNo), {}),
    tellEvidence: (clueNo, packageId, body) =>
      send('POST', `${pathOf(clueNo)}/evidence`, jsonHeaders(`${clueNo}-seal-${packageId}`), body),
    abort: () => aborted.abort(new Error('closing')),
  };
}

const pathOf = (clueNo: string): string => `/clues/${encodeURIComponent(clueNo)}`;

const jsonHeaders = (idempotencyKey: string): Record<string, string> => ({
  ...{ 'idempotency-key': idempotencyKey, 'content-type': 'application/json; charset=utf-8' },
});

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
}

/** `fetch failed` says nothing; its cause does. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
