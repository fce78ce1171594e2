import { createHmac, timingSafeEqual } from 'node:crypto';

/** Largest difference between the request's date and the gateway's clock. */
export const SKEW_MS_MAX = 90_000;

/** Texts of the provincial gateway's 401 answers, as its user guide prints them. */
export type SignatureFault = 'Invalid access key' | 'Invalid signature' | 'Clock skew exceeded';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as they stood in the request line. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const header = (request: SignedRequest, name: string): string => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
};

/**
 * The string that `X-BG-HMAC-SIGNATURE` signs: METHOD, path, sorted query, access key and date,
 * each ended by a line feed; an empty query is an empty line. The body is not signed.
 */
export function bgStringToSign(request: SignedRequest): string {
  const [path = '', query = ''] = request.url.split('?', 2);
  const sortedQuery = query === '' ? '' : query.split('&').sort().join('&');
  const accessKey = header(request, 'x-bg-hmac-access-key');
  const lines = [request.method, path, sortedQuery, accessKey, header(request, 'x-bg-date-time')];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Checks the `X-BG-*` headers of the IRS gateway (IRS 业务协同网关). Null: the request is signed with
 * this key; otherwise the text that the gateway answers with status 401.
 */
export function bgSignatureFault(
  request: SignedRequest,
  key: { readonly accessKey: string; readonly secretKey: string },
  nowMs: number,
): SignatureFault | null {
  if (header(request, 'x-bg-hmac-access-key') !== key.accessKey) return 'Invalid access key';
  const dateMs = Date.parse(header(request, 'x-bg-date-time'));
  // An unreadable date is NaN, which no comparison lets through.
  if (!(Math.abs(nowMs - dateMs) <= SKEW_MS_MAX)) return 'Clock skew exceeded';
  if (header(request, 'x-bg-hmac-algorithm') !== 'hmac-sha256') return 'Invalid signature';
  const given = Buffer.from(header(request, 'x-bg-hmac-signature'), 'base64');
  const expected = createHmac('sha256', key.secretKey).update(bgStringToSign(request)).digest();
  const same = given.length === expected.length && timingSafeEqual(given, expected);
  return same ? null : 'Invalid signature';
}
