import { SerialPort } from 'serialport';
import { onTestFinished, vi } from 'vitest';
import { startFaultyServer } from '../../simulators/modbus-faulty-server.ts';
import {
  createFaultySlave,
  type FaultySlave,
  type FaultySlaveSettings,
} from '../../simulators/modbus-faulty-slave.ts';
import { createRandom } from '../../simulators/seeded-random.ts';
import { createMbapMaster } from '../../src/gateway/modbus/mbap-master.ts';
import type { ModbusMaster } from '../../src/gateway/modbus/modbus-master.ts';
import { createRtuMaster } from '../../src/gateway/modbus/rtu-master.ts';
import { serialLink } from '../../src/gateway/modbus/serial-link.ts';
import { tcpLink } from '../../src/gateway/modbus/tcp-link.ts';
import { testFolder } from './gateway-fixture.ts';
import { openPtyPair } from './pty-pair.ts';

export type Transport = 'rtu' | 'rtu-over-tcp' | 'mbap';

const timing = { reconnectMsMin: 1, reconnectMsMax: 5, afterConnectMs: 0 };
const onState = (): void => undefined;

/** Every register tells where it stands, so that a value of another question shows. */
export const registerOf = (unitId: number, address: number): number =>
  (unitId * 7_919 + address * 31 + 1) & 0xffff;

export const tcpTo = (port: number) =>
  tcpLink({ host: '127.0.0.1', port, connectTimeoutMs: 1_000 });

/** A master of a transport on an address or path, quick to reconnect. */
export function masterOn(
  transport: Transport,
  at: { port: number } | { path: string },
): ModbusMaster {
  const open =
    'path' in at
      ? serialLink({ path: at.path, baudRate: 115_200, parity: 'none', stopBits: 1 })
      : tcpTo(at.port);
  const master =
    transport === 'mbap'
      ? createMbapMaster({ open, ...timing, onState, inFlightMax: 1, aliasesOf: () => [] })
      : createRtuMaster({
          open,
          ...timing,
          onState,
          reopenMsMin: transport === 'rtu' ? null : 0,
          frameGapMs: transport === 'rtu' ? 1.75 : 0,
          echo: false,
        });
  onTestFinished(() => master.close());
  return master;
}

export const isUp = (master: ModbusMaster): Promise<void> =>
  vi.waitFor(
    () => {
      if (!master.isUp()) throw new Error('not connected');
    },
    { timeout: 10_000, interval: 1 },
  );

/** A faulty slave and a master that reads it over a real socket or a real serial port. */
export async function faultyLine(
  transport: Transport,
  settings: Omit<FaultySlaveSettings, 'write' | 'framing' | 'registerOf'>,
): Promise<{ readonly master: ModbusMaster; readonly slave: FaultySlave }> {
  if (transport === 'rtu') {
    const { master: path, slave: end } = await openPtyPair(testFolder());
    const port = new SerialPort({ path: end, baudRate: 115_200 });
    const write = (bytes: Buffer): void => void (port.isOpen && port.write(bytes));
    const slave = createFaultySlave({ ...settings, framing: 'rtu', registerOf, write });
    port.on('data', (chunk: Buffer) => slave.receive(chunk));
    port.on('error', () => undefined);
    onTestFinished(() => {
      slave.close();
      return new Promise<void>((resolve) =>
        port.isOpen ? port.close(() => resolve()) : resolve(),
      );
    });
    const master = masterOn('rtu', { path });
    await isUp(master);
    return { master, slave };
  }
  const framing = transport === 'mbap' ? 'mbap' : 'rtu';
  const server = await startFaultyServer({ ...settings, framing, registerOf });
  onTestFinished(server.close);
  const master = masterOn(transport, server);
  await isUp(master);
  return { master, slave: server.slave };
}

export interface Tally {
  reads: number;
  good: number;
  wrong: number;
  failed: number;
}

/**
 * Reads at random, as the gateway does: a request that timed out or met a wrong reply is made once or
 * twice more before the next one. Several units and few lengths, so that a late reply finds takers.
 */
export async function readMany(
  master: ModbusMaster,
  { reads, seed, timeoutMs }: { reads: number; seed: number; timeoutMs: number },
): Promise<Tally> {
  const random = createRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const tally: Tally = { reads: 0, good: 0, wrong: 0, failed: 0 };
  while (tally.reads < reads) {
    const request = {
      unitId: 1 + below(3),
      table: below(2) === 0 ? ('holding' as const) : ('input' as const),
      address: below(2_000),
      words: 1 + below(2),
    };
    for (let tries = 0; tries < 3; tries += 1) {
      tally.reads += 1;
      const reply = await master.read(request, timeoutMs);
      if (reply.ok) {
        if (reply.value.kind === 'exception') break;
        const expected = Array.from({ length: request.words }, (_, i) =>
          registerOf(request.unitId, request.address + i),
        );
        const isRight = reply.value.words.every((word, i) => word === expected[i]);
        if (isRight && reply.value.words.length === expected.length) tally.good += 1;
        else tally.wrong += 1;
        break;
      }
      tally.failed += 1;
      if (reply.reason === 'down' || reply.reason === 'lost') await isUp(master);
    }
  }
  return tally;
}
