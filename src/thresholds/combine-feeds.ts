import type { ResultFeed } from '../model/exposure.ts';
import { MINUTE_MS } from '../model/time.ts';
import { type FeedSeconds, feedsOf, readFeedSeconds, speaksAt } from './feed-seconds.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import {
  CONTACT,
  emptyTable,
  type MinuteTable,
  NO_CONTACT,
  readMinuteTable,
  type WritableTable,
} from './minute-table.ts';
import { isPresentThroughout, presenceAt } from './presence.ts';
import { isHeatC, quantityOf } from './quantity.ts';
import type { RuleInputs } from './rule-inputs.ts';

/** The minutes of a rule, and what each of several channels stood for in them. */
export interface CombinedTable {
  readonly table: MinuteTable;
  /** Absent: the subject's own channel alone. */
  readonly feeds?: readonly ResultFeed[];
}

/**
 * The minute table of a rule that reads one channel or several. Only channels named as proof for a
 * minute, by the registry and not by what data came, can raise the lower bound: else losing the
 * primary's data would let a higher backup accuse (design §5).
 */
export function readRuleTable(inputs: RuleInputs): CombinedTable {
  if (inputs.further === undefined && inputs.first === undefined) {
    return { table: readMinuteTable(inputs) };
  }
  const empty = emptyTable(inputs);
  const { startMs, length } = empty;
  const table: CombinedMinutes = { ...empty, absent: new Uint8Array(length) };
  const feeds = feedsOf(inputs).map((feed) => readFeedSeconds(inputs, feed, startMs, length));
  const seconds = new Map(feeds.map((feed) => [feed, 0]));
  for (let index = 0; index < length; index++) combineMinute(inputs, table, feeds, index, seconds);
  return {
    table: { ...table, saturated: saturatedOf(inputs, table, feeds) },
    feeds: feeds.map(({ feed }, i) => ({
      channel: feed.channel,
      role: feed.role,
      seconds: seconds.get(feeds[i]!) ?? 0,
    })),
  };
}

type CombinedMinutes = WritableTable & { readonly absent: Uint8Array };

/** One second as its channels make it together. */
interface CombinedSecond {
  readonly isCovered: boolean;
  /** Seen by what is proof for the minute, not by a fallback. */
  readonly isProof: boolean;
  readonly lower: number;
  readonly estimate: number;
  readonly value: number;
}

function combineMinute(
  inputs: RuleInputs,
  table: CombinedMinutes,
  feeds: readonly FeedSeconds[],
  index: number,
  seconds: Map<FeedSeconds, number>,
): void {
  const atMs = table.startMs + index * MINUTE_MS;
  const speaking = feeds.filter(({ feed }) => speaksAt(feed, atMs));
  const proofs = speaking.filter(({ feed }) => feed.role === 'proof');
  if (proofs.length === 0) return;
  const inContact = table.contact[index] === CONTACT;
  const isHeat = quantityOf(inputs.subject.limitKind) === 'heat';
  // Heat has no zero: what some channels saw of a second says nothing of it.
  const needsAll = isHeat || inputs.combine === 'all';
  const isThroughout = isPresentThroughout(speaking, index);
  const from = index * CELL_SECONDS;
  for (let at = from; at < from + CELL_SECONDS; at++) {
    if (inContact) noteSecond(table, speaking, at, seconds);
    if (proofs.some(({ conflict }) => conflict[at] === 1)) table.conflicts[index]!++;
    const presence = presenceAt(speaking, at);
    if (presence === 'absent') table.absent[index]!++;
    // Of a part of a minute heat can't say how hot it was: as if it weren't seen.
    if (presence !== 'present' || (isHeat && !isThroughout)) continue;
    const second = combineSecond(needsAll, speaking, proofs, at);
    if (!second.isCovered && second.lower === 0) continue;
    if (second.isCovered) {
      table.covered[index]!++;
      table.estimate[index]! += second.estimate;
      if (inContact && second.isProof && isThroughout)
        table.max = Math.max(table.max ?? second.value, second.value);
    }
    if (isHeat) {
      if (!second.isCovered || !isHeatC(second.value)) continue;
      table.hot[index]!++;
    }
    if (isThroughout) table.lower[index]! += second.lower;
  }
}

/** Counts what each channel gave, and why it gave nothing. */
function noteSecond(
  table: WritableTable,
  speaking: readonly FeedSeconds[],
  at: number,
  seconds: Map<FeedSeconds, number>,
): void {
  for (const feed of speaking) {
    if (feed.seen[at] === 1) seconds.set(feed, (seconds.get(feed) ?? 0) + 1);
    const reason = feed.feed.role === 'proof' ? feed.excluded.get(at) : undefined;
    if (reason !== undefined) table.excluded[reason] = (table.excluded[reason] ?? 0) + 1;
  }
}

const UNSEEN = { isCovered: false, isProof: false, estimate: 0, value: 0 };
const NOTHING: CombinedSecond = { ...UNSEEN, lower: 0 };
function combineSecond(
  needsAll: boolean,
  speaking: readonly FeedSeconds[],
  proofs: readonly FeedSeconds[],
  at: number,
): CombinedSecond {
  let lower = 0;
  let estimate = 0;
  let value = 0;
  let isWhole = true;
  for (const proof of proofs) {
    if (proof.seen[at] === 0) {
      isWhole = false;
      continue;
    }
    lower += proof.lower[at]!;
    estimate += proof.estimate[at]!;
    value += proof.value[at]! * proof.feed.share;
  }
  if (isWhole) return { isCovered: true, isProof: true, lower, estimate, value };
  if (needsAll) return NOTHING;
  const fallback = speaking.find(({ feed, seen }) => feed.role === 'fallback' && seen[at] === 1);
  return fallback === undefined
    ? { ...UNSEEN, lower }
    : {
        isCovered: true,
        isProof: false,
        lower,
        estimate: fallback.estimate[at]!,
        value: fallback.value[at]!,
      };
}

/** T counts where its channel is proof by itself; in heat and under a presence record for nothing. */
function saturatedOf(
  inputs: RuleInputs,
  table: WritableTable,
  feeds: readonly FeedSeconds[],
): MinuteTable['saturated'] {
  const needsAll = inputs.combine === 'all' || quantityOf(inputs.subject.limitKind) === 'heat';
  if (needsAll || feeds.some(({ feed }) => feed.role === 'presence')) return [];
  return feeds
    .filter(({ feed }) => feed.role === 'proof')
    .flatMap(({ saturated }) => saturated)
    .filter(({ index }) => table.contact[index] !== NO_CONTACT)
    .sort((a, b) => a.index - b.index || a.resolvedIndex - b.resolvedIndex);
}
