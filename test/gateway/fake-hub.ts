import { Aedes } from 'aedes';
import { Batch } from '../../src/model/batch.ts';
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
import { createBrokerDoor } from './broker-door.ts';

/** A message as it came, in the order of coming. */
export interface Received {
  readonly topic: string;
  readonly channel: string;
  readonly payload: Buffer;
  readonly atMs: number;
}

export interface FakeHub {
  readonly port: number;
  readonly key: SigningKey;
  readonly received: Received[];
  /** Distinct batches by `epoch/seq`; a second content under one key throws at once. */
  readonly batches: ReadonlyMap<string, { readonly batch: Batch; readonly hash: string }>;
  readonly gaps: readonly GapMessage[];
  readonly seals: readonly SealMessage[];
  /** Whether acks are sent 20 ms after what they acknowledge; at the start: yes. */
  acks: boolean;
  /** While set, publishes get no PUBACK. */
  holdPubacks: boolean;
  /** Drops the link after taking a message, without PUBACK, when this says so. */
  cutAfter: (received: Received) => boolean;
  ackNow(signedBy?: SigningKey): void;
  publish(channel: 'ack' | 'command', payload: string | Buffer): void;
  /** The network goes away, and comes back on the same port. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const GATEWAY = 'gw-test';
const REGION = '330106';

/** A broker and hub that keep everything in memory and acknowledge with a real key. */
export async function startFakeHub(): Promise<FakeHub> {
  const key = signingKeyFromPem(generateKeyPem());
  const received: Received[] = [];
  const batches = new Map<string, { batch: Batch; hash: string }>();
  const gaps: GapMessage[] = [];
  const seals: SealMessage[] = [];
  const broker = new Aedes({
    authorizePublish(client, packet, callback) {
      if (client === null) return callback(null);
      const channel = packet.topic.split('/')[4] ?? '';
      const payload = Buffer.from(packet.payload);
      const message = { topic: packet.topic, channel, payload, atMs: performance.now() };
      received.push(message);
      take(channel, payload);
      if (hub.cutAfter(message)) {
        client.close();
        return;
      }
      if (!hub.holdPubacks) callback(null);
      ackSoon();
    },
  });
  await broker.listen();
  const door = await createBrokerDoor(broker);
  let ackTimer: NodeJS.Timeout | undefined;

  function take(channel: string, payload: Buffer): void {
    const json: unknown = JSON.parse(payload.toString());
    if (channel === 'live' || channel === 'backfill') {
      const batch = Batch.parse(json);
      const hash = sha256Hex(payload);
      const known = batches.get(`${batch.epoch}/${batch.seq}`);
      if (known !== undefined && known.hash !== hash) throw new Error('same key, other content');
      batches.set(`${batch.epoch}/${batch.seq}`, { batch, hash });
    } else if (channel === 'gap') {
      gaps.push(GapMessage.parse(json));
    } else if (channel === 'seal') {
      seals.push(SealMessage.parse(json));
    }
  }

  function ackSoon(): void {
    if (!hub.acks) return;
    ackTimer ??= setTimeout(() => {
      ackTimer = undefined;
      hub.ackNow();
    }, 20);
  }

  const hub: FakeHub = {
    port: door.port,
    key,
    received,
    batches,
    gaps,
    seals,
    acks: true,
    holdPubacks: false,
    cutAfter: () => false,
    ackNow(signedBy = key) {
      const ack = { v: 1, gateway: GATEWAY, accepts: [1], at: Date.now(), epochs: progress() };
      hub.publish('ack', JSON.stringify(signMessage(ack, signedBy)));
    },
    publish(channel, payload) {
      const topic = `wugan/v1/${REGION}/${GATEWAY}/${channel}`;
      const retain = channel === 'ack';
      const rest = { qos: 1 as const, retain, dup: false };
      broker.publish({ cmd: 'publish', topic, payload, ...rest }, () => undefined);
    },
    goDown: door.shut,
    comeBack: door.open,
    async close() {
      clearTimeout(ackTimer);
      hub.acks = false;
      await door.shut();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };

  function progress() {
    const byEpoch = new Map<string, Set<number>>();
    const of = (epoch: string): Set<number> => {
      const seqs = byEpoch.get(epoch) ?? new Set<number>();
      byEpoch.set(epoch, seqs);
      return seqs;
    };
    for (const { batch } of batches.values()) of(batch.epoch!).add(batch.seq!);
    for (const gap of gaps)
      for (let seq = gap.from; seq <= gap.to; seq += 1) of(gap.epoch).add(seq);
    return [...byEpoch].map(([epoch, seqs]) => {
      let durable = 0;
      while (seqs.has(durable + 1)) durable += 1;
      const above = [...seqs].filter((seq) => seq > durable).sort((a, b) => a - b);
      const stored: [number, number][] = [];
      for (const seq of above) {
        const last = stored.at(-1);
        if (last !== undefined && last[1] === seq - 1) last[1] = seq;
        else stored.push([seq, seq]);
      }
      const sealed = Math.max(0, ...seals.filter((s) => s.epoch === epoch).map((s) => s.upTo));
      return { epoch, durable, stored: stored.slice(0, 64), sealed };
    });
  }

  await door.open();
  return hub;
}

/** Faults of the chain that the hub has, from the very first batch to the last; empty: sound. */
export function chainFaults(hub: FakeHub, gatewayPublicKey: string): string[] {
  const faults: string[] = [];
  for (const message of [...hub.gaps, ...hub.seals]) {
    if (!verifyMessage(message, gatewayPublicKey)) faults.push(`bad signature in ${message.epoch}`);
  }
  const all = [...hub.batches.values()];
  const epochs = [
    ...new Set([...all.map(({ batch }) => batch.epoch!), ...hub.gaps.map((g) => g.epoch)]),
  ];
  let head = ZERO_HASH;
  for (const epoch of epochs.sort()) {
    const own = all.filter(({ batch }) => batch.epoch === epoch);
    const bySeq = new Map(own.map((entry) => [entry.batch.seq!, entry]));
    const gaps = hub.gaps.filter((gap) => gap.epoch === epoch);
    const last = Math.max(...bySeq.keys(), ...gaps.map((gap) => gap.to));
    for (let seq = 1; seq <= last; ) {
      const entry = bySeq.get(seq);
      const gap = gaps.find(({ from }) => from === seq);
      if (entry === undefined && gap === undefined) {
        faults.push(`${epoch}/${seq} is missing`);
        break;
      }
      const prev = entry?.batch.prev ?? gap?.prev;
      if (prev !== head) faults.push(`${epoch}/${seq} does not follow`);
      head = entry?.hash ?? gap?.hash ?? ZERO_HASH;
      seq = entry === undefined ? gap!.to + 1 : seq + 1;
      const seal = hub.seals.find((s) => s.epoch === epoch && s.upTo === seq - 1);
      if (seal !== undefined && seal.hash !== head) faults.push(`seal of ${epoch}/${seq - 1}`);
    }
  }
  return faults;
}

/** The `at` of all frames of a device in all distinct batches, in order. */
export function timesOf(hub: FakeHub, device: string): number[] {
  return [...hub.batches.values()]
    .flatMap(({ batch }) => batch.frames)
    .filter((frame) => frame.device === device)
    .map((frame) => frame.at)
    .sort((a, b) => a - b);
}
