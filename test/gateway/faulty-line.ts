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
    { timeout: 30_000, interval: 1 },
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
  /** Wrong, and later than any master of RTU waits for: it can't be told from the right one. */
  tooLate: number;
  failed: number;
}

/** An RTU reply names no question: after a time-out a master waits as long again, and at least this. */
const LATE_WINDOW_MS_MIN = 50;
const OWED_KEPT = 20;

/** A question without an answer, and what the answer would be. */
interface Owed {
  readonly words: readonly number[];
  readonly sentMs: number;
}

/**
 * Whether a reply is to a question that was given up, and longer under way than a master waits for it: a
 * machine that stalls delays bytes on a line for any time.
 */
function isTooLate(words: readonly number[], owed: readonly Owed[], timeoutMs: number): boolean {
  const latestMs = performance.now() - timeoutMs - Math.max(timeoutMs, LATE_WINDOW_MS_MIN);
  return owed.some((one) => one.words.join() === words.join() && one.sentMs < latestMs);
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
  const tally: Tally = { reads: 0, good: 0, wrong: 0, tooLate: 0, failed: 0 };
  const owed: Owed[] = [];
  while (tally.reads < reads) {
    const request = {
      unitId: 1 + below(3),
      table: below(2) === 0 ? ('holding' as const) : ('input' as const),
      address: below(2_000),
      words: 1 + below(2),
    };
    const right = Array.from({ length: request.words }, (_, i) =>
      registerOf(request.unitId, request.address + i),
    );
    for (let tries = 0; tries < 3; tries += 1) {
      tally.reads += 1;
      let sentMs = performance.now();
      const onSent = (): void => {
        sentMs = performance.now();
      };
      const reply = await master.read(request, timeoutMs, { onSent });
      if (reply.ok && reply.value.kind === 'words') {
        const { words } = reply.value;
        if (words.join() === right.join()) tally.good += 1;
        else if (isTooLate(words, owed, timeoutMs)) tally.tooLate += 1;
        else tally.wrong += 1;
      }
      if (reply.ok) break;
      owed.push({ words: right, sentMs });
      if (owed.length > OWED_KEPT) owed.shift();
      tally.failed += 1;
      if (reply.reason === 'down' || reply.reason === 'lost') await isUp(master);
    }
  }
  return tally;
}
