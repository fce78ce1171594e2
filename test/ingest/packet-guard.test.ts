import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPacketGuard } from '../../src/ingest/packet-guard.ts';

const lengthBytes = (length: number): number[] => {
  const bytes: number[] = [];
  let left = length;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low + 128 : low);
  } while (left > 0);
  return bytes;
};

const packet = (type: number, length: number): Buffer =>
  Buffer.concat([Buffer.from([type << 4, ...lengthBytes(length)]), Buffer.alloc(length, 0xff)]);

it('passes packets up to their bound however the bytes are cut, and nothing above it', () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(262_656, 262_657));
  const cut = fc.integer({ min: 1, max: 70_000 });
  fc.assert(
    fc.property(
      fc.array(size, { maxLength: 4 }),
      fc.array(cut, { minLength: 1 }),
      (sizes, cuts) => {
        const guard = createPacketGuard();
        const bytes = Buffer.concat([
          packet(1, 4_096),
          ...sizes.map((length) => packet(3, length)),
        ]);
        const answers = new Set<string | null>();
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const chunk = bytes.subarray(at, at + (cuts[i % cuts.length] as number));
          answers.add(guard.pass(chunk));
          if (answers.size > 1) break;
          at += chunk.length;
        }
        const isRefused = sizes.includes(262_657);
        expect([...answers].at(-1)).toBe(isRefused ? 'packet too large' : null);
      },
    ),
  );
});
