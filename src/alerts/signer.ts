import { createHmac } from 'node:crypto';

/** Credentials of the provincial gateway; the secret is never logged. */
export interface SignerKeys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** One request as it is signed; the body is not part of the signature. */
export interface SignedRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Sorted query, empty when there is none. */
  readonly query: string;
  /** Now, UTC ms: the gateway refuses more than 90 s of skew, so every attempt is signed anew. */
  readonly nowMs: number;
}

/**
 * Headers of IRS 业务协同网关 (`X-BG-*`): Base64(HMAC-SHA256(SK, S)) with
 * `S = METHOD\nURI_PATH\nSORTED_QUERY\nACCESS_KEY\nDATE\n`, date in RFC 1123 GMT.
 */
export function signRequest(keys: SignerKeys, request: SignedRequest): Record<string, string> {
  const date = new Date(request.nowMs).toUTCString();
  const text = [request.method, request.path, request.query, keys.accessKey, date, ''].join('\n');
  return {
    'x-bg-hmac-access-key': keys.accessKey,
    'x-bg-hmac-algorithm': 'hmac-sha256',
    'x-bg-date-time': date,
    'x-bg-hmac-signature': createHmac('sha256', keys.secretKey).update(text).digest('base64'),
  };
}
