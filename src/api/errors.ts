import type { ServerResponse } from 'node:http';
import type { FastifyError, FastifyInstance } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Logger } from '../process/log.ts';
import { expectation } from '../process/zod-text.ts';

/** Every error that the API answers: its HTTP status and what the caller can do. */
export const API_ERRORS = {
  INVALID_REQUEST: { status: 400, hint: 'See /api/v1/openapi.json for the parameters.' },
  INVALID_CURSOR: { status: 400, hint: 'Pass `nextCursor` of the page before, or none.' },
  RANGE_TOO_WIDE: { status: 400, hint: 'Ask for several shorter ranges.' },
  UNAUTHORIZED: { status: 401, hint: 'Send the token as Authorization: Bearer <token>.' },
  WRITES_OFF: { status: 403, hint: 'Set http.operatorTokenFile to let operators change things.' },
  ROUTE_NOT_FOUND: { status: 404, hint: 'See /api/v1/openapi.json for the routes.' },
  CLUE_NOT_FOUND: { status: 404, hint: 'GET /api/v1/clues lists the clue numbers.' },
  EVIDENCE_NOT_FOUND: { status: 404, hint: 'GET /api/v1/clues/{clueNo} lists the packages.' },
  DEAD_LETTER_NOT_FOUND: { status: 404, hint: 'GET /api/v1/dead-letters lists them.' },
  GATEWAY_NOT_FOUND: { status: 404, hint: 'The gateways are those of registry.yaml.' },
  NOT_REPLAYABLE: { status: 409, hint: 'Mend what the message names, then replay it again.' },
  INTERNAL: { status: 500, hint: "The hub's log holds the cause; tell its operator." },
  EVIDENCE_DAMAGED: { status: 500, hint: 'Restore the package from a backup; do not rely on it.' },
  BROKER_UNAVAILABLE: { status: 503, hint: 'Try again; GET /readyz says when it is back.' },
  INGEST_UNAVAILABLE: { status: 503, hint: 'Start the process with the role ingest.' },
  DATABASE_UNAVAILABLE: { status: 503, hint: 'Try again; GET /readyz says when it is back.' },
  NOT_READY: { status: 503, hint: 'The message names what fails; see the log of the hub.' },
  TOO_MANY_STREAMS: { status: 503, hint: 'Poll GET /api/v1/status instead, or try again later.' },
} as const satisfies Readonly<Record<string, { status: number; hint: string }>>;

export type ApiErrorCode = keyof typeof API_ERRORS;

export const ErrorResponse = z.object({
  error: z.object({
    code: z.enum(Object.keys(API_ERRORS) as [ApiErrorCode, ...ApiErrorCode[]]),
    message: z.string(),
    hint: z.string(),
  }),
});
export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** Thrown by routes; becomes the answer of its catalogue entry. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }
}

export const errorBody = (code: ApiErrorCode, message: string): ErrorResponse => ({
  error: { code, message, hint: API_ERRORS[code].hint },
});

/** Seconds after which a client may ask again while the database is away. */
const RETRY_AFTER_S = '5';

/** SQLSTATE classes 08 (connection), 53 (resources), 57 (operator intervention), and the socket's own. */
const UNAVAILABLE = /^(08|53|57)|^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND)$/;
const UNAVAILABLE_MESSAGE = /connection terminated|timeout exceeded when trying to connect/i;

function isDatabaseUnavailable(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return (
    (typeof code === 'string' && UNAVAILABLE.test(code)) || UNAVAILABLE_MESSAGE.test(error.message)
  );
}

/** What the framework refuses before a route sees it, in words. */
const REFUSED: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Cannot read the body: send it as content-type application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'Cannot read the body: there is none',
  FST_ERR_CTP_INVALID_JSON_BODY: 'Cannot read the body: it is not JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'Cannot read the body: it is larger than 64 KiB',
};

function catalogued(error: Error): { code: ApiErrorCode; message: string } {
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.map(
      (issue) => `${issue.instancePath.slice(1) || 'request'}: ${expectation(issue.message ?? '')}`,
    );
    return { code: 'INVALID_REQUEST', message: `Cannot use the request: ${faults.join('; ')}` };
  }
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const { code } = error as { code?: string };
    return { code: 'INVALID_REQUEST', message: REFUSED[code ?? ''] ?? error.message };
  }
  if (isDatabaseUnavailable(error)) {
    return { code: 'DATABASE_UNAVAILABLE', message: 'Cannot read: the database does not answer' };
  }
  return { code: 'INTERNAL', message: 'Cannot answer: an error inside the hub' };
}

/** Answers an address that the router can't read; it never comes to a handler. */
export function refuseAddress(
  error: FastifyError,
  request: { readonly url: string },
  reply: { readonly raw: ServerResponse },
): void {
  const message = `Cannot use the address ${request.url}: ${error.code}`;
  reply.raw
    .writeHead(400, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(errorBody('INVALID_REQUEST', message)));
}

/** Answers every failure from the catalogue. Only what is ours to mend is logged. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(errorBody('ROUTE_NOT_FOUND', `Nothing at ${request.method} ${request.url}`)),
  );
  app.setErrorHandler<Error>((error, request, reply) => {
    const { code, message } = catalogued(error);
    const { status } = API_ERRORS[code];
    if (status >= 500 && !(error instanceof ApiError && code === 'TOO_MANY_STREAMS')) {
      log.error({ err: error, code, method: request.method, url: request.url }, 'request failed');
    }
    if (status === 503) reply.header('retry-after', RETRY_AFTER_S);
    return reply.code(status).send(errorBody(code, message));
  });
}
