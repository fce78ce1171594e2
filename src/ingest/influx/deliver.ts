import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, InfluxServer } from './server.ts';
import type { InfluxSettings } from './settings.ts';

/** Lines that the server will not take, with its words. */
export interface RefusedLines {
  readonly lines: readonly string[];
  readonly message: string;
}

/** What became of all lines of a batch: each is in one of the two. */
export interface Delivered {
  readonly written: number;
  readonly refused: readonly RefusedLines[];
}

export interface DeliverDeps {
  readonly server: InfluxServer;
  readonly retry: InfluxSettings['retry'];
  readonly signal: AbortSignal;
  /** Each request with its answer. */
  readonly onAnswer: (answer: Answer, tookMs: number) => void;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Hub time, UTC ms: a line that must be taken carries it. */
  readonly now: () => number;
}

/**
 * Writes lines until each is stored or refused for itself, waiting with full jitter (and as long as
 * the server asks) as long as it must. Null: the signal ended it; nothing is known then, and writing
 * all of it again is harmless. At most two requests for each line, and one more.
 */
export async function deliver(
  lines: readonly string[],
  deps: DeliverDeps,
): Promise<Delivered | null> {
  const refused: RefusedLines[] = [];
  let written = 0;
  let isTaking = false;
  const parts: (readonly string[])[] = [lines];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const answer = await answerTo(part, deps);
    if (answer === null) return null;
    if (answer.kind === 'written') {
      written += part.length;
      isTaking = true;
      continue;
    }
    // A line is guilty only while the server takes others: else it refuses for a reason of its own.
    if (!isTaking) {
      const taking = await untilTaking(deps);
      if (taking === 'ended') return null;
      if (taking === 'after a while') {
        parts.push(part);
        continue;
      }
      isTaking = true;
    }
    if (answer.named === 'all' || part.length === 1) {
      refused.push({ lines: part, message: answer.message });
    } else parts.push(...divide(part, answer.named));
  }
  return { written, refused };
}

/** Waits until the server takes a line that is right. */
async function untilTaking(deps: DeliverDeps): Promise<'at once' | 'after a while' | 'ended'> {
  for (let tries = 0; ; tries++) {
    const answer = await answerTo([`wugan_sink alive=1 ${deps.now()}`], deps);
    if (answer === null) return 'ended';
    if (answer.kind === 'written') return tries === 0 ? 'at once' : 'after a while';
    if (!(await waitFor(tries, null, deps))) return 'ended';
  }
}

/** Lines that were named each alone, the rest together; without names in halves. */
function divide(part: readonly string[], named: readonly number[]): readonly (readonly string[])[] {
  if (named.length === 0) {
    const middle = part.length >> 1;
    return [part.slice(middle), part.slice(0, middle)];
  }
  const alone = new Set(named);
  const rest = part.filter((_, i) => !alone.has(i));
  return [...named.map((i) => [part[i] as string]), ...(rest.length === 0 ? [] : [rest])];
}

type Final = Exclude<Answer, { kind: 'wait' }>;

/** Asks until the server says what it makes of the lines; null: the signal ended it. */
async function answerTo(lines: readonly string[], deps: DeliverDeps): Promise<Final | null> {
  for (let tries = 0; !deps.signal.aborted; tries++) {
    const startedMs = performance.now();
    const answer = await deps.server.write(lines);
    deps.onAnswer(answer, performance.now() - startedMs);
    if (answer.kind !== 'wait') return answer;
    if (!(await waitFor(tries, answer.afterMs, deps))) return null;
  }
  return null;
}

/** False: the signal ended it. */
async function waitFor(
  tries: number,
  askedMs: number | null,
  { retry, random, signal }: DeliverDeps,
): Promise<boolean> {
  const boundMs = Math.min(retry.backoffMsMax, retry.backoffMsMin * 2 ** Math.min(tries, 30));
  const waitMs = Math.min(askedMs ?? 0, retry.retryAfterMsMax) + random() * boundMs;
  return sleep(waitMs, true, { signal }).catch(() => false);
}
