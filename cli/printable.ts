/** Control characters, and those that turn the direction of text: both deceive who reads a terminal. */
const DECEIVING = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text of strangers, fit for a terminal: what would steer it is written as `\u001b`. */
export const printable = (text: string): string => text.replace(DECEIVING, escaped);

/** The same of text in lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');
