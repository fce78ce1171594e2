/** The 31 characters of GB 32100-2015 table 1, in the order of their values 0–30. */
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/**
 * Check character of a unified social credit code (GB 32100-2015, 4.2): weights 3^(i−1) mod 31 over
 * the first 17 characters. The characters must be of the code's alphabet.
 */
export function usccCheckCharacter(code: string): string {
  let sum = 0;
  let weight = 1;
  for (const character of code.slice(0, 17)) {
    sum += ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return ALPHABET[(31 - (sum % 31)) % 31] as string;
}
