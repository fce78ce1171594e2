import { describe, expect, it } from 'vitest';
import { verifyRaw } from '../../cli/verify-raw.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { generateKeyPem, signingKeyFromPem, signMessage } from '../../src/telemetry/signing.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import { batchText, createChain, START_MS } from '../ingest/gateway-client.ts';

const KEY = signingKeyFromPem(generateKeyPem());

const line = (kind: string, epoch: string | null, seq: number | null, bytes: Buffer, to?: number) =>
  JSON.stringify({
    ...{ pos: 1, kind, gateway: 'gw-1', epoch, seq, to: to ?? null, receivedAtMs: 0 },
    ...{ sha256: sha256Hex(bytes), raw: bytes.toString('base64') },
  });

/** The second of batch `seq` holds `value`. */
const inputs = (seq: number, value: number) =>
  ({
    subject: { channel: { device: 'gw-1-noise', metric: 'laeq' } },
    cells: [
      {
        minuteMs: START_MS,
        states: `${'X'.repeat(seq - 1)}N${'X'.repeat(60 - seq)}`,
        values: [value],
      },
    ],
  }) as unknown as RuleInputs;

const isBorneOut = (lines: readonly string[], of: RuleInputs, keys = [KEY.publicKey]): boolean =>
  verifyRaw(lines.join('\n'), of, keys).every(({ isRight }) => isRight);

/** Batches 1 to 5 with values 80 to 84 and their seal. */
function sealedChain() {
  const chain = createChain('gw-1', undefined, KEY);
  const batches = Array.from({ length: 5 }, (_, i) => chain.next(80 + i));
  const { epoch } = chain;
  const lines = batches.map((bytes, i) => line('live', epoch, i + 1, bytes));
  return { chain, batches, epoch, lines, seal: line('seal', epoch, 5, chain.seal(5)) };
}

describe('verifyRaw()', () => {
  it('bears out what a sealed chain holds', () => {
    const { lines, seal } = sealedChain();
    expect(isBorneOut([...lines, seal], inputs(5, 84))).toBe(true);
    expect(isBorneOut([...lines, seal], inputs(5, 99))).toBe(false);
  });

  it('does not bear out a message of no chain that somebody added', () => {
    const { lines, seal } = sealedChain();
    const forged = Buffer.from(batchText('gw-1', {}, 7));
    const all = [...lines, seal, line('live', null, null, forged)];
    expect(isBorneOut(all, inputs(7, 7))).toBe(false);
    expect(isBorneOut([line('live', null, null, forged)], inputs(7, 7))).toBe(false);
  });

  it('does not bear out what was added behind the seal', () => {
    const { chain, lines, seal, epoch } = sealedChain();
    const forged = chain.next(99);
    expect(isBorneOut([...lines, line('live', epoch, 6, forged), seal], inputs(6, 99))).toBe(false);
  });

  it('does not bear out a forged batch before a forged gap', () => {
    const { chain, batches, lines, seal, epoch } = sealedChain();
    const forged = Buffer.from(batchText('gw-1', { epoch, seq: 2, prev: '0'.repeat(64) }, 99));
    const bridge = {
      ...{ v: 1, gateway: 'gw-1', epoch, from: 3, to: 4, reason: 'operator' },
      ...{ prev: sha256Hex(forged), hash: sha256Hex(batches[3] as Buffer) },
    };
    const withGap = (signer: typeof KEY) => [
      line('live', epoch, 2, forged),
      line('gap', epoch, 3, Buffer.from(JSON.stringify(signMessage(bridge, signer))), 4),
      ...[lines[4] as string, seal],
    ];
    expect(chain.hashes).toHaveLength(6);
    const stranger = signingKeyFromPem(generateKeyPem());
    expect(isBorneOut(withGap(stranger), inputs(2, 99))).toBe(false);
    expect(isBorneOut(withGap(KEY), inputs(2, 99))).toBe(true);
  });

  it('names a line that is no raw message', () => {
    const { lines } = sealedChain();
    expect(() => verifyRaw([...lines, '{"error":{}}'].join('\n'), inputs(1, 80), [])).toThrow(
      'line 6 is no raw message',
    );
  });
});
