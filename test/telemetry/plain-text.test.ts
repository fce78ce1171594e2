import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNameText, isSha256Text, isUlidText } from '../../src/telemetry/plain-text.ts';

const RULES = [
  { is: isNameText, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/ },
  { is: isUlidText, pattern: /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/ },
  { is: isSha256Text, pattern: /^[0-9a-f]{64}$/ },
];

describe.each(RULES)('$is.name()', ({ is, pattern }) => {
  it('accepts what its pattern accepts, and nothing else', () => {
    const one = fc.oneof(
      fc.constantFrom(...'09azAZfgGILOUu._-:@/[`{ \u0000\u007f\u0080é时\n'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    const right = fc.stringMatching(pattern);
    const spoilt = fc
      .tuple(right, fc.nat(64), one)
      .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(right, spoilt, fc.string({ unit: one, maxLength: 70 })), (text) => {
        expect(is(text)).toBe(pattern.test(text));
      }),
      { numRuns: 500 },
    );
  });

  it('knows each single character, and its own lengths', () => {
    for (let code = 0; code < 0x300; code += 1) {
      const character = String.fromCharCode(code);
      for (const length of [1, 25, 26, 27, 63, 64, 65]) {
        for (const text of [character.repeat(length), `0${character.repeat(length - 1)}`]) {
          expect(is(text)).toBe(pattern.test(text));
        }
      }
    }
  });
});
