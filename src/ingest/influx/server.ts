import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpError, InfluxDB, type Transport } from '@influxdata/influxdb-client';
import type { InfluxSettings } from './settings.ts';

/** What became of one request. */
export type Answer =
  | { readonly kind: 'written' }
  /** Something is wrong with lines; what the server says of which. */
  | { readonly kind: 'refused'; readonly message: string; readonly named: Named }
  /** Nothing is known to be wrong with the lines: the same again, not before `afterMs`. */
  | { readonly kind: 'wait'; readonly message: string; readonly afterMs: number | null };

/** Lines that the server names as wrong, counted from 0; `all`: it says that it took none. */
export type Named = 'all' | readonly number[];

export interface InfluxServer {
  /** One request with all lines, without any retry; ends within `timeoutMs`. */
  write(lines: readonly string[]): Promise<Answer>;
  /** Gives up what is under way: it is answered as `wait`. */
  close(): void;
}

/** Bytes of a request above which it is sent compressed. */
const GZIP_BYTES_MIN = 1_000;
/** Partial success of InfluxDB 3, which the library takes for success. */
const PARTIAL = 201;
/** What the server says goes into a dead letter and into the log. */
const MESSAGE_CHARS_MAX = 500;

/** The server's write API through the official client with its buffers and retries off. */
export function createInfluxServer(
  settings: InfluxSettings & { readonly url: string },
): InfluxServer {
  const { url, token, timeoutMs } = settings;
  const isTls = url.startsWith('https:');
  // One socket: there is one request at a time.
  const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const stop = new AbortController();

  return {
    async write(lines) {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]);
      let status = 0;
      const client = new InfluxDB({
        url,
        // The signal bounds the whole request; this one only looks at silence on the socket.
        timeout: timeoutMs * 2,
        transportOptions: { agent, signal },
        ...authorisation(settings, token),
      });
      const watched = watchStatus(client.transport, (seen) => {
        status = seen;
      });
      const writer = new InfluxDB({ url, transport: watched }).getWriteApi(
        settings.org,
        settings.bucket,
        'ms',
        {
          // Above our own: a batch that fills it exactly is sent behind the back of `flush`.
          batchSize: lines.length + 1,
          maxBatchBytes: Number.MAX_SAFE_INTEGER,
          flushInterval: 0,
          maxRetries: 0,
          gzipThreshold: GZIP_BYTES_MIN,
          writeFailed: (error) => Promise.reject(error),
        },
      );
      if (settings.api === 'v1') {
        writer.path = `/write?db=${encodeURIComponent(settings.bucket)}&precision=ms`;
      }
      writer.writeRecords([...lines]);
      try {
        await writer.flush();
        return status === PARTIAL
          ? { kind: 'refused', message: '201: partial success', named: [] }
          : { kind: 'written' };
      } catch (error) {
        if (!signal.aborted) return answerOf(error as Error, lines.length, Date.now());
        return { kind: 'wait', message: `no answer within ${timeoutMs} ms`, afterMs: null };
      }
    },
    close() {
      stop.abort();
      agent.destroy();
    },
  };
}

const authorisation = (
  { api }: InfluxSettings,
  token: string | undefined,
): { token?: string; headers?: Record<string, string> } => {
  if (token === undefined) return {};
  if (api === 'v2') return { token };
  return { headers: { authorization: `Basic ${Buffer.from(token).toString('base64')}` } };
};

/** The library's own transport, which besides tells the status of each answer. */
const watchStatus = (transport: Transport, onStatus: (status: number) => void): Transport => ({
  chunkCombiner: transport.chunkCombiner,
  request: transport.request.bind(transport),
  iterate: transport.iterate.bind(transport),
  send: (path, body, options, callbacks) =>
    transport.send(path, body, options, {
      ...callbacks,
      responseStarted(headers, status) {
        onStatus(status ?? 0);
        callbacks?.responseStarted?.(headers, status);
      },
    }),
});

/**
 * 400, 413 and 422 speak of the lines. Everything else does not: a wrong token or bucket (401, 403,
 * 404) needs an operator, and the lines are as good as before.
 */
export function answerOf(error: Error, lines: number, nowMs: number): Answer {
  if (!(error instanceof HttpError)) {
    const { code } = error as NodeJS.ErrnoException;
    return { kind: 'wait', message: code ?? (error.message || error.name), afterMs: null };
  }
  const { statusCode, body } = error;
  const message = `${statusCode}: ${textOf(error)}`.slice(0, MESSAGE_CHARS_MAX);
  if (statusCode === 400 || statusCode === 422) {
    return { kind: 'refused', message, named: namedLines(body ?? '', lines) };
  }
  if (statusCode === 413) return { kind: 'refused', message, named: [] };
  const header = error.headers?.['retry-after'];
  const afterMs = typeof header === 'string' ? retryAfterMs(header, nowMs) : null;
  return { kind: 'wait', message, afterMs };
}

/** `message` of v2, `error` of v1 and v3 with what v3 says of the first line, else the body as it is. */
function textOf({ json, body, statusMessage }: HttpError): string {
  const told = (json ?? {}) as { message?: unknown; error?: unknown; data?: unknown };
  const [first] = Array.isArray(told.data) ? (told.data as { error_message?: unknown }[]) : [];
  const texts = [told.message, told.error, first?.error_message];
  const words = texts.filter((text) => typeof text === 'string').join(': ');
  return words || body || (statusMessage ?? '');
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3) → ms from now; null: neither. */
export function retryAfterMs(header: string, nowMs: number): number | null {
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/**
 * Lines that the answer names: v3 lists `line_number`, v2 may give `line`, v1 and v2 count what they
 * dropped. A name is a hint only: each is asked for alone before it is believed.
 */
function namedLines(body: string, lines: number): Named {
  const dropped = /dropped=(\d+)/.exec(body);
  if (dropped !== null && Number(dropped[1]) >= lines) return 'all';
  const numbers = [...body.matchAll(/"line(?:_number)?"\s*:\s*(\d+)/g)].map(
    ([, n]) => Number(n) - 1,
  );
  return [...new Set(numbers)].filter((n) => n >= 0 && n < lines).sort((a, b) => a - b);
}
