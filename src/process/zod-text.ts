/**
 * Zod's "Invalid input: expected number, received NaN" without what is said elsewhere: who reads it wants
 * to know what was expected.
 */
export const expectation = (message: string): string =>
  message.replace(/^Invalid (?:input|option): (expected .*?)(?:, received \w+)?$/, '$1');
