import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import type { RuleSubject } from '../../src/model/exposure.ts';
import { resultKeyOf } from '../../src/thresholds/result-key.ts';

it('resultKeyOf() is the digest of post, crew, factor, limit kind and start of the shift', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '焊接岗', ''));
  fc.assert(
    fc.property(text, text, text, text, fc.maxSafeInteger(), (...parts) => {
      const [post, crew, factor, limitKind, startMs] = parts;
      const subject = { post, crew, factor, limitKind, shift: { name: 'day', startMs, endMs: 0 } };
      const members = { post, crew, factor, limitKind, shiftStartMs: startMs };
      expect(resultKeyOf(subject as unknown as RuleSubject)).toBe(digestOf(members));
    }),
  );
});
