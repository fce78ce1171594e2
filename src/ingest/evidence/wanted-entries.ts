import type { HeaderRow } from '../journal/header.ts';

/** What the raw evidence of one gateway is looked for in, from header rows in journal order. */
export interface WantedEntries {
  /** Takes the next row of the journal. */
  take(row: HeaderRow): void;
  /** True: every batch of the window is linked to a seal; nothing later can add to it. */
  isSealed(): boolean;
  /** False: all of the window belongs to no chain, so no seal can ever cover it. */
  mayBeSealed(): boolean;
  /** Positions to copy, ascending. */
  positions(): number[];
}

interface EpochRows {
  /** Batches of the window: the lowest and the highest seq; 0: none yet. */
  first: number;
  last: number;
  /** Position by seq, of batches and of each seq that a gap settles. */
  readonly bySeq: Map<number, number>;
  readonly seals: { readonly upTo: number; readonly pos: number }[];
}

/** Event time `(from_ms, to_ms]`, in entries up to position `pos`. */
export interface EvidenceWindow {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly pos: number;
}

/**
 * Chooses, among the entries of gateways, the batches of the window, what links them to the first seal
 * that covers them – the chain is checked from the seal backwards –, and that seal. What comes after
 * `pos` can be a link, never part of the window: it was judged without it.
 */
export function wantedEntries(
  gateways: ReadonlySet<string>,
  window: EvidenceWindow,
): WantedEntries {
  const epochs = new Map<string, EpochRows>();
  /** Batches of the window that belong to no chain. */
  const loose: number[] = [];

  const epochOf = (row: HeaderRow): EpochRows => {
    const key = `${row.gateway} ${row.epoch}`;
    const known = epochs.get(key);
    if (known !== undefined) return known;
    const made: EpochRows = { first: 0, last: 0, bySeq: new Map(), seals: [] };
    epochs.set(key, made);
    return made;
  };

  function takeBatch(row: HeaderRow): void {
    const { pos, seq, atMinMs, atMaxMs, conflict } = row;
    const isInside =
      pos <= window.pos &&
      atMinMs !== null &&
      atMinMs <= window.to_ms &&
      (atMaxMs as number) > window.from_ms;
    if (row.epoch === null || seq === null || conflict) {
      if (isInside) loose.push(pos);
      return;
    }
    const epoch = epochOf(row);
    if (!epoch.bySeq.has(seq)) epoch.bySeq.set(seq, pos);
    if (!isInside) return;
    epoch.first = epoch.first === 0 ? seq : Math.min(epoch.first, seq);
    epoch.last = Math.max(epoch.last, seq);
  }

  /** The seqs from the window's first to its seal; null: no seal covers it, or a link is missing. */
  function linksOf({ first, last, bySeq, seals }: EpochRows): number[] | null {
    const covering = seals.filter(({ upTo }) => upTo >= last).sort((a, b) => a.upTo - b.upTo)[0];
    if (covering === undefined) return null;
    const links = [covering.pos];
    for (let seq = first; seq <= covering.upTo; seq++) {
      const pos = bySeq.get(seq);
      if (pos === undefined) return null;
      links.push(pos);
    }
    return links;
  }

  function windowOf({ first, last, bySeq }: EpochRows): number[] {
    const found: number[] = [];
    for (let seq = first; seq <= last; seq++) {
      const pos = bySeq.get(seq);
      if (pos !== undefined) found.push(pos);
    }
    return found;
  }

  const touched = (): EpochRows[] => [...epochs.values()].filter(({ first }) => first > 0);

  return {
    take(row) {
      if (row.gateway === null || !gateways.has(row.gateway)) return;
      if (row.kind === 'live' || row.kind === 'backfill' || row.kind === 'parked') takeBatch(row);
      else if (row.kind === 'seal' && row.verified) {
        epochOf(row).seals.push({ upTo: row.seq as number, pos: row.pos });
      } else if (row.kind === 'gap') {
        const { bySeq } = epochOf(row);
        for (let seq = row.seq as number; seq <= (row.to as number); seq++) {
          if (!bySeq.has(seq)) bySeq.set(seq, row.pos);
        }
      }
    },
    isSealed: () =>
      loose.length === 0 && touched().length > 0 && touched().every((one) => linksOf(one) !== null),
    mayBeSealed: () => loose.length === 0 || touched().length > 0,
    positions() {
      const chained = touched().flatMap((one) => linksOf(one) ?? windowOf(one));
      return [...new Set([...chained, ...loose])].sort((a, b) => a - b);
    },
  };
}
