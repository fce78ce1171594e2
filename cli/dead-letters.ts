import { z } from 'zod';
import { ConfigError, readNamedFile } from '../src/process/config-file.ts';
import { StartError } from './busy-port.ts';
import { printable, printableLines } from './printable.ts';

interface HubOptions {
  readonly url: string;
}

export interface ListOptions extends HubOptions {
  readonly reason?: string;
  readonly json: boolean;
}

export interface ReplayOptions extends HubOptions {
  readonly reason?: string;
  readonly tokenFile: string;
}

/** What of an answer is printed. */
const Letter = z.looseObject({
  id: z.int(),
  receivedAtMs: z.int(),
  source: z.string(),
  topic: z.string(),
  reason: z.string(),
  detail: z.string(),
  bytes: z.int(),
  replayOutcome: z.string().nullable(),
});
type Letter = z.infer<typeof Letter>;

const Page = z.object({ items: z.array(Letter), nextCursor: z.string().nullable() });
const Failure = z.object({ error: z.object({ message: z.string(), hint: z.string() }) });

/** Prints what the hub put aside, newest first. */
export async function listLetters(options: ListOptions): Promise<void> {
  for await (const letter of lettersOf(options)) {
    console.log(options.json ? JSON.stringify(letter) : lineOf(letter));
  }
}

/** What is in it came from strangers, also a part of its detail. */
const lineOf = ({ id, receivedAtMs, source, reason, detail, bytes, replayOutcome }: Letter) =>
  printable(
    `${id}  ${new Date(receivedAtMs).toISOString()}  ${source}  ${reason}: ` +
      `${detail.replace(/^: /, '')} (${bytes} bytes)` +
      (replayOutcome === null ? '' : `  replayed: ${replayOutcome}`),
  );

/** Prints one with its bytes: as text when they are, else in hex. */
export async function showLetter(id: string, { url }: HubOptions): Promise<void> {
  const letter = Letter.extend({ raw: z.base64() }).parse(await ask(url, `/${checkedId(id)}`));
  const { raw, ...rest } = letter;
  const bytes = Buffer.from(raw, 'base64');
  const text = bytes.toString('utf8');
  console.log(printableLines(JSON.stringify(rest, null, 2)));
  console.log(Buffer.from(text).equals(bytes) ? printableLines(text) : bytes.toString('hex'));
}

function checkedId(text: string): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new StartError(`Cannot use the id ${JSON.stringify(text)}: expected a number of the list`);
}

/** Replays those named, or all of a reason that were not replayed with success. Gives the exit code. */
export async function replayLetters(
  ids: readonly string[],
  { url, reason, tokenFile }: ReplayOptions,
): Promise<number> {
  if ((ids.length === 0) === (reason === undefined)) {
    throw new StartError('Cannot replay dead letters: give ids, or --reason, and not both');
  }
  const wanted = ids.map(checkedId);
  if (reason !== undefined) {
    for await (const { id, replayOutcome } of lettersOf({ url, reason })) {
      if (replayOutcome !== 'stored' && replayOutcome !== 'duplicate') wanted.push(id);
    }
  }
  const authorization = `Bearer ${tokenOf(tokenFile)}`;
  let failed = 0;
  // The oldest first: as they came.
  for (const id of wanted.sort((a, b) => a - b)) {
    try {
      const init = { method: 'POST', headers: { authorization } };
      const answer = await ask(url, `/${id}/replay`, init);
      console.log(`${id}  ${z.object({ outcome: z.string() }).parse(answer).outcome}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failed += 1;
      console.error(printable(`${id}  ${error.message}. ${error.hint}`));
    }
  }
  console.log(`${wanted.length - failed} of ${wanted.length} taken in`);
  return failed === 0 ? 0 : 1;
}

function tokenOf(file: string): string {
  const token = readNamedFile(file).toString().trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ConfigError(file, ['expected the token alone, in one line']);
}

async function* lettersOf({
  url,
  reason,
}: {
  readonly url: string;
  readonly reason?: string;
}): AsyncGenerator<Letter> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      ...(reason === undefined ? {} : { reason }),
      ...(cursor === null ? {} : { cursor }),
    });
    const page: z.infer<typeof Page> = Page.parse(await ask(url, `?${query}`));
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** What the hub answered; printed with its hint. */
class Refusal extends Error {
  readonly hint: string;

  constructor({ message, hint }: z.infer<typeof Failure>['error']) {
    super(message);
    this.hint = hint;
  }
}

async function ask(url: string, path: string, init: RequestInit = {}): Promise<unknown> {
  const address = `${url.replace(/\/+$/, '')}/api/v1/dead-letters${path}`;
  let answer: Response;
  try {
    answer = await fetch(address, init);
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    throw new StartError(
      `Cannot reach the hub at ${url}: ${cause?.message ?? message}. Start it, or name it with --url`,
    );
  }
  const body: unknown = await answer.json().catch(() => null);
  const failure = Failure.safeParse(body);
  if (failure.success) throw new Refusal(failure.data.error);
  if (answer.ok && body !== null) return body;
  throw new StartError(`Cannot use ${address}: no hub answers there; name the hub with --url`);
}
