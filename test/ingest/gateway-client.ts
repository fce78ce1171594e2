import { generateKeyPairSync } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { ulid } from 'ulid';
import { sha256Hex } from '../../src/model/digest.ts';
import type { Gateway } from '../../src/model/facts.ts';
import { ZERO_HASH } from '../../src/model/ids.ts';
import type { AckMessage } from '../../src/telemetry/messages.ts';
import { type SigningKey, signingKeyFromPem, signMessage } from '../../src/telemetry/signing.ts';

export const REGION = '330106';
const KEY = signingKeyFromPem(
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);

export const gatewayFact = (id: string, publicKey: string | null = KEY.publicKey): Gateway =>
  ({ id, operator: 'test', region: REGION, publicKey }) as Gateway;

/** Makes the batches of one epoch with a real chain. */
export interface Chain {
  readonly epoch: string;
  /** The next batch's bytes; `value` goes into its one reading. */
  next(value: number): Buffer;
  seal(upTo: number): Buffer;
  gap(from: number, to: number, sign?: boolean): Buffer;
  readonly hashes: readonly string[];
}

export const START_MS = Date.UTC(2026, 0, 5, 8);

export function createChain(
  gateway: string,
  epoch: string = ulid(START_MS),
  key: SigningKey = KEY,
): Chain {
  const hashes = [ZERO_HASH];
  return {
    epoch,
    hashes,
    next(value) {
      const seq = hashes.length;
      const bytes = Buffer.from(
        batchText(gateway, { epoch, seq, prev: hashes.at(-1) as string }, value),
      );
      hashes.push(sha256Hex(bytes));
      return bytes;
    },
    seal: (upTo) =>
      Buffer.from(
        JSON.stringify(
          signMessage({ v: 1, gateway, epoch, upTo, hash: hashes[upTo] as string }, key),
        ),
      ),
    gap(from, to, sign = true) {
      const message = signMessage(
        { v: 1, gateway, epoch, from, to, reason: 'spool-full', prev: ZERO_HASH, hash: ZERO_HASH },
        key,
      );
      return Buffer.from(JSON.stringify(sign ? message : { ...message, to: to + 1 }));
    },
  };
}

export interface Keys {
  readonly epoch?: string;
  readonly seq?: number;
  readonly prev?: string;
}

/** One batch of one reading: its second follows from its seq, or from the value. */
export function batchText(gateway: string, keys: Keys, value: number): string {
  const at = START_MS + (keys.seq ?? value) * 1_000;
  return JSON.stringify({
    v: 1,
    gateway,
    ...keys,
    createdAt: at,
    frames: [{ device: `${gateway}-noise`, at, spanMs: 1_000, values: { laeq: value } }],
  });
}

export interface GatewayClient {
  readonly client: MqttClient;
  /** Publishes and ends at the PUBACK. */
  send(channel: string, payload: Buffer | string): Promise<void>;
  /** Acks received so far, oldest first. */
  readonly acks: AckMessage[];
  close(): Promise<void>;
}

/** A gateway's connection; rejects when the broker refuses it. */
export async function connectGateway(
  port: number,
  id: string,
  { region = REGION, protocolVersion = 4 as 4 | 5 } = {},
): Promise<GatewayClient> {
  const topic = (channel: string): string => `wugan/v1/${region}/${id}/${channel}`;
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId: id,
    protocolVersion,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    will: {
      topic: topic('status'),
      payload: Buffer.from('{"online":false}'),
      qos: 1,
      retain: true,
    },
  });
  const acks: AckMessage[] = [];
  client.on('message', (_topic, payload) => {
    acks.push(JSON.parse(payload.toString()) as AckMessage);
  });
  client.on('error', () => undefined);
  await client.subscribeAsync(topic('ack'), { qos: 1 });
  return {
    client,
    acks,
    send: async (channel, payload) => {
      await client.publishAsync(topic(channel), payload, { qos: 1 });
    },
    close: () => client.endAsync(true),
  };
}
