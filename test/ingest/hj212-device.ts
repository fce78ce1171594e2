import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'vitest';
import type { Hj212Logger } from '../../src/devices/hj212-stations.ts';
import { Device, Gateway } from '../../src/model/facts.ts';
import { createFrameStream } from '../../src/telemetry/hj212/frame-stream.ts';
import { MN } from '../telemetry/hj212/device-frames.ts';

export const LOGGER_ID = 'logger-1';

/** A registered data logger with a noise meter and a dust meter, for realtime and minute data. */
export function loggerOf(station: object = {}): Hj212Logger {
  const metric = (name: string, factor: string, unit: string) => ({
    ...{ metric: name, factor, unit, range: [0, 200] },
  });
  const device = (id: string, code: string, name: string, metrics: object[]) =>
    Device.parse({
      ...{ id, point: 'point-1', gateway: LOGGER_ID, model: 'm', serial: 's', metrics },
      hj212: { codes: { [code]: name }, realtimeSpanS: 30 },
    });
  const noise = ['laeq', 'laeq-minute'].map((name) => metric(name, 'noise', 'dB(A)'));
  const dust = ['dust', 'dust-minute'].map((name) => metric(name, 'other-dust-total', 'ug/m3'));
  return {
    gateway: Gateway.parse({
      ...{ id: LOGGER_ID, operator: 'test', region: '330106', publicKey: null },
      hj212: { mn: MN, minuteIntervalMin: 1, ...station },
    }),
    devices: [device('noise-1', 'LA', 'laeq', noise), device('dust-1', 'a34001', 'dust', dust)],
  };
}

export interface RawDevice {
  send(...parts: (Buffer | string)[]): void;
  /** Sends the end of its stream and goes on reading. */
  end(): void;
  /** Answers so far, each a frame. */
  readonly answers: string[];
  /** Waits until so many have come. */
  answered(count: number): Promise<void>;
  readonly isClosed: boolean;
  closed(): Promise<void>;
  close(): void;
}

/** A connection that sends what the test says. */
export async function connectDevice(port: number): Promise<RawDevice> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const stream = createFrameStream();
  const answers: string[] = [];
  let isClosed = false;
  socket.on('data', (bytes) => {
    for (const { raw } of stream.push(bytes as Buffer)) answers.push(raw.toString());
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    isClosed = true;
  });
  return {
    send: (...parts) => void socket.write(Buffer.concat(parts.map((part) => Buffer.from(part)))),
    end: () => void socket.end(),
    answers,
    answered: (count) =>
      expect
        .poll(() => answers.length, { timeout: 20_000 })
        .toBe(count)
        .then(() => undefined),
    get isClosed() {
      return isClosed;
    },
    closed: () =>
      expect
        .poll(() => isClosed, { timeout: 20_000 })
        .toBe(true)
        .then(() => undefined),
    close: () => socket.destroy(),
  };
}
