import { certificateExpired } from './certificate-expired.ts';
import { flatLine } from './flat-line.ts';
import { identicalNeighbours } from './identical-neighbours.ts';
import { jump } from './jump.ts';
import { noValue } from './no-value.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { silence } from './silence.ts';
import { unexplainedFlags } from './unexplained-flags.ts';
import { unplannedWork } from './unplanned-work.ts';
import { varianceCollapse } from './variance-collapse.ts';

/** What every detector may ask of a channel's minute before: its number, mean and maximum. */
export const LAST_MINUTE = 0;
export const LAST_MEAN = 1;
export const LAST_MAX = 2;
const SHARED_SLOTS = 3;

/** Where each detector's numbers begin in a channel's record. */
const starts = startsOf({
  flatLine,
  jump,
  varianceCollapse,
  outOfRange,
  identicalNeighbours,
  productionGap,
  silence,
  certificateExpired,
  unexplainedFlags,
  noValue,
  unplannedWork,
});
export const SLOT = starts.at;

const CHANNEL_SLOTS = starts.end;
/** From here on numbers that are 0 of most channels for good: few have neighbours, or fall silent. */
const RARE = SLOT.identicalNeighbours;
const RARE_SLOTS = CHANNEL_SLOTS - RARE;
/** Those before that are no whole numbers. */
const IS_FRACTION = new Uint8Array(RARE);
const FRACTIONS = [LAST_MEAN, LAST_MAX, SLOT.varianceCollapse];
for (const slot of FRACTIONS) IS_FRACTION[slot] = 1;
const FRACTION_SLOTS = FRACTIONS.length;
const COUNT_SLOTS = RARE - FRACTION_SLOTS;

/** Bytes of every channel, whatever the detectors see, and of one of which they saw more. */
export const CHANNEL_BYTES = 4 * COUNT_SLOTS + 8 * FRACTION_SLOTS;
export const RARE_BYTES = 8 * RARE_SLOTS;

function startsOf<K extends string>(
  detectors: Readonly<Record<K, { readonly slots: number }>>,
): { readonly at: Readonly<Record<K, number>>; readonly end: number } {
  let end = SHARED_SLOTS;
  const at = {} as Record<K, number>;
  for (const name of Object.keys(detectors) as K[]) {
    at[name] = end;
    end += detectors[name].slots;
  }
  return { at, end };
}

/** `slots` numbers of each of many things, by index; room is made a page at a time. */
export interface PagedNumbers {
  readonly slots: number;
  readonly pages: Float64Array[];
}

const PAGE_RECORDS = 512;

export const createPagedNumbers = (slots: number): PagedNumbers => ({ slots, pages: [] });

/** The numbers among which a record lies. */
export function pageOf(numbers: PagedNumbers, index: number): Float64Array {
  const page = Math.floor(index / PAGE_RECORDS);
  while (numbers.pages.length <= page) addPage(numbers);
  return numbers.pages[page]!;
}

/** Makes room for 512 more. */
export function addPage({ slots, pages }: PagedNumbers): Float64Array {
  const page = new Float64Array(PAGE_RECORDS * slots);
  pages.push(page);
  return page;
}

/** Where among them it begins. */
export const recordOf = ({ slots }: PagedNumbers, index: number): number =>
  (index % PAGE_RECORDS) * slots;

/** What the detectors keep of channels, by index; room is made a page at a time. */
export interface ChannelMemory {
  readonly pages: MemoryPage[];
  /** By index / 16, as soon as one of them isn't 0. */
  readonly rare: Map<number, Float64Array>;
}

export interface MemoryPage {
  readonly counts: Int32Array;
  readonly fractions: Float64Array;
}

const RARE_RECORDS = 16;

export const createChannelMemory = (): ChannelMemory => ({ pages: [], rare: new Map() });

function memoryPage({ pages }: ChannelMemory, index: number): MemoryPage {
  const page = Math.floor(index / PAGE_RECORDS);
  while (pages.length <= page) pages.push(createMemoryPage());
  return pages[page]!;
}

export const createMemoryPage = (): MemoryPage => ({
  counts: new Int32Array(PAGE_RECORDS * COUNT_SLOTS),
  fractions: new Float64Array(PAGE_RECORDS * FRACTION_SLOTS),
});

/** The numbers of the channel opened last, by `SLOT`. */
const record = new Float64Array(CHANNEL_SLOTS);

/** A channel's numbers as the detectors take them, to be given back by `closeRecord` before the next is opened. */
export function openRecord(memory: ChannelMemory, index: number): Float64Array {
  const { counts, fractions } = memoryPage(memory, index);
  let count = (index % PAGE_RECORDS) * COUNT_SLOTS;
  let fraction = (index % PAGE_RECORDS) * FRACTION_SLOTS;
  for (let slot = 0; slot < RARE; slot++) {
    record[slot] = IS_FRACTION[slot] === 1 ? fractions[fraction++]! : counts[count++]!;
  }
  const rare = memory.rare.get(Math.floor(index / RARE_RECORDS));
  const at = (index % RARE_RECORDS) * RARE_SLOTS;
  for (let i = 0; i < RARE_SLOTS; i++) record[RARE + i] = rare === undefined ? 0 : rare[at + i]!;
  return record;
}

/** The minute before of a channel that isn't open, its mean and its maximum. */
export function lastMinuteOf(memory: ChannelMemory, index: number) {
  const { counts, fractions } = memoryPage(memory, index);
  const at = (index % PAGE_RECORDS) * FRACTION_SLOTS;
  return {
    minute: counts[(index % PAGE_RECORDS) * COUNT_SLOTS]!,
    mean: fractions[at]!,
    max: fractions[at + 1]!,
  };
}

/** Keeps what became of the record opened last. */
export function closeRecord(memory: ChannelMemory, index: number): void {
  const { counts, fractions } = memoryPage(memory, index);
  let count = (index % PAGE_RECORDS) * COUNT_SLOTS;
  let fraction = (index % PAGE_RECORDS) * FRACTION_SLOTS;
  for (let slot = 0; slot < RARE; slot++) {
    if (IS_FRACTION[slot] === 1) fractions[fraction++] = record[slot]!;
    else counts[count++] = record[slot]!;
  }
  const group = Math.floor(index / RARE_RECORDS);
  let rare = memory.rare.get(group);
  if (rare === undefined) {
    let isRare = false;
    for (let slot = RARE; slot < CHANNEL_SLOTS; slot++) isRare ||= record[slot] !== 0;
    if (!isRare) return;
    rare = new Float64Array(RARE_RECORDS * RARE_SLOTS);
    memory.rare.set(group, rare);
  }
  const at = (index % RARE_RECORDS) * RARE_SLOTS;
  for (let i = 0; i < RARE_SLOTS; i++) rare[at + i] = record[RARE + i]!;
}
