const DAY_MINUTES = 1_440;

const FIRST = 0;
const MINUTES = 1;

/** Numbers that `countOfDay` keeps: first minute of the UTC day, and how many there were; negative once told. */
export const COUNT_SLOTS = 2;

/** Counts one more minute of its UTC day; the first of them when they have become `minutesMin`, once a day. */
export function countOfDay(
  memory: Float64Array,
  at: number,
  minute: number,
  minutesMin: number,
): number | undefined {
  if (dayOf(memory[at + FIRST]!) !== dayOf(minute)) {
    memory[at + FIRST] = minute;
    memory[at + MINUTES] = 0;
  }
  if (memory[at + MINUTES]! < 0) return undefined;
  const minutes = memory[at + MINUTES]! + 1;
  memory[at + MINUTES] = minutes;
  if (minutes < minutesMin) return undefined;
  memory[at + MINUTES] = -minutes;
  return memory[at + FIRST]!;
}

const dayOf = (minute: number): number => Math.floor(minute / DAY_MINUTES);
