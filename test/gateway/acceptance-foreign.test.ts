import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startLateProxy } from '../../simulators/modbus-late-proxy.ts';
import type { ModbusMaster } from '../../src/gateway/modbus/modbus-master.ts';
import { isUp, masterOn, readMany, registerOf } from './faulty-line.ts';
import { startPymodbusSerial, startPymodbusTcp, startServerSerial } from './foreign-servers.ts';
import { testFolder } from './gateway-fixture.ts';
import { startForeignServer } from './modbus-servers.ts';
import { openPtyPair } from './pty-pair.ts';

const TIMEOUT_MS = 60;

/** Servers that nobody here wrote, each behind a proxy that holds back some of its replies. */
const SERVERS = {
  'modbus-serial, Modbus TCP': { transport: 'mbap', start: startServerTcp },
  'pymodbus, Modbus TCP': { transport: 'mbap', start: () => startPymodbusTcp('tcp') },
  'pymodbus, RTU over TCP': {
    transport: 'rtu-over-tcp',
    start: () => startPymodbusTcp('rtu-over-tcp'),
  },
} as const;

async function startServerTcp(): Promise<number> {
  const server = await startForeignServer(registerOf);
  onTestFinished(server.close);
  return server.port;
}

const SERIAL_SERVERS = {
  'modbus-serial, RTU': startServerSerial,
  'pymodbus, RTU': startPymodbusSerial,
} as const;

/** A server takes its time to come up on a serial port, and says nothing until then. */
const answers = (master: ModbusMaster): Promise<void> =>
  vi.waitFor(
    async () => {
      const reply = await master.read(
        { unitId: 1, table: 'holding', address: 0, words: 1 },
        TIMEOUT_MS,
      );
      expect(reply.ok).toBe(true);
    },
    { timeout: 30_000, interval: 20 },
  );

describe('a server that nobody here wrote', () => {
  for (const [name, { transport, start }] of Object.entries(SERVERS)) {
    it(`is read without a wrong value when its replies are late: ${name}`, async () => {
      const upstreamPort = await start();
      const tallies = await Promise.all(
        Array.from({ length: 8 }, async (_, seed) => {
          const proxy = await startLateProxy({
            upstreamPort,
            seed,
            late: 0.05,
            lateMs: [TIMEOUT_MS + 2, 2 * TIMEOUT_MS - 10],
            isLine: transport === 'rtu-over-tcp',
          });
          onTestFinished(proxy.close);
          const master = masterOn(transport, proxy);
          await isUp(master);
          const tally = await readMany(master, { reads: 200, seed, timeoutMs: TIMEOUT_MS });
          return { ...tally, late: proxy.late(), seen: master.counters().lateReplies };
        }),
      );
      const sum = (of: (one: (typeof tallies)[number]) => number): number =>
        tallies.reduce((total, one) => total + of(one), 0);
      expect(sum(({ wrong }) => wrong)).toBe(0);
      // On a busy machine some good replies are late as well.
      expect(sum(({ good }) => good)).toBeGreaterThan(600);
      expect(sum(({ late }) => late)).toBeGreaterThan(50);
      expect(sum(({ seen }) => seen)).toBeGreaterThan(20);
    });
  }

  for (const [name, start] of Object.entries(SERIAL_SERVERS)) {
    it(`is read on a serial port: ${name}`, async () => {
      const pty = await openPtyPair(testFolder());
      await start(pty.slave);
      const master = masterOn('rtu', { path: pty.master });
      await isUp(master);
      await answers(master);
      const tally = await readMany(master, { reads: 50, seed: 1, timeoutMs: 2_000 });
      expect(tally.wrong).toBe(0);
      expect(tally.good).toBeGreaterThan(40);
    });
  }
});
