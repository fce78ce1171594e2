import type { Flag } from '../model/flags.ts';

/**
 * What a second of a channel holds, in one byte: low 5 bits a code, high 2 bits how wrong the clock was.
 * The codes are a lattice, nothing < null with a flag < value with a flag < conflict, and two data for
 * one second give their join. So neither order, nor repetition, nor batching of arrival can show.
 */
export type SecondState = number;

/** Null or `B`: covers nothing, a later value for the second counts (design §5). T ranks highest. */
const NULL_FLAGS: readonly Flag[] = ['B', 'U', 'F', 'M', 'S', 'D', 'C', 'T'];
const VALUE_FLAGS: readonly Flag[] = ['N', 'U', 'F', 'M', 'S', 'D', 'C', 'T'];

const NULL_BASE = 1;
const VALUE_BASE = NULL_BASE + NULL_FLAGS.length;
/** Of a value flagged N, or T, whose span crosses a minute's edge: see `wide-mean.ts`. */
const WIDE_BASE = VALUE_BASE + VALUE_FLAGS.length;
const WIDE_OVERLAP = WIDE_BASE + 3;
const WIDE_T = WIDE_BASE + 4;
const CODE_BITS = 0b11111;
const CLOCK_SHIFT = 6;

export const NONE: SecondState = 0;
export const CONFLICT: SecondState = CODE_BITS;
/** A value with flag N by a right clock. */
export const NORMAL: SecondState = VALUE_BASE;

/** How wrong the gateway's clock may have been: 0 up to 2 s, 1 up to 60 s, 2 more. */
export type ClockClass = 0 | 1 | 2;

const codeOf = (state: SecondState): number => state & CODE_BITS;

const NULL_CODE = new Map(NULL_FLAGS.map((flag, i) => [flag, NULL_BASE + i]));
const VALUE_CODE = new Map(VALUE_FLAGS.map((flag, i) => [flag, VALUE_BASE + i]));

/** Which second of a span that crosses a minute's edge: first, one between, last. */
export type WidePart = 0 | 1 | 2;

/** The state of a second in a span that crosses a minute's edge, from that of an exact one. */
export function wideState(state: SecondState, part: WidePart): SecondState {
  const code = codeOf(state);
  if (code === VALUE_BASE) return state - code + WIDE_BASE + part;
  const isAbove = code === NULL_CODE.get('T') || code === VALUE_CODE.get('T');
  return isAbove ? state - code + WIDE_T : state;
}

/** Exact and wide data of one kind don't contradict each other when their value is the same. */
function plainCode(code: number): number {
  if (code === WIDE_T) return VALUE_CODE.get('T') ?? code;
  return code >= WIDE_BASE && code <= WIDE_OVERLAP ? VALUE_BASE : code;
}

/** The exact one tells more; of two different wide ones neither's ends are known any more. */
function joinAlike(a: SecondState, b: SecondState): SecondState {
  const codeA = codeOf(a);
  const codeB = codeOf(b);
  if (codeA < WIDE_BASE) return a;
  if (codeB < WIDE_BASE) return b;
  return Math.max(a - codeA, b - codeB) + WIDE_OVERLAP;
}

/** State of a second for which one datum came. A value with flag B covers nothing, as null does. */
export function stateOf(isNull: boolean, flag: Flag, clock: ClockClass): SecondState {
  if (flag === 'N') return VALUE_BASE | (clock << CLOCK_SHIFT);
  const code = isNull || flag === 'B' ? NULL_CODE.get(flag) : VALUE_CODE.get(flag);
  return (code ?? NULL_BASE) | (clock << CLOCK_SHIFT);
}

/** Whether the second holds a number. */
export const holdsValue = (state: SecondState): boolean => {
  const code = codeOf(state);
  return code >= VALUE_BASE && code !== CONFLICT;
};

/** Join of two data for one second; `sameValue` counts only when both hold a number. */
export function joinStates(a: SecondState, b: SecondState, sameValue: boolean): SecondState {
  const codeA = codeOf(a);
  const codeB = codeOf(b);
  if (codeA === CONFLICT || codeB === CONFLICT) return CONFLICT;
  const bothValues = codeA >= VALUE_BASE && codeB >= VALUE_BASE;
  if (bothValues && (plainCode(codeA) !== plainCode(codeB) || !sameValue)) return CONFLICT;
  if (bothValues && codeA !== codeB) return joinAlike(a, b);
  if (codeA !== codeB) return codeA > codeB ? a : b;
  return Math.max(a, b);
}

/** Character of each state in `RuleInputs`. */
const LETTERS: readonly string[] = Array.from({ length: 256 }, (_, state) => letterOf(state));

function letterOf(state: SecondState): string {
  const code = codeOf(state);
  if (code === NONE) return '-';
  if (code === CONFLICT) return 'X';
  const badClock = state >> CLOCK_SHIFT;
  if (code === WIDE_T) return badClock > 0 ? 'Y' : 'y';
  if (code >= WIDE_BASE && code <= WIDE_OVERLAP) {
    return badClock === 2 ? 'K' : badClock === 1 ? '~' : '<=>~'[code - WIDE_BASE]!;
  }
  const flag = code < VALUE_BASE ? NULL_FLAGS[code - NULL_BASE] : VALUE_FLAGS[code - VALUE_BASE];
  if (flag === undefined) return '-';
  if (flag === 'T' && badClock > 0) return 'Y';
  if (code < VALUE_BASE) return flag.toLowerCase();
  if (flag === 'N' && badClock > 0) return badClock === 1 ? 'k' : 'K';
  return flag;
}

export const secondLetter = (state: SecondState): string => LETTERS[state] ?? '-';

/**
 * Code of a state's letter where no other state with the letter is packed differently: `-`, `N`, `k`,
 * `X`, wide means and null by a right clock. 0: others.
 */
export const PLAIN_LETTERS: Uint8Array = Uint8Array.from(LETTERS, (letter, state) => {
  const code = codeOf(state);
  const badClock = state >> CLOCK_SHIFT;
  const isNormal = code === VALUE_BASE && badClock <= 1;
  const isNull = code < VALUE_BASE && badClock === 0;
  const isWide = code >= WIDE_BASE && code <= WIDE_OVERLAP && badClock === 0;
  return state === CONFLICT || isNormal || isNull || isWide ? letter.charCodeAt(0) : 0;
});

/** Whether rules are given the value of a second with the letter. */
export const isValueLetter = (letter: string): boolean => 'Nk<=>~'.includes(letter);

/** Whether the second holds a value flagged normal, by whatever clock. */
export const isNormalValue: readonly boolean[] = LETTERS.map(
  (letter) => letter === 'K' || isValueLetter(letter),
);

/** Whether rules are given the value of a second in the state. */
export const isReadable: readonly boolean[] = LETTERS.map(isValueLetter);
