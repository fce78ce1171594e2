import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What one request meets, whatever it holds. */
export type Fault =
  | {
      readonly do: 'say';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly do: 'hang' | 'hang-half-way' | 'reset' | 'take-then-reset' };

/**
 * How the server speaks of lines that are wrong, as the documentation of each has it: v2 refuses the
 * request at the first malformed line (400) and takes the rest when points can't be written (422); v3
 * takes the rest and lists up to 100 (400); Cloud Serverless did so with 201.
 */
export type Dialect = 'v2-malformed' | 'v2-partial' | 'v3-partial' | 'v3-201' | 'v1-partial';

export interface InfluxStub {
  readonly url: string;
  /** Met by the next requests, in order; then it takes what comes. */
  readonly faults: Fault[];
  /** Why a line is wrong; undefined: it is right. */
  wrong: (line: string) => string | undefined;
  dialect: Dialect;
  /** More lines than this at once: 413. */
  linesMax: number;
  /** Taken, as the server keeps it: measurement, tags and time → fields. */
  readonly points: ReadonlyMap<string, string>;
  /** Lines of each request, with the time it came. */
  readonly requests: readonly StubRequest[];
  close(): Promise<void>;
}

export interface StubRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly lines: readonly string[];
  readonly atMs: number;
}

/** Measurement, tags, one float field, ms. Nothing that the sink writes has an escape in it. */
const LINE = /^([^ ]+) ([a-z_]+=-?[0-9.e+-]+(?:,[a-z_]+=-?[0-9.e+-]+)*) (\d{13})$/;

export async function startInfluxStub(): Promise<InfluxStub> {
  const points = new Map<string, string>();
  const requests: StubRequest[] = [];
  const state = {
    faults: [] as Fault[],
    wrong: (_line: string): string | undefined => undefined,
    dialect: 'v2-malformed' as Dialect,
    linesMax: Number.POSITIVE_INFINITY,
  };

  const take = (lines: readonly string[]): void => {
    for (const line of lines) {
      const [, series, fields, at] = LINE.exec(line) as unknown as string[];
      points.set(`${series} ${at}`, fields as string);
    }
  };
  const reasonOf = (line: string): string | undefined =>
    LINE.test(line) ? state.wrong(line) : 'missing fields';

  const server = createServer(async (request, response) => {
    const lines = (await bodyOf(request)).split('\n');
    const { authorization } = request.headers;
    requests.push({ path: request.url ?? '', authorization, lines, atMs: performance.now() });
    const fault = state.faults.shift();
    if (fault !== undefined) return meet(fault, response, () => take(lines));
    if (lines.length > state.linesMax) {
      return say(response, 413, { code: 'request too large', message: 'too many bytes' });
    }
    const bad = lines.flatMap((line, i) => {
      const reason = reasonOf(line);
      return reason === undefined ? [] : [{ i, line, reason }];
    });
    if (bad.length > 0) {
      if (state.dialect !== 'v2-malformed') {
        take(lines.filter((line) => reasonOf(line) === undefined));
      }
      const { status, body } = refusalOf(state.dialect, bad, lines.length);
      return say(response, status, body);
    }
    take(lines);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    points,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function meet(fault: Fault, response: ServerResponse, take: () => void): void {
  switch (fault.do) {
    case 'say':
      response.writeHead(fault.status, fault.headers).end(fault.body);
      break;
    case 'hang':
      break;
    case 'hang-half-way':
      response.writeHead(500, { 'content-length': '100' }).write('{');
      break;
    case 'reset':
      response.socket?.resetAndDestroy();
      break;
    case 'take-then-reset':
      take();
      response.socket?.resetAndDestroy();
      break;
  }
}

interface BadLine {
  readonly i: number;
  readonly line: string;
  readonly reason: string;
}

function refusalOf(
  dialect: Dialect,
  bad: readonly BadLine[],
  lines: number,
): { status: number; body: object } {
  const [{ line, reason }] = bad as [BadLine, ...BadLine[]];
  switch (dialect) {
    case 'v2-malformed':
      return {
        status: 400,
        body: { code: 'invalid', message: `unable to parse '${line}': ${reason}` },
      };
    case 'v2-partial': {
      const message = `failure writing points to database: partial write: ${reason} dropped=${bad.length}`;
      return { status: 422, body: { code: 'unprocessable entity', message } };
    }
    case 'v1-partial':
      return {
        status: 400,
        body: { error: `partial write: ${reason} dropped=${bad.length}` },
      };
    case 'v3-partial': {
      const data = bad.slice(0, 100).map((each) => ({
        original_line: each.line.slice(0, 20),
        line_number: each.i + 1,
        error_message: each.reason,
      }));
      return { status: 400, body: { error: 'partial write of line protocol occurred', data } };
    }
    case 'v3-201':
      // It answered so only when some were taken.
      return bad.length === lines
        ? { status: 400, body: { code: 'invalid', message: reason } }
        : { status: 201, body: { code: 'invalid', message: 'partial write' } };
  }
}

const say = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
}
