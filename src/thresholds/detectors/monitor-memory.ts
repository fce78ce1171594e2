import { certificateExpired } from './certificate-expired.ts';
import { flatLine } from './flat-line.ts';
import { identicalNeighbours } from './identical-neighbours.ts';
import { jump } from './jump.ts';
import { outOfRange } from './out-of-range.ts';
import { productionGap } from './production-gap.ts';
import { silence } from './silence.ts';
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
});
export const SLOT = starts.at;

/** Numbers kept of a channel: 8 bytes each, whatever the detectors see. */
export const CHANNEL_SLOTS = starts.end;

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

const PAGE_RECORDS = 256;

export const createPagedNumbers = (slots: number): PagedNumbers => ({ slots, pages: [] });

/** The numbers among which a record lies. */
export function pageOf(numbers: PagedNumbers, index: number): Float64Array {
  const page = Math.floor(index / PAGE_RECORDS);
  while (numbers.pages.length <= page) addPage(numbers);
  return numbers.pages[page]!;
}

/** Makes room for 256 more. */
export function addPage({ slots, pages }: PagedNumbers): Float64Array {
  const page = new Float64Array(PAGE_RECORDS * slots);
  pages.push(page);
  return page;
}

/** Where among them it begins. */
export const recordOf = ({ slots }: PagedNumbers, index: number): number =>
  (index % PAGE_RECORDS) * slots;
