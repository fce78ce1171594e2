import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256Hex } from '../../src/model/digest.ts';
import { Ulid } from '../../src/model/ids.ts';
import { type ChainLinks, createChainLinks } from '../../src/thresholds/chain-links.ts';
import {
  breakSpan,
  createChainTrace,
  gapSpan,
  restoreTrace,
  saveTrace,
  traceLink,
  traceSeal,
} from '../../src/thresholds/chain-trace.ts';
import { linkPieces, readLinkPages, readLinks } from '../../src/thresholds/checkpoint-links.ts';
import type { TimeSpan } from '../../src/thresholds/time-spans.ts';

const EPOCHS = ['01JX000000000000000000000A', '01JX000000000000000000000B'].map((u) =>
  Ulid.parse(u),
);

interface Link extends TimeSpan {
  readonly from: number;
  readonly to: number;
  readonly hash: string | null;
}

/** One epoch's chain as a plain list: the first two are joined when there are more than `linksMax`. */
function obviousChain(linksMax: number) {
  let links: Link[] = [];
  let seals: { upTo: number; hash: string }[] = [];
  let sealedTo = 0;
  const span = (of: readonly TimeSpan[]): TimeSpan => ({
    fromMs: Math.min(...of.map(({ fromMs }) => fromMs)),
    untilMs: Math.max(...of.map(({ untilMs }) => untilMs)),
  });
  const join = (a: Link, b: Link): Link => ({ ...b, ...span([a, b]), from: a.from });
  const compare = (upTo: number, hash: string): TimeSpan[] => {
    const head = links.find(({ to }) => to === upTo);
    if (head === undefined || head.hash === null) return [];
    if (head.hash !== hash) {
      return [span(links.filter(({ from, to }) => to <= upTo && from > sealedTo))];
    }
    sealedTo = upTo;
    const joined: Link[] = [];
    for (const link of links) {
      const left = joined.at(-1);
      const joins = left !== undefined && link.to <= upTo && left.to + 1 === link.from;
      if (joins) joined.splice(-1, 1, join(left, link));
      else joined.push(link);
    }
    links = joined;
    return [];
  };
  return {
    add(link: Link): TimeSpan[] {
      if (links.some(({ from, to }) => from <= link.from && link.to <= to)) return [];
      links = [...links, link].sort((a, b) => a.from - b.from);
      if (links.length > linksMax) links = [join(links[0]!, links[1]!), ...links.slice(2)];
      const waited = seals.filter(({ upTo }) => upTo === link.to);
      seals = seals.filter(({ upTo }) => upTo !== link.to);
      return waited.flatMap(({ upTo, hash }) => compare(upTo, hash));
    },
    seal(upTo: number, hash: string): TimeSpan[] {
      if (upTo <= sealedTo) return [];
      if (links.some(({ from, to }) => from <= upTo && upTo <= to)) return compare(upTo, hash);
      seals = [...seals, { upTo, hash }].slice(-16);
      return [];
    },
    breakAt(seq: number): TimeSpan {
      const touched = links.filter(({ from, to }) => from <= seq && to >= seq - 1);
      return touched.length > 0 ? span(touched) : { fromMs: 7, untilMs: 8 };
    },
    gapAt(seq: number): TimeSpan {
      const untilMs = links.find(({ from }) => from > seq)?.fromMs ?? 99_999_999;
      const left = links.findLast(({ to }) => to < seq)?.untilMs ?? untilMs;
      return { fromMs: Math.min(left, untilMs), untilMs: untilMs + 1 };
    },
  };
}

const step = fc.record({
  gateway: fc.integer({ min: 0, max: 2 }),
  epoch: fc.integer({ min: 0, max: 1 }),
  seq: fc.integer({ min: 1, max: 60 }),
  length: fc.constantFrom(1, 1, 1, 4),
  kind: fc.constantFrom('next', 'next', 'next', 'link', 'seal', 'wrong-seal', 'restore'),
  hasHash: fc.boolean(),
});

function restoredLinks(links: ChainLinks): ChainLinks {
  const copy = createChainLinks();
  for (const { name, bytes } of linkPieces(links)) {
    const read = name.startsWith('links/') ? readLinks : readLinkPages;
    read(copy, Buffer.from(bytes()));
  }
  return copy;
}

it('traces of gateways that share their links say what a plain list of each says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 160 }), fc.boolean(), (steps, canSeal) => {
      let links = createChainLinks();
      const traces = [0, 1, 2].map(() => createChainTrace(links));
      const plain = traces.map(() => EPOCHS.map(() => obviousChain(canSeal ? 128 : 16)));
      const newest = traces.map(() => EPOCHS.map(() => 0));
      for (const { gateway, epoch: nth, seq, length, kind, hasHash } of steps) {
        const epoch = EPOCHS[nth]!;
        const trace = traces[gateway]!;
        const chain = plain[gateway]![nth]!;
        if (kind === 'restore') {
          links = restoredLinks(links);
          for (const [i, before] of traces.entries()) {
            const copy = createChainTrace(links);
            restoreTrace(copy, JSON.parse(JSON.stringify(saveTrace(before))));
            traces[i] = copy;
          }
        } else if (kind === 'seal' || kind === 'wrong-seal') {
          const hash = sha256Hex(`${kind === 'seal' ? nth : 'other'} ${seq}`);
          expect(traceSeal(trace, epoch, seq, hash)).toEqual(chain.seal(seq, hash));
        } else {
          const from = kind === 'next' ? newest[gateway]![nth]! + 1 : seq;
          const to = from + length - 1;
          newest[gateway]![nth] = Math.max(newest[gateway]![nth]!, to);
          const hash = hasHash ? sha256Hex(`${nth} ${to}`) : null;
          const link = { from, to, hash, fromMs: from * 1_000, untilMs: to * 1_000 + 1_001 };
          expect(traceLink(trace, epoch, link, canSeal)).toEqual(chain.add(link));
        }
        expect(breakSpan(traces[gateway]!, epoch, seq, 7)).toEqual(chain.breakAt(seq));
        const range = { from: seq, to: seq };
        expect(gapSpan(traces[gateway]!, epoch, range, 99_999_999)).toEqual(chain.gapAt(seq));
      }
    }),
    { numRuns: 300 },
  );
});
