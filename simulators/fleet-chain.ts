import { sha256Hex } from '../src/model/digest.ts';
import { ZERO_HASH } from '../src/model/ids.ts';
import { SECOND_MS } from '../src/model/time.ts';
import { type SigningKey, signMessage } from '../src/telemetry/signing.ts';
import { noiseOf } from './dust.ts';
import { FLEET_METRICS, type FleetMember, LOADS, type Load } from './fleet-member.ts';

/** Where a member's chain stands; a run goes on from it. */
export interface ChainHead {
  readonly epoch: string;
  /** 0: nothing made yet. */
  readonly seq: number;
  readonly hash: string;
  /** End of the last span covered, UTC ms. */
  readonly atMs: number;
}

export interface FleetBatch {
  readonly seq: number;
  readonly payload: string;
  readonly sha256: string;
}

export interface FleetChain {
  nextBatch(): FleetBatch;
  /** The signed seal over the head. */
  seal(): string;
  head(): ChainHead;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID from a time and a number: the same run gives the same epochs. */
export function epochOf(timeMs: number, index: number): string {
  let time = '';
  for (let rest = timeMs, n = 0; n < 10; n += 1, rest = Math.floor(rest / 32)) {
    time = CROCKFORD[rest % 32] + time;
  }
  return `${time}${String(index).padStart(16, '0')}`;
}

/** What each metric plays, as JSON numbers: a cycle of this many values, drawn once. */
const CYCLE = 64;
const QUIET = [
  [4, 3],
  [72, 6],
  [2, 1],
  [21, 2],
  [1.5, 1],
] as const;
/** Over the limit in CO, noise and H2S by far more than any uncertainty. */
const LOUD = [
  [45, 6],
  [91, 4],
  [16, 2],
  [21, 2],
  [1.5, 1],
] as const;

const cycleOf = (levels: typeof QUIET | typeof LOUD): readonly (readonly string[])[] =>
  levels.map(([base, spread], metric) =>
    Array.from({ length: CYCLE }, (_, n) => (base + spread * noiseOf(1, metric, n)).toFixed(1)),
  );
const QUIET_CYCLES = cycleOf(QUIET);
const LOUD_CYCLES = cycleOf(LOUD);

/**
 * Makes a member's batches one after another: each names the hash of the one before. Everything in
 * them follows from the arguments, so that two runs send the same bytes.
 */
export function createFleetChain(options: {
  readonly member: FleetMember;
  readonly key: SigningKey;
  readonly load: Load;
  /** Time covered by one frame, whole seconds. */
  readonly frameSpanMs: number;
  readonly startMs: number;
  /** Whether its values lie over the limits. */
  readonly isOver: boolean;
  readonly head?: ChainHead;
}): FleetChain {
  const { member, frameSpanMs, startMs } = options;
  const { frames, metrics } = LOADS[options.load];
  const cycles = options.isOver ? LOUD_CYCLES : QUIET_CYCLES;
  const names = FLEET_METRICS.slice(0, metrics).map(({ metric }) => metric);
  const given = options.head;
  const epoch = given?.epoch ?? epochOf(startMs, member.index);
  const intro = `{"v":1,"gateway":"${member.gateway}","epoch":"${epoch}","seq":`;
  let seq = given?.seq ?? 0;
  let prev = given?.hash ?? ZERO_HASH;
  let atMs = given?.atMs ?? startMs;

  const frame = (endMs: number): string => {
    const turn = endMs / SECOND_MS + member.index * 7;
    let values = '';
    for (let metric = 0; metric < metrics; metric += 1) {
      const value = cycles[metric]![(turn * (metric + 1)) % CYCLE];
      values += `${metric === 0 ? '' : ','}"${names[metric]}":${value}`;
    }
    const head = `"device":"${member.device}","at":${endMs},"spanMs":${frameSpanMs}`;
    return `{${head},"values":{${values}}}`;
  };

  return {
    nextBatch() {
      seq += 1;
      let list = '';
      for (let n = 0; n < frames; n += 1) {
        atMs += frameSpanMs;
        list += `${n === 0 ? '' : ','}${frame(atMs)}`;
      }
      const payload =
        `${intro}${seq},"prev":"${prev}","createdAt":${atMs},` +
        `"clock":{"source":"ntp","offsetMs":3,"errMs":20},"frames":[${list}]}`;
      prev = sha256Hex(payload);
      return { seq, payload, sha256: prev };
    },
    seal: () =>
      JSON.stringify(
        signMessage({ v: 1, gateway: member.gateway, epoch, upTo: seq, hash: prev }, options.key),
      ),
    head: () => ({ epoch, seq, hash: prev, atMs }),
  };
}
