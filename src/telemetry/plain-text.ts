/** What a character may be part of, by its ASCII code, as bits. */
const START_OF_NAME = 1;
const IN_NAME = 2;
const HEX = 4;
const BASE32 = 8;
const KINDS = new Uint8Array(128);
const mark = (characters: string, bits: number): void => {
  for (const character of characters) KINDS[character.charCodeAt(0)]! |= bits;
};
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
mark(`${UPPER}${UPPER.toLowerCase()}0123456789`, START_OF_NAME | IN_NAME);
mark('._-', IN_NAME);
mark('0123456789abcdef', HEX);
mark('0123456789ABCDEFGHJKMNPQRSTVWXYZ', BASE32);

const NAME_CHARS_MAX = 64;
const ULID_CHARS = 26;
const SHA256_CHARS = 64;

function isAll(text: string, from: number, kind: number): boolean {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || ((KINDS[code] as number) & kind) === 0) return false;
  }
  return true;
}

/**
 * `/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/`, as the schemas of model/ids.ts say it, several times faster:
 * names and hashes are looked at for every value of every message.
 */
export function isNameText(text: string): boolean {
  if (text.length === 0 || text.length > NAME_CHARS_MAX) return false;
  const first = text.charCodeAt(0);
  return first < 128 && ((KINDS[first] as number) & START_OF_NAME) !== 0 && isAll(text, 1, IN_NAME);
}

/** `/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/`. */
export const isUlidText = (text: string): boolean =>
  text.length === ULID_CHARS && text >= '0' && text < '8' && isAll(text, 0, BASE32);

/** `/^[0-9a-f]{64}$/`. */
export const isSha256Text = (text: string): boolean =>
  text.length === SHA256_CHARS && isAll(text, 0, HEX);
