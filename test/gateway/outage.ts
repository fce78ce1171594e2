import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { createRandom } from '../../simulators/seeded-random.ts';
import type { GatewayConfigInput } from '../../src/gateway/config.ts';
import { HOUR_MS, SECOND_MS } from '../../src/model/time.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { createBrokerDoor } from './broker-door.ts';
import { createHubStore, type HubStore } from './hub-store.ts';

/** What a process of the gateway is told. */
export interface OutageOrder {
  readonly config: GatewayConfigInput;
  /** Point of the hot path at which it kills itself. */
  readonly armed: string | null;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Null: make up seconds until `untilMs` as fast as possible. */
  readonly pace: Pace | null;
}

interface Pace {
  readonly realMs: number;
  readonly virtualMs: number;
  readonly speed: number;
}

export interface OutageReport {
  readonly kills: number;
  readonly batches: number;
  readonly copies: number;
  readonly gaps: number;
  readonly seals: number;
  readonly faults: readonly string[];
  /** Seconds of the outage that no batch speaks for. */
  readonly missingSeconds: number;
  /** Messages of the backlog that arrived between the end of a second and its own arrival, at most. */
  readonly overtakenMax: number;
  /** Virtual time from the end of a second to its arrival, while the backlog went, after all kills. */
  readonly liveLatencyMsMax: number;
  readonly liveLatencyMsP99: number;
  readonly liveCount: number;
  /** Batches of the backlog that arrived in the same time. */
  readonly backfillBeside: number;
  readonly spoolBytesAtMost: number;
  /** Real time until it was filled, until the last kill, and in all. */
  readonly filledMs: number;
  readonly killedMs: number;
  readonly tookMs: number;
}

/** Virtual seconds in a real one while the backlog is sent: 2 s of latency are 667 ms. */
const SPEED = 3;
const FROM_MS = 1_763_794_800_000;
const FILL_POINTS = ['gateway:before-append', 'gateway:after-append'] as const;
const SEND_POINTS = [
  'gateway:before-append',
  'gateway:after-append',
  'gateway:after-publish',
  'gateway:after-puback',
  'gateway:before-delete',
] as const;

/**
 * The broker is away for `hours` of 64 metrics at 1 Hz, then comes back, goes, and comes again; the
 * gateway is killed with SIGKILL all the while: three fifths of the kills while it fills, the rest while
 * it reconnects and sends. Spool on a RAM disk where there is one: SIGKILL loses nothing of a file.
 */
export async function runOutage(settings: {
  readonly hours: number;
  readonly kills: number;
  readonly seed: number;
  readonly backfillPerSecond: number;
}): Promise<OutageReport> {
  const startedMs = performance.now();
  const random = createRandom(settings.seed);
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = mkdtempSync(join(base, 'wugan-outage-'));
  const hub = await startOutageHub();
  const gateway = createVictims(join(folder, 'compiled'));
  const untilMs = FROM_MS + settings.hours * HOUR_MS;
  const config: GatewayConfigInput = {
    gateway: 'gw-test',
    region: '330106',
    mqtt: { url: `mqtt://127.0.0.1:${hub.port}`, reconnectMsMin: 10, reconnectMsMax: 50 },
    hubPublicKey: hub.store.key.publicKey,
    keyFile: join(folder, 'key.pem'),
    spoolFile: join(folder, 'spool.sqlite'),
    clock: { source: 'virtual', errMs: 10 },
    buses: [{ id: 'b', transport: 'tcp', host: 'h', devices: [PLACEHOLDER] }],
    backfillPerSecond: settings.backfillPerSecond,
    resendAfterMs: 2_000,
  };
  const order = { config, fromMs: FROM_MS, untilMs };
  const { publicKey } = readOrMakeKey(config.keyFile);
  try {
    const fillKills = Math.round(settings.kills * 0.6);
    const perKill = (settings.hours * 3_600) / (fillKills + 1);
    for (let i = 0; i < fillKills; i += 1) {
      const point = FILL_POINTS[i % FILL_POINTS.length]!;
      const count = 1 + Math.floor(random() * perKill);
      await gateway.untilDead({ ...order, armed: `${point}#${count}`, pace: null });
    }
    await gateway.untilDone({ ...order, armed: null, pace: null });
    const filledMs = performance.now() - startedMs;

    const pace = { realMs: Date.now(), virtualMs: untilMs, speed: SPEED };
    hub.follow(pace);
    await hub.comeBack();
    for (let i = fillKills; i < settings.kills; i += 1) {
      if (i % 10 === 5) await hub.goDown();
      const fromOutside = i % 6 === 5;
      const point = SEND_POINTS[i % 6]!;
      // Appends and acks come with the seconds; the backlog in bursts.
      const isOften = point === 'gateway:after-publish' || point === 'gateway:after-puback';
      const count = 1 + Math.floor(random() * (isOften ? 100 : 2));
      const armed = fromOutside || !hub.isUp() ? null : `${point}#${count}`;
      const killAfterMs = armed === null ? 20 + random() * 150 : null;
      await gateway.untilDead({ ...order, armed, pace }, killAfterMs);
      if (!hub.isUp()) await hub.comeBack();
    }
    const killedMs = performance.now() - startedMs;
    hub.measure();
    await gateway.untilDone({ ...order, armed: null, pace });
    const tookMs = performance.now() - startedMs;
    return {
      ...hub.report(publicKey, untilMs),
      kills: gateway.kills(),
      filledMs,
      killedMs,
      tookMs,
    };
  } finally {
    gateway.close();
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The settings want a bus; nothing polls it here. */
const PLACEHOLDER = {
  device: 'none',
  points: [
    { metric: 'none', address: 0, type: 'int16' as const, range: [0, 1] as [number, number] },
  ],
};

/**
 * Processes of the gateway, one after the other; the next one is warm when one dies. They share a
 * folder of compiled code: two hundred starts are most of the run otherwise.
 */
function createVictims(compiledFolder: string) {
  const script = new URL('./outage-process.ts', import.meta.url).pathname;
  const warm = (): { child: ChildProcess; ready: Promise<unknown> } => {
    const child = fork(script, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiledFolder },
    });
    return { child, ready: once(child, 'message') };
  };
  let kills = 0;
  let next = warm();
  let current: ChildProcess | undefined;

  async function begin(order: OutageOrder): Promise<ChildProcess> {
    const { child, ready } = next;
    await ready;
    current = child;
    next = warm();
    child.send(order);
    return child;
  }

  return {
    kills: () => kills,
    /** Starts one and waits until it has killed itself, or kills it. */
    async untilDead(order: OutageOrder, killAfterMs: number | null = null): Promise<void> {
      const child = await begin(order);
      const exited = once(child, 'exit');
      if (killAfterMs !== null) {
        await sleep(killAfterMs);
        child.kill('SIGKILL');
      }
      const [code, signal] = await exited;
      if (signal !== 'SIGKILL') throw new Error(`ended with ${code} ${signal}, not by its kill`);
      kills += 1;
    },
    /** Starts one and waits until it says that it is done; kills it then. */
    async untilDone(order: OutageOrder): Promise<void> {
      const child = await begin(order);
      await once(child, 'message');
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    close() {
      current?.kill('SIGKILL');
      next.child.kill('SIGKILL');
    },
  };
}

async function startOutageHub() {
  const store: HubStore = createHubStore();
  const liveLatenciesMs: number[] = [];
  let pace: Pace | null = null;
  let isMeasuring = false;
  /** When each message of the backlog arrived, in virtual time. */
  const backfillTimes: number[] = [];
  let overtakenMax = 0;
  let besideFromMs: number | null = null;
  let spoolBytesAtMost = 0;
  let ackTimer: NodeJS.Timeout | undefined;
  const broker = new Aedes({
    authorizePublish(client, packet, callback) {
      callback(null);
      if (client !== null) take(packet.topic, Buffer.from(packet.payload));
    },
  });
  await broker.listen();

  function take(topic: string, payload: Buffer): void {
    const channel = topic.split('/')[4] ?? '';
    if (channel === 'status') {
      const { spool } = JSON.parse(payload.toString());
      spoolBytesAtMost = Math.max(spoolBytesAtMost, spool?.bytes ?? 0);
    }
    if (isMeasuring && pace !== null) {
      const nowMs = pace.virtualMs + (Date.now() - pace.realMs) * pace.speed;
      if (channel === 'backfill') {
        backfillTimes.push(nowMs);
        besideFromMs ??= nowMs;
      }
      if (channel === 'live') onLive(JSON.parse(payload.toString()).frames[0].at, nowMs);
    }
    if (!store.take(channel, payload) && channel !== 'status') return;
    ackTimer ??= setTimeout(() => {
      ackTimer = undefined;
      const ack = topic.replace(/[^/]+$/, 'ack');
      const rest = { qos: 1 as const, retain: true, dup: false };
      broker.publish(
        { cmd: 'publish', topic: ack, payload: store.ack(), ...rest },
        () => undefined,
      );
    }, 50);
  }

  /** Counts from the first of the backlog on: what lay there from a killed process was not live. */
  function onLive(atMs: number, nowMs: number): void {
    if (besideFromMs === null || atMs < besideFromMs) return;
    liveLatenciesMs.push(nowMs - atMs);
    const before = backfillTimes.findLastIndex((timeMs) => timeMs <= atMs) + 1;
    overtakenMax = Math.max(overtakenMax, backfillTimes.length - before);
  }

  const door = await createBrokerDoor(broker);
  return {
    port: door.port,
    store,
    isUp: door.isOpen,
    comeBack: door.open,
    goDown: door.shut,
    follow(next: Pace) {
      pace = next;
    },
    measure() {
      isMeasuring = true;
    },
    report(publicKey: string, untilMs: number) {
      const { batches } = store.counts();
      const seconds = new Set(store.times());
      let missingSeconds = 0;
      for (let at = FROM_MS + SECOND_MS; at <= untilMs; at += SECOND_MS) {
        if (!seconds.has(at)) missingSeconds += 1;
      }
      if (seconds.size !== batches)
        throw new Error(`${batches} batches of ${seconds.size} seconds`);
      const sorted = liveLatenciesMs.sort((a, b) => a - b);
      const liveLatencyMsMax = sorted.at(-1) ?? 0;
      const liveLatencyMsP99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
      const faults = store.faults(publicKey);
      const live = { liveLatencyMsMax, liveLatencyMsP99, liveCount: sorted.length, overtakenMax };
      const counts = { ...store.counts(), backfillBeside: backfillTimes.length };
      return { ...counts, faults, missingSeconds, spoolBytesAtMost, ...live };
    },
    async close() {
      clearTimeout(ackTimer);
      await door.shut();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };
}
