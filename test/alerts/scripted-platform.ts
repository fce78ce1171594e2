import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CluePush } from '../../src/alerts/clue-body.ts';

/** What one `POST /clues` meets. */
export type Answer =
  | { readonly do: 'take'; readonly afterMs?: number }
  | { readonly do: 'take-then-drop' }
  | { readonly do: 'take-then-mumble' }
  | { readonly do: 'hang' }
  | { readonly do: 'say'; readonly status: number; readonly retryAfter?: string };

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly signature: string | undefined;
  readonly body: string;
  readonly atMs: number;
}

export interface ScriptedPlatform {
  readonly url: string;
  /** Answers still to give, in order; when empty every push is taken. */
  readonly script: Answer[];
  readonly requests: readonly Received[];
  /** Revisions stored, each time one was taken: a second copy shows as a second element. */
  readonly taken: readonly string[];
  /** Most pushes of one clue that were on the way at once. */
  readonly inFlightMax: () => number;
  close(): Promise<void>;
}

/** A platform of the contract on a real socket that does what the script says. */
export async function startScriptedPlatform(): Promise<ScriptedPlatform> {
  const script: Answer[] = [];
  const requests: Received[] = [];
  const taken: string[] = [];
  const latest = new Map<string, number>();
  const inFlight = new Map<string, number>();
  let inFlightMax = 0;

  const receiptOf = (clueNo: string) => ({ platformNo: `P-${clueNo}`, behaviorCode: 'B-1' });

  function answerPush(received: Received, response: ServerResponse): void {
    const { clueNo, revision } = CluePush.parse(JSON.parse(received.body));
    const now = (inFlight.get(clueNo) ?? 0) + 1;
    inFlight.set(clueNo, now);
    inFlightMax = Math.max(inFlightMax, now);
    response.on('close', () => inFlight.set(clueNo, (inFlight.get(clueNo) ?? 1) - 1));
    const take = (): void => {
      // Idempotent by key, as the contract asks.
      if (!taken.includes(`${clueNo}-${revision}`)) taken.push(`${clueNo}-${revision}`);
      else taken.push(`again ${clueNo}-${revision}`);
      latest.set(clueNo, Math.max(latest.get(clueNo) ?? 0, revision));
    };
    const answer = script.shift() ?? { do: 'take' };
    switch (answer.do) {
      case 'take':
        take();
        setTimeout(() => send(response, 201, receiptOf(clueNo)), answer.afterMs ?? 0);
        break;
      case 'take-then-drop':
        take();
        response.destroy();
        break;
      case 'take-then-mumble':
        take();
        response.writeHead(200).end('<html>');
        break;
      case 'hang':
        break;
      case 'say':
        if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter);
        send(response, answer.status, { message: 'as scripted' });
        break;
    }
  }

  const server = createServer(async (request, response) => {
    const received = await read(request);
    requests.push(received);
    if (received.method === 'POST') return answerPush(received, response);
    const clueNo = received.path.split('/').at(-1) as string;
    const revision = latest.get(clueNo);
    if (revision === undefined) return send(response, 404, { message: 'none' });
    send(response, 200, { clueNo, revision, ...receiptOf(clueNo) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script,
    requests,
    taken,
    inFlightMax: () => inFlightMax,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    key: header('idempotency-key'),
    signature: header('x-bg-hmac-signature'),
    body: Buffer.concat(chunks).toString('utf8'),
    atMs: performance.now(),
  };
}
