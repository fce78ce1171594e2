import { readFileSync } from 'node:fs';
import { createRandom } from '../../../simulators/seeded-random.ts';
import type { Batch } from '../../../src/model/batch.ts';
import { decodePayload } from '../../../src/telemetry/decode-payload.ts';
import { readSegment } from '../../../src/telemetry/hj212/decode-frame.ts';
import { encodeFrame } from '../../../src/telemetry/hj212/encode-frame.ts';
import { createFrameStream } from '../../../src/telemetry/hj212/frame-stream.ts';
import { matchCrc } from '../../../src/telemetry/hj212/match-crc.ts';
import { createSplitPackets } from '../../../src/telemetry/hj212/split-packets.ts';
import { validateBatchValue } from '../../../src/telemetry/validate.ts';
import { RECEIVED_AT_MS } from './decode.ts';
import { contextOf, EVERY_DEVIATION } from './reading.ts';

export interface FuzzReport {
  readonly inputs: number;
  readonly batches: number;
  readonly faults: number;
  /** What must never happen, with the input. */
  readonly wrong: readonly string[];
}

const FRAMES: readonly string[] = (
  JSON.parse(readFileSync(new URL('./public-frames.json', import.meta.url), 'utf8')) as {
    raw: string;
  }[]
).map(({ raw }) => raw);
const PIECES = [
  ...[
    '##',
    '##0101',
    '&&',
    'CP=&&',
    'CP=',
    ';',
    ',',
    '=',
    '-',
    '\r\n',
    '\n',
    '\0',
    '{0x',
    '{0xE4}',
  ],
  ...['DataTime=', 'Flag=N', 'LA-Rtd=', 'a34001-Avg=', '__proto__-Rtd=1', 'constructor-Flag=N'],
  ...['PNUM=2;PNO=1;', 'MN=', 'QN=20261124080000123;', 'NaN', '1e999', '-0', '9'.repeat(400), '噪'],
];
const KEY = Buffer.alloc(16, 0x30);

/** Changes frames at random, half of them so that length and CRC fit again, and reads what comes of it. */
export function fuzzFrames(inputs: number, seed: number): FuzzReport {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const context = JSON.stringify(
    contextOf(['LA', 'a34001', 'a34002', 'a34004', 'a01001', 'a21005', 'Leq'], {
      deviations: EVERY_DEVIATION,
    }),
  );
  const wrong: string[] = [];
  let batches = 0;
  let faults = 0;
  let stream = createFrameStream();
  let splits = createSplitPackets<number>();

  const mutated = (): Buffer => {
    let text = pick(FRAMES);
    for (let changes = 1 + below(4); changes > 0; changes--) {
      const at = below(text.length + 1);
      const end = Math.min(text.length, at + below(random() < 0.9 ? 4 : 200));
      const put = random() < 0.5 ? pick(PIECES) : String.fromCharCode(below(256));
      text = text.slice(0, at) + (random() < 0.3 ? '' : put) + text.slice(end);
    }
    const segment = Buffer.from(text.replace(/^##\d{0,4}/, '').replace(/.{0,4}\r?\n?$/, ''));
    return random() < 0.5 ? Buffer.from(text) : encodeFrame(segment.toString('latin1'));
  };

  const look = (raw: Buffer, isEnd: boolean): void => {
    const decoded = decodePayload({ dialect: 'hj212', raw, context, receivedAtMs: RECEIVED_AT_MS });
    if (decoded.kind === 'faulty') faults += 1;
    if (decoded.kind === 'batch') {
      batches += 1;
      const fault = faultOf(decoded.batch, raw);
      if (fault !== null) wrong.push(`${fault}: ${JSON.stringify(raw.toString('latin1'))}`);
    }
    const read = readSegment(raw, { key: KEY });
    if (read.ok) splits.take(read.value, 0, isEnd ? 1e6 : 0);
  };

  for (let i = 0; i < inputs; i++) {
    const bytes = mutated();
    look(bytes, false);
    let given = 0;
    const cut = below(bytes.length + 1);
    const pieces = [...stream.push(bytes.subarray(0, cut)), ...stream.push(bytes.subarray(cut))];
    if (i % 64 === 63) {
      pieces.push(...stream.flush());
      if (stream.waiting() > 0) wrong.push('bytes are left after a flush');
      stream = createFrameStream();
      splits = createSplitPackets<number>();
    }
    for (const { kind, raw } of pieces) {
      given += raw.length;
      if (kind === 'frame') look(raw, true);
    }
    if (given > 64 * 8_300) wrong.push('more bytes than were taken');
    if (stream.waiting() > 9_300) wrong.push(`${stream.waiting()} bytes wait`);
    if (splits.waiting() > 16 * 32 + 2_048) wrong.push(`${splits.waiting()} packets wait`);
  }
  return { inputs, batches, faults, wrong };
}

/** A batch that the contract refuses, or one without a CRC that fits; null: neither. */
function faultOf(batch: Batch, raw: Buffer): string | null {
  const validated = validateBatchValue(JSON.parse(JSON.stringify(batch)));
  if (validated.kind !== 'batch') return `no batch of the contract (${JSON.stringify(validated)})`;
  const text = raw.toString('latin1').replace(/\r?\n?$/, '');
  if (text.includes('{0x')) return null;
  const [, crc = ''] = /(?:&&([0-9A-Fa-f]{1,4})|([0-9A-Fa-f]{4}))$/.exec(text) ?? [];
  const digits = crc === '' ? text.slice(-4) : crc;
  const segment = Buffer.from(text.slice(6, -digits.length), 'latin1');
  return matchCrc(segment, digits) === null ? 'a CRC that fits nothing' : null;
}
