import { z } from 'zod';
import { RegionCode } from '../../model/ids.ts';

const Ms = z.int().min(1);

/** The broker that the hub is a client of, in the place of its own. */
export const mqttSettings = z
  .strictObject({
    /** `mqtt:`, `mqtts:`, `ws:` or `wss:`; absent: the embedded broker. */
    url: z
      .string()
      .regex(/^(mqtts?|wss?):\/\/./, 'expected mqtt://, mqtts://, ws:// or wss://')
      .optional(),
    version: z.enum(['3.1.1', '5']).default('5'),
    /** Names the session that the broker keeps for the shard; left out: `wugan-hub-{shard}`. */
    clientId: z.string().min(1).max(64).optional(),
    username: z.string().min(1).optional(),
    /** A file that holds the password and nothing else but white space around it. */
    passwordFile: z.string().min(1).optional(),
    /** Files in PEM: the authorities trusted instead of the machine's own. */
    caFile: z.string().min(1).optional(),
    /** The hub's certificate and its private key; both or neither. */
    certFile: z.string().min(1).optional(),
    clientKeyFile: z.string().min(1).optional(),
    /** Name that the broker's certificate must have; left out: the host of `url`. */
    serverName: z.string().min(1).optional(),
    /** Whose gateways this shard takes; empty: those of all regions. */
    regions: z.array(RegionCode).max(1_000).default([]),
    keepaliveS: z.int().min(1).max(65_535).default(30),
    connectTimeoutMs: Ms.default(10_000),
    /** Back-off of connecting: full jitter between 0 and a bound that doubles from min to max. */
    reconnectMsMin: Ms.default(500),
    reconnectMsMax: Ms.default(30_000),
    /** Messages taken and not acknowledged: beyond it an MQTT 5 broker sends none, and none is read. */
    receiveMax: z.int().min(1).max(65_535).default(8_192),
    /** MQTT 5: so long the broker keeps what comes while no hub is there. */
    sessionExpiryS: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .default(7 * 86_400),
  })
  .superRefine((mqtt, ctx) => {
    const refuse = (name: string, message: string): void =>
      ctx.addIssue({ code: 'custom', path: [name], message });
    if (mqtt.passwordFile !== undefined && mqtt.username === undefined) {
      refuse('username', 'expected beside passwordFile');
    }
    if (mqtt.certFile !== undefined && mqtt.clientKeyFile === undefined) {
      refuse('clientKeyFile', 'expected beside certFile');
    }
    if (mqtt.clientKeyFile !== undefined && mqtt.certFile === undefined) {
      refuse('certFile', 'expected beside clientKeyFile');
    }
    if (mqtt.reconnectMsMin > mqtt.reconnectMsMax) {
      refuse('reconnectMsMin', 'expected at most reconnectMsMax');
    }
  });
export type MqttSettings = z.infer<typeof mqttSettings>;
