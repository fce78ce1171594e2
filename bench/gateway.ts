import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type ModbusServer, startModbusServer } from '../simulators/modbus-server.ts';
import type { GatewayConfigInput } from '../src/gateway/config.ts';
import type { GatewayStatus } from '../src/gateway/status.ts';
import { askStatus } from '../src/gateway/status-socket.ts';
import { SECOND_MS } from '../src/model/time.ts';
import { cpuSeconds, startChild, startProgram } from './child.ts';

// One gateway process that polls 2,000 points of 100 Modbus TCP devices at 1 Hz, real time, spool on the
// disk, a broker that acknowledges and keeps nothing. Then the same with 5 of the devices dead.
//   npm run bench:gateway -- 20        seconds of each run
const seconds = Number(process.argv[2] ?? '20');
const DEVICES = 100;
const POINTS_OF_DEVICE = 20;
const DEAD = 5;
const WARM_UP_MS = 8 * SECOND_MS;
const MIB = 1024 * 1024;
/** As docs/gateway.md starts it: a small young generation, or V8 takes 50 MiB more for nothing. */
const NODE_FLAGS = ['--max-semi-space-size=1'];

interface Measured {
  readonly cpuShare: number;
  readonly rssMib: number;
  readonly requestsPerCycle: number;
  /** Good readings of the devices that are alive, of those there could be. */
  readonly healthyShare: number;
  readonly rttMsP99: number;
}

/** 20 floats in three groups with gaps between, as instruments have them. */
const points = Array.from({ length: POINTS_OF_DEVICE }, (_, i) => ({
  metric: `m${i}`,
  address: i * 2 + Math.floor(i / 7) * 6,
  type: 'float32' as const,
  range: [-1_000, 1_000] as [number, number],
}));

interface Floor {
  readonly servers: readonly ModbusServer[];
  requests(): number;
}

/** The devices, in this process; the last `dead` of them take connections and say nothing. */
async function startDevices(dead: number): Promise<Floor> {
  let requests = 0;
  const value = Buffer.alloc(4);
  value.writeFloatBE(83.2);
  const servers = await Promise.all(
    Array.from({ length: DEVICES }, (_, i) =>
      startModbusServer({ host: '127.0.0.1', port: 0 }, ({ count }) => {
        requests += 1;
        return i >= DEVICES - dead ? null : Buffer.alloc(count * 2, value);
      }),
    ),
  );
  return { servers, requests: () => requests };
}

function configOf(folder: string, mqttUrl: string, { servers }: Floor): GatewayConfigInput {
  return {
    gateway: 'gw-bench',
    region: '330106',
    logLevel: 'silent',
    mqtt: { url: mqttUrl },
    hubPublicKey: Buffer.alloc(32).toString('base64'),
    keyFile: join(folder, 'key.pem'),
    spoolFile: join(folder, 'spool.sqlite'),
    statusSocket: join(folder, 'status.sock'),
    clock: { source: 'ntp', errMs: 10 },
    buses: servers.map(({ port }, i) => ({
      id: `bus-${i}`,
      transport: 'tcp' as const,
      host: '127.0.0.1',
      port,
      devices: [{ device: `device-${i}`, points }],
    })),
  };
}

async function statusOf(folder: string): Promise<GatewayStatus> {
  const status = await askStatus(join(folder, 'status.sock'));
  if (!status.ok) throw new Error(`Cannot ask the gateway: ${status.detail}`);
  return status.value as GatewayStatus;
}

async function rssMibOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / MIB;
}

async function run(dead: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'wugan-bench-'));
  const floor = await startDevices(dead);
  const broker = await startChild(['bench/bare-broker.ts']);
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, stringify(configOf(folder, broker.ready['mqtt']!, floor)));
  const gateway = startProgram([...NODE_FLAGS, 'bin/wugan.js', 'gateway', 'run', '-c', file]);
  try {
    await sleep(WARM_UP_MS);
    const pid = gateway.child.pid!;
    const before = { cpuS: await cpuSeconds(pid), requests: floor.requests() };
    const lostBefore = countsOf(await statusOf(folder), DEVICES - dead);
    await sleep(seconds * SECOND_MS);
    const status = await statusOf(folder);
    const after = countsOf(status, DEVICES - dead);
    const cpuShare = ((await cpuSeconds(pid)) - before.cpuS) / seconds;
    const lost = after.skipped + after.silent - lostBefore.skipped - lostBefore.silent;
    return {
      cpuShare,
      rssMib: await rssMibOf(pid),
      requestsPerCycle: (floor.requests() - before.requests) / seconds,
      healthyShare: 1 - lost / (seconds * (DEVICES - dead)),
      rttMsP99: Math.max(...status.devices.map(({ rttMsP99 }) => rttMsP99 ?? 0)),
    };
  } finally {
    await gateway.stop();
    await broker.stop();
    await Promise.all(floor.servers.map((server) => server.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function countsOf({ devices }: GatewayStatus, alive: number): { skipped: number; silent: number } {
  const own = devices.slice(0, alive);
  return {
    skipped: own.reduce((sum, { skipped }) => sum + skipped, 0),
    silent: own.reduce((sum, { silentPolls }) => sum + silentPolls, 0),
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function print(title: string, measured: Measured): void {
  const singly = DEVICES * POINTS_OF_DEVICE;
  console.log(
    `${title}: CPU ${percent(measured.cpuShare)} of a core, RSS ${measured.rssMib.toFixed(0)} MiB, ` +
      `${measured.requestsPerCycle.toFixed(1)} requests a cycle (one for each point: ${singly}), ` +
      `healthy rate ${percent(measured.healthyShare)}, RTT p99 ${measured.rttMsP99.toFixed(1)} ms`,
  );
}

console.log(
  `${DEVICES * POINTS_OF_DEVICE} points, ${DEVICES} devices, 1 Hz, ${seconds} s, ${cpus().length} cores shared`,
);
print('all alive', await run(0));
print(`${DEAD} dead`, await run(DEAD));
