import { sha256Hex } from '../../src/model/digest.ts';
import { ZERO_HASH } from '../../src/model/ids.ts';
import { GapMessage, SealMessage } from '../../src/telemetry/messages.ts';
import {
  generateKeyPem,
  type SigningKey,
  signingKeyFromPem,
  signMessage,
  verifyMessage,
} from '../../src/telemetry/signing.ts';
import { validateBatch } from '../../src/telemetry/validate.ts';

export const GATEWAY = 'gw-test';
export const REGION = '330106';

interface Link {
  readonly prev: string;
  readonly hash: string;
  /** `at` of its first frame. */
  readonly atMs: number;
}

interface EpochStore {
  readonly batches: Map<number, Link>;
  readonly gaps: GapMessage[];
  readonly seals: SealMessage[];
  durable: number;
  /** Seqs above `durable` that a batch or gap speaks for. */
  readonly above: Set<number>;
}

/** What a hub keeps of a gateway, in memory: the chain, not the values. */
export interface HubStore {
  readonly key: SigningKey;
  /** True for what must be acknowledged. Throws on a second content under one key, and on rubbish. */
  take(channel: string, payload: Buffer): boolean;
  /** The signed ack of all that is stored. */
  ack(): string;
  /** Distinct batches, and copies that came again. */
  counts(): {
    readonly batches: number;
    readonly copies: number;
    readonly gaps: number;
    readonly seals: number;
  };
  /** `at` of all batches, in order. */
  times(): number[];
  /** Faults of the chain, from the very first batch to the last; empty: sound. */
  faults(gatewayPublicKey: string): string[];
}

export function createHubStore(key = signingKeyFromPem(generateKeyPem())): HubStore {
  const epochs = new Map<string, EpochStore>();
  let copies = 0;

  function of(epoch: string): EpochStore {
    const known = epochs.get(epoch);
    if (known !== undefined) return known;
    const made = { batches: new Map(), gaps: [], seals: [], durable: 0, above: new Set<number>() };
    epochs.set(epoch, made);
    return made;
  }

  function settle(store: EpochStore, from: number, to: number): void {
    for (let seq = Math.max(from, store.durable + 1); seq <= to; seq += 1) store.above.add(seq);
    while (store.above.delete(store.durable + 1)) store.durable += 1;
  }

  function takeBatch(payload: Buffer): void {
    const validated = validateBatch(payload);
    if (validated.kind !== 'batch') throw new Error(`not a batch: ${JSON.stringify(validated)}`);
    const { epoch, seq, prev, frames } = validated.batch;
    const store = of(epoch!);
    const hash = sha256Hex(payload);
    const known = store.batches.get(seq!);
    if (known !== undefined) copies += 1;
    if (known !== undefined && known.hash !== hash) throw new Error(`two contents of ${seq}`);
    store.batches.set(seq!, { prev: prev!, hash, atMs: frames[0]!.at });
    settle(store, seq!, seq!);
  }

  const all = (): [string, EpochStore][] => [...epochs].sort(([a], [b]) => (a < b ? -1 : 1));

  return {
    key,
    take(channel, payload) {
      if (channel === 'live' || channel === 'backfill') takeBatch(payload);
      else if (channel === 'gap') {
        const gap = GapMessage.parse(JSON.parse(payload.toString()));
        of(gap.epoch).gaps.push(gap);
        settle(of(gap.epoch), gap.from, gap.to);
      } else if (channel === 'seal') {
        const seal = SealMessage.parse(JSON.parse(payload.toString()));
        of(seal.epoch).seals.push(seal);
      } else return false;
      return true;
    },
    ack() {
      const progress = all().map(([epoch, { durable, above, seals }]) => ({
        epoch,
        durable,
        stored: rangesOf(above).slice(0, 64),
        sealed: seals.reduce((max, { upTo }) => Math.max(max, upTo), 0),
      }));
      const ack = { v: 1, gateway: GATEWAY, accepts: [1], at: Date.now(), epochs: progress };
      return JSON.stringify(signMessage(ack, key));
    },
    counts() {
      const stores = [...epochs.values()];
      const sum = (count: (store: EpochStore) => number): number =>
        stores.reduce((n, store) => n + count(store), 0);
      return {
        batches: sum(({ batches }) => batches.size),
        copies,
        gaps: sum(({ gaps }) => gaps.length),
        seals: sum(({ seals }) => seals.length),
      };
    },
    times: () =>
      all().flatMap(([, { batches }]) =>
        [...batches].sort(([a], [b]) => a - b).map(([, { atMs }]) => atMs),
      ),
    faults: (publicKey) => faultsOf(all(), publicKey),
  };
}

function rangesOf(seqs: ReadonlySet<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}

function faultsOf(epochs: readonly [string, EpochStore][], publicKey: string): string[] {
  const faults: string[] = [];
  let head: string = ZERO_HASH;
  for (const [epoch, { batches, gaps, seals }] of epochs) {
    for (const message of [...gaps, ...seals]) {
      if (!verifyMessage(message, publicKey)) faults.push(`${epoch}: a bad signature`);
    }
    const sealed = new Map(seals.map(({ upTo, hash }) => [upTo, hash]));
    const gapFrom = new Map(gaps.map((gap) => [gap.from, gap]));
    const last = Math.max(0, ...gaps.map(({ to }) => to), lastOf(batches.keys()));
    for (let seq = 1; seq <= last; ) {
      const batch = batches.get(seq);
      const gap = gapFrom.get(seq);
      const link = batch ?? gap;
      if (link === undefined) {
        faults.push(`${epoch}/${seq} is missing`);
        break;
      }
      if (link.prev !== head) faults.push(`${epoch}/${seq} does not follow`);
      head = link.hash;
      seq = batch === undefined ? gap!.to + 1 : seq + 1;
      const seal = sealed.get(seq - 1);
      if (seal !== undefined && seal !== head)
        faults.push(`${epoch}/${seq - 1} is sealed otherwise`);
    }
  }
  return faults;
}

function lastOf(seqs: Iterable<number>): number {
  let last = 0;
  for (const seq of seqs) last = Math.max(last, seq);
  return last;
}
