import { z } from 'zod';
import type { Batch } from '../src/model/batch.ts';
import { sha256Hex } from '../src/model/digest.ts';
import { DIALECTS } from '../src/model/entry.ts';
import { Sha256Hex } from '../src/model/ids.ts';
import { SECOND_MS } from '../src/model/time.ts';
import { decodePayload } from '../src/telemetry/decode-payload.ts';
import { ReadingContext } from '../src/telemetry/hj212/reading-context.ts';
import { GapMessage, SealMessage } from '../src/telemetry/messages.ts';
import { verifyMessage } from '../src/telemetry/signing.ts';
import type { InputCell, RuleInputs } from '../src/thresholds/rule-inputs.ts';
import { isValueLetter } from '../src/thresholds/second-state.ts';

/** One line of `GET /api/v1/evidence/{packageId}/raw`. */
const RawLine = z.object({
  pos: z.int(),
  kind: z.string(),
  gateway: z.string(),
  epoch: z.string().nullable(),
  seq: z.int().nullable(),
  to: z.int().nullable(),
  receivedAtMs: z.number().default(0),
  sha256: Sha256Hex,
  dialect: z.enum(DIALECTS).default('json'),
  context: z.string().nullable().default(null),
  raw: z.base64(),
});

export interface RawFinding {
  readonly isRight: boolean;
  readonly text: string;
}

interface Message extends z.infer<typeof RawLine> {
  readonly bytes: Buffer;
}

/**
 * Compares a package's inputs with the raw messages that the gateways sent, one a line of `text`: the
 * bytes have their digests, the chain runs without a break to a seal of its last message, seal and gaps
 * are signed by a key, and every value of the inputs was sent. A message of no chain is found wrong:
 * anybody could have added it. `publicKeys`: the gateways', as registered; empty: signatures are not
 * checked. Throws for a line that is no raw message.
 */
export function verifyRaw(
  text: string,
  inputs: RuleInputs,
  publicKeys: readonly string[],
): RawFinding[] {
  const messages = readMessages(text);
  const altered = messages.filter(({ bytes, sha256 }) => sha256Hex(bytes) !== sha256);
  return [
    {
      isRight: altered.length === 0,
      text: `${messages.length} raw messages, ${altered.length} of them altered`,
    },
    ...chainFindings(messages, publicKeys),
    ...looseFindings(messages),
    valueFinding(messages, inputs),
  ];
}

function readMessages(text: string): Message[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, i) => {
    try {
      const read = RawLine.parse(JSON.parse(line));
      if (read.dialect === 'hj212') ReadingContext.parse(JSON.parse(read.context ?? ''));
      return { ...read, bytes: Buffer.from(read.raw, 'base64') };
    } catch {
      throw new Error(`line ${i + 1} is no raw message`);
    }
  });
}

/** What stands at a seq of the chain: the digest that the next one must name. */
interface Link {
  readonly prev: string | null;
  readonly hash: string;
  readonly from: number;
  readonly to: number;
}

function chainFindings(messages: readonly Message[], publicKeys: readonly string[]): RawFinding[] {
  const epochs = Map.groupBy(
    messages.filter(({ epoch }) => epoch !== null),
    ({ gateway, epoch }) => `gateway ${gateway}, epoch ${epoch}`,
  );
  return [...epochs].flatMap(([name, own]) => {
    const links = own.flatMap(linkOf).sort((a, b) => a.from - b.from);
    const breaks = links.filter((link, i) => i > 0 && !follows(links[i - 1] as Link, link));
    const head = links.at(-1);
    const chain = {
      isRight: breaks.length === 0,
      text: `${name}: chain of seq ${links[0]?.from} to ${head?.to}, ${breaks.length} breaks`,
    };
    return [chain, sealFinding(name, own, links, publicKeys)];
  });
}

function linkOf(message: Message): Link[] {
  const { kind, seq, sha256, bytes } = message;
  if (kind === 'gap') {
    const { from, to, prev, hash } = GapMessage.parse(JSON.parse(bytes.toString()));
    return [{ prev, hash, from, to }];
  }
  if (kind === 'seal' || seq === null) return [];
  return [{ prev: batchOf(message)?.prev ?? null, hash: sha256, from: seq, to: seq }];
}

const follows = (before: Link, link: Link): boolean =>
  link.from === before.to + 1 && link.prev === before.hash;

/** The seal must cover the last message: what comes behind a seal can be put there by anybody. */
function sealFinding(
  name: string,
  own: readonly Message[],
  links: readonly Link[],
  publicKeys: readonly string[],
): RawFinding {
  const of = (kind: string) => own.filter((message) => message.kind === kind);
  const head = links.at(-1);
  const seals = of('seal')
    .map(({ bytes }) => SealMessage.parse(JSON.parse(bytes.toString())))
    .filter(({ upTo, hash }) => head?.to === upTo && head.hash === hash);
  const [seal] = seals;
  if (seal === undefined) return { isRight: false, text: `${name}: no seal covers the messages` };
  if (publicKeys.length === 0) {
    return { isRight: true, text: `${name}: sealed up to ${seal.upTo}, not checked without --key` };
  }
  const isSigned = (message: SealMessage | GapMessage): boolean =>
    publicKeys.some((key) => verifyMessage(message, key));
  // A forged gap would bridge from a forged batch to a true one.
  const gaps = of('gap').map(({ bytes }) => GapMessage.parse(JSON.parse(bytes.toString())));
  const unsigned = gaps.filter((gap) => !isSigned(gap));
  if (unsigned.length > 0) {
    return { isRight: false, text: `${name}: ${unsigned.length} gaps NOT signed by a key` };
  }
  const isSealed = seals.some(isSigned);
  const how = isSealed ? 'signed by a key' : 'NOT signed by a key';
  return { isRight: isSealed, text: `${name}: sealed up to ${seal.upTo}, ${how}` };
}

function looseFindings(messages: readonly Message[]): RawFinding[] {
  const loose = messages.filter(({ epoch, seq }) => epoch === null || seq === null).length;
  return loose === 0
    ? []
    : [{ isRight: false, text: `${loose} raw messages stand in no chain: no seal covers them` }];
}

function batchOf({ bytes: raw, dialect, context, receivedAtMs }: Message): Batch | undefined {
  const decoded = decodePayload({ dialect, raw, context, receivedAtMs });
  return decoded.kind === 'batch' ? decoded.batch : undefined;
}

/** Every second of the inputs that holds a value, looked for among the values sent. */
function valueFinding(messages: readonly Message[], inputs: RuleInputs): RawFinding {
  const sent = sentValues(messages);
  const feeds = [
    { channel: inputs.subject.channel, cells: inputs.cells },
    ...(inputs.further ?? []),
  ];
  let looked = 0;
  let missing = 0;
  for (const { channel, cells } of feeds) {
    for (const [second, value] of valuesOf(cells)) {
      looked += 1;
      const found = sent.get(`${channel.device} ${channel.metric} ${second}`);
      if (found === undefined || !found.has(value)) missing += 1;
    }
  }
  const text = `${looked - missing} of ${looked} values of the inputs stand in the raw messages`;
  return { isRight: missing === 0 && looked > 0, text };
}

function* valuesOf(cells: readonly InputCell[]): Generator<readonly [number, number]> {
  for (const { minuteMs, states, values } of cells) {
    let next = 0;
    for (let i = 0; i < states.length; i++) {
      if (!isValueLetter(states[i] as string)) continue;
      const value = values.length === 1 ? values[0] : values[next];
      next += 1;
      if (value !== undefined) yield [minuteMs / SECOND_MS + i + 1, value];
    }
  }
}

function sentValues(messages: readonly Message[]): Map<string, Set<number>> {
  const sent = new Map<string, Set<number>>();
  for (const message of messages) {
    if (message.kind !== 'live' && message.kind !== 'backfill') continue;
    for (const { device, at, spanMs, values } of batchOf(message)?.frames ?? []) {
      for (const [metric, value] of Object.entries(values)) {
        if (value === null || value === undefined) continue;
        for (let second = (at - spanMs) / SECOND_MS + 1; second <= at / SECOND_MS; second++) {
          const key = `${device} ${metric} ${second}`;
          const known = sent.get(key);
          if (known === undefined) sent.set(key, new Set([value + 0]));
          else known.add(value + 0);
        }
      }
    }
  }
  return sent;
}
