import { once } from 'node:events';
import { connect } from 'node:net';
import modbus from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { Scenario } from '../../simulators/scenario.ts';
import { type Sensors, startSensors } from '../../simulators/sensors.ts';
import { MINUTE_MS } from '../../src/model/time.ts';
import { createLogger } from '../../src/process/log.ts';

const log = createLogger('test', 'silent');
const anchorMs = Date.parse('2026-11-23T10:00:00+08:00');
const co = {
  kind: 'recording',
  recording: 'air-quality-1h',
  column: 'coMgPerM3',
  anchor: 'start',
  from: '2004-11-23 16:00:00',
  scale: 5,
};

const scenario = Scenario.parse({
  buses: [
    {
      bus: 'one',
      units: [
        {
          unit: 1,
          device: 'mixed',
          registers: [
            register('laeq', 'input', 12, 'int16', { scale: 0.1, missing: -32_768 }, 85.24),
            register('count', 'input', 13, 'uint16', { missing: 65_535 }, 65_535),
            register('none', 'input', 14, 'int16', { missing: -32_768 }, null),
            register('big', 'holding', 0, 'float32', { order: 'ABCD' }, 31.25),
            register('swapped', 'holding', 2, 'float32', { order: 'CDAB' }, -7.125),
            register('nothing', 'holding', 4, 'float32', {}, null),
            { metric: 'co', table: 'holding', address: 6, type: 'float32', series: co },
          ],
        },
        {
          unit: 2,
          device: 'sick',
          registers: [register('x', 'holding', 0, 'float32', {}, 1)],
          faults: [
            { kind: 'device-failure', fromMinute: 0, toMinute: 10 },
            { kind: 'silent', fromMinute: 10, toMinute: 20 },
          ],
        },
      ],
    },
    {
      bus: 'two',
      units: [
        {
          unit: 1,
          device: 'other',
          registers: [register('x', 'holding', 0, 'float32', {}, 2)],
        },
      ],
    },
  ],
});

function register(
  metric: string,
  table: string,
  address: number,
  type: string,
  encoding: object,
  value: number | null,
) {
  return { metric, table, address, type, ...encoding, series: { kind: 'constant', value } };
}

let nowMs = anchorMs;
const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function start(): Promise<Sensors> {
  nowMs = anchorMs;
  const clock = { now: () => nowMs, sleepUntil: () => Promise.resolve() };
  const sensors = await startSensors(scenario, { clock, anchorMs, log });
  open.push(sensors.close);
  return sensors;
}

type Client = InstanceType<typeof modbus.default>;

async function clientOf(port: number, unit = 1): Promise<Client> {
  const client = new modbus.default();
  await client.connectTCP('127.0.0.1', { port });
  client.setID(unit);
  client.setTimeout(2_000);
  open.push(() => new Promise((resolve) => client.close(() => resolve())));
  return client;
}

const floatOf = async (client: Client, address: number): Promise<number> =>
  (await client.readHoldingRegisters(address, 2)).buffer.readFloatBE(0);

describe('startSensors()', () => {
  it('writes a scaled int16 rounded to its step', async () => {
    const client = await clientOf((await start()).ports['one']!);
    const { buffer } = await client.readInputRegisters(12, 1);
    expect(buffer.readInt16BE(0)).toBe(852);
  });

  it('never lets a measurement look like the sentinel', async () => {
    const client = await clientOf((await start()).ports['one']!);
    expect((await client.readInputRegisters(13, 1)).data).toEqual([65_534]);
  });

  it('writes the sentinel where nothing was recorded', async () => {
    const client = await clientOf((await start()).ports['one']!);
    expect((await client.readInputRegisters(14, 1)).data).toEqual([0x8000]);
    expect(await floatOf(client, 4)).toBeNaN();
  });

  it('writes float32 big-endian, and word-swapped where the maker does so', async () => {
    const client = await clientOf((await start()).ports['one']!);
    expect(await floatOf(client, 0)).toBe(31.25);
    const { buffer } = await client.readHoldingRegisters(2, 2);
    expect(Buffer.concat([buffer.subarray(2, 4), buffer.subarray(0, 2)]).readFloatBE(0)).toBe(
      -7.125,
    );
  });

  it('answers several values in one request', async () => {
    const client = await clientOf((await start()).ports['one']!);
    expect((await client.readInputRegisters(12, 3)).data).toEqual([852, 65_534, 0x8000]);
  });

  it('gives the value of the second in which the request comes', async () => {
    const client = await clientOf((await start()).ports['one']!);
    expect(await floatOf(client, 6)).toBe(Math.fround(26.5));
    nowMs = anchorMs + 30 * MINUTE_MS;
    const halfPast = await floatOf(client, 6);
    expect(halfPast).toBe(Math.fround((26.5 + 36.5) / 2));
    nowMs += 999;
    expect(await floatOf(client, 6)).toBe(halfPast);
    nowMs += 1;
    expect(await floatOf(client, 6)).toBeGreaterThan(halfPast);
  });

  it('keeps the buses apart, each on a port of its own', async () => {
    const { ports } = await start();
    expect(ports['one']).not.toBe(ports['two']);
    expect(await floatOf(await clientOf(ports['two']!), 0)).toBe(2);
  });

  it('answers with the exceptions of the protocol', async () => {
    const client = await clientOf((await start()).ports['one']!);
    const codeOf = (reading: Promise<unknown>): Promise<number> =>
      reading.then(
        () => 0,
        (error: { modbusCode: number }) => error.modbusCode,
      );
    expect(await codeOf(client.readHoldingRegisters(100, 1))).toBe(2);
    expect(await codeOf(client.readHoldingRegisters(1, 1))).toBe(2);
    expect(await codeOf(client.readHoldingRegisters(0, 126))).toBe(3);
    expect(await codeOf(client.writeRegister(0, 1))).toBe(1);
    expect(await floatOf(client, 0)).toBe(31.25);
  });

  it('lets a unit fail, fall silent and come back', async () => {
    const { ports } = await start();
    const sick = await clientOf(ports['one']!, 2);
    await expect(sick.readHoldingRegisters(0, 2)).rejects.toMatchObject({ modbusCode: 4 });
    nowMs = anchorMs + 10 * MINUTE_MS;
    sick.setTimeout(100);
    await expect(sick.readHoldingRegisters(0, 2)).rejects.toThrow('Timed out');
    nowMs = anchorMs + 20 * MINUTE_MS;
    expect(await floatOf(sick, 0)).toBe(1);
  });

  it('drops a connection that does not speak Modbus TCP', async () => {
    const socket = connect((await start()).ports['one']!, '127.0.0.1');
    open.push(() => void socket.destroy());
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
  });

  it('reads a request that arrives byte by byte', async () => {
    const socket = connect({
      port: (await start()).ports['one']!,
      host: '127.0.0.1',
      noDelay: true,
    });
    open.push(() => void socket.destroy());
    for (const byte of [0, 7, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2]) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    }
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect([...reply.subarray(0, 9)]).toEqual([0, 7, 0, 0, 0, 7, 1, 3, 4]);
    expect(reply.readFloatBE(9)).toBe(31.25);
  });

  it('rejects when a port is taken, and leaves none of its own open', async () => {
    const first = await start();
    const freePort = first.ports['one']!;
    await first.close();
    const { ports } = await start();
    const [one, two] = scenario.buses as [Scenario['buses'][0], Scenario['buses'][0]];
    const buses = [
      { ...one, port: freePort },
      { ...two, port: ports['two']! },
    ];
    const clock = { now: () => nowMs, sleepUntil: () => Promise.resolve() };
    await expect(startSensors({ buses }, { clock, anchorMs, log })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    const [refusal] = await once(connect(freePort, '127.0.0.1'), 'error');
    expect(refusal).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('spends less than half a millisecond on a request, client and all', async () => {
    const client = await clientOf((await start()).ports['one']!);
    const before = process.cpuUsage();
    for (let n = 0; n < 2_000; n += 1) await client.readHoldingRegisters(6, 2);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 2_000).toBeLessThan(500);
  });
});

describe('Scenario', () => {
  it('names a column that the recording does not have', () => {
    const input = structuredClone(scenario) as unknown as { buses: { units: object[] }[] };
    input.buses[1]!.units = [
      {
        unit: 1,
        device: 'x',
        registers: [
          { ...register('x', 'input', 0, 'float32', {}, 0), series: { ...co, column: 'o3' } },
        ],
      },
    ];
    const parsed = Scenario.safeParse(input);
    expect(parsed.error?.issues[0]?.message).toBe('the recording has no such column');
  });

  it('asks for a sentinel where a register has no NaN', () => {
    const bus = {
      bus: 'b',
      units: [{ unit: 1, device: 'x', registers: [register('x', 'input', 0, 'int16', {}, 0)] }],
    };
    const parsed = Scenario.safeParse({ buses: [bus] });
    expect(parsed.error?.issues[0]?.path.at(-1)).toBe('missing');
  });
});
